#!/usr/bin/env bash
# A bounded run of every fuzz target: ci/fuzz.sh [seconds for each]. Does what `cargo fuzz run` does,
# so that it needs the nightly toolchain and a C++ compiler, and nothing to be installed.
set -euo pipefail
cd "$(dirname "$0")/../xtask/fuzz"
seconds=${1:-20}

if ! rustup run nightly rustc --version >/dev/null 2>&1; then
    echo "fuzzing skipped: the nightly toolchain is not installed"
    exit 0
fi
target=$(rustup run nightly rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
folder=$(mktemp -d)

# fuzz TARGET [flags of cargo]: runs it on the seeds in $folder/TARGET.
fuzz() {
    local name=$1
    shift
    if ! cargo +nightly run --locked --quiet --bin "$name" "$@" -- \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=20000 \
        -artifact_prefix="$folder/$name-" "$folder/$name" >"$folder/log" 2>&1; then
        cat "$folder/log"
        echo "$name: failed; the input is in $folder"
        exit 1
    fi
    echo "$name: $(tail -n 1 "$folder/log")"
}

# Model files, with everything under the address sanitizer.
for name in native_reader guest_reader both_readers; do
    mkdir "$folder/$name"
    # Headers without their data: most of what a reader decides is decided there.
    head -c 20000 ../../models/tiny.gguf >"$folder/$name/tiny"
    head -c 12000 ../tests/oracle/F-tq1_0-embf16-outq4_k.gguf >"$folder/$name/llama"
    RUSTFLAGS="$coverage --cfg fuzzing -Zsanitizer=address" fuzz "$name" --release --target "$target"
done

# What a verifier reads. Coverage is measured in our own crate alone: the sandbox's compiler, which the
# crate brings along, would take far longer to build.
cat >"$folder/rustc" <<'WRAPPER'
#!/bin/sh
case " $* " in
*" --crate-name host "*) exec "$@" $COVERAGE ;;
*) exec "$@" ;;
esac
WRAPPER
chmod +x "$folder/rustc"
mkdir "$folder/documents" "$folder/receipts"
cp seeds/* ../../ci/policy.toml ../tests/tamper/receipt-1.1.0.json "$folder/documents"
for name in documents receipts; do
    COVERAGE="$coverage" RUSTC_WRAPPER="$folder/rustc" \
        fuzz "$name" --profile documents --features documents
done
rm -r "$folder"
