#!/usr/bin/env bash
# Runs tests under one of three tools that watch every access: ci/sanitizers.sh miri|thread|address.
# Needs the nightly toolchain, with miri for the first and rust-src for the first two; fails without.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(rustup run nightly rustc -vV | sed -n 's/^host: //p')
export RUST_BACKTRACE=1

# sanitized NAME [words for cargo test]: on the dev profile's optimised engine, in a folder of its own.
sanitized() {
    local name=$1
    shift
    RUSTFLAGS="-Zsanitizer=$name" cargo +nightly test --locked --target "$target" \
        --target-dir "target/sanitizer-$name" "$@"
}

case ${1:-} in
miri)
    # What is small enough for an interpreter and needs no SIMD: the hand-over of work between threads, both
    # readers of GGUF headers, the reading of receipts, half precision. Floats as on a machine: Miri varies
    # the last bit of what IEEE-754 does not fix, such as powi.
    export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-deterministic-floats"
    cargo +nightly miri test --locked -p engine-native --lib -- workers all_cores gguf
    cargo +nightly miri test --locked -p guest-reference --test specification -- \
        half::overflow half::tiny half::widening refused_headers
    cargo +nightly miri test --locked -p host --no-default-features --lib -- \
        receipt:: files::json verify::parse hex:: plain::
    ;;
thread)
    # The standard library is built along, so that its locks are watched, too.
    sanitized thread -Zbuild-std -p engine-native --lib --test observer
    ;;
address)
    # The checks of kernels have an allocator of their own, which is stricter.
    sanitized address -p engine-native --lib --test observer --test profile --test screening
    ;;
*)
    echo "usage: ci/sanitizers.sh miri|thread|address" >&2
    exit 2
    ;;
esac
