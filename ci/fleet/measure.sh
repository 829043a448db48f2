#!/usr/bin/env bash
# What a receipt costs: ci/fleet/measure.sh PROGRAM PYTHON [N…]. Makes receipts of the tiny model with other
# threads, kernels and prompts, verifies the first N of them on one and two workers and in one process, and
# prints a line for each: seconds, and seconds of CPU. PYTHON has ci/fleet/requirements.txt.
set -euo pipefail
program=$1 python=$2
shift 2
[ $# -gt 0 ] || set -- 50 100 200
fleet=$(cd "$(dirname "$0")" && pwd)/fleet.py
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

most=$(printf '%s\n' "$@" | sort -n | tail -1)
mkdir "$folder/all"
for i in $(seq "$most"); do
    kernel=(auto avx2 scalar)
    "$program" benchmark --quiet --parity off --repetitions 1 --tokens 16 --prompt-tokens $((4 + i % 5)) \
        --threads $((1 + i % 2)) --kernel "${kernel[$((i % 3))]}" --output "$folder/all/$(printf %04d "$i").json"
done

TIMEFORMAT='%R s, %U s of CPU'
for n in "$@"; do
    rm -rf "$folder/some"
    mkdir "$folder/some"
    find "$folder/all" -name '*.json' | sort | head -n "$n" | xargs cp -t "$folder/some"
    for workers in 1 2; do
        printf '%s receipts, %s workers: ' "$n" "$workers"
        time "$python" "$fleet" verify "$folder/some" --workers "$workers" --program "$program" \
            --output "$folder/verdicts.jsonl" 2>/dev/null
        "$program" leaderboard --verdicts "$folder/verdicts.jsonl" --output "$folder/board.md"
    done
    printf '%s receipts, one process: ' "$n"
    time "$program" leaderboard "$folder/some" --output "$folder/board.md" --quiet
done
