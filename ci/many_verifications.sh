#!/usr/bin/env bash
# Verifies one receipt in many processes, a hundred at once: ci/many_verifications.sh [N]. Each must accept
# it, and none may take more memory than one that has the machine for itself, by a quarter.
set -euo pipefail
cd "$(dirname "$0")/.."
n=${1:-1000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cargo build --quiet --locked -p xtask
program=$PWD/target/debug/xtask
"$program" benchmark --quiet --deterministic --tokens 16 --output "$folder/receipt.json"

# verification: verifies, and prints the exit code and the most KiB of memory.
cat >"$folder/verification" <<'PYTHON'
import os, resource, subprocess, sys
program, receipt = sys.argv[1:3]
code = subprocess.call([program, "verify-receipt", receipt, "--quiet"], stdout=subprocess.DEVNULL)
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PYTHON
verification=(python3 "$folder/verification" "$program" "$folder/receipt.json")

alone=$("${verification[@]}" | cut -d' ' -f2)
seq "$n" | xargs -P 100 -I{} "${verification[@]}" >"$folder/results"
awk -v n="$n" -v alone="$alone" '
    $1 != 0 { refused++ }
    $2 > most { most = $2 }
    END {
        printf "%d verifications, %d not accepted; at most %d KiB each, %d KiB alone\n", NR, refused, most, alone
        exit !(NR == n && !refused && most < alone * 1.25)
    }' "$folder/results"
