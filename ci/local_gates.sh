#!/usr/bin/env bash
# Every gate that needs nothing but rustup's cargo. .github/CONTRIBUTING.md says what runs besides.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

# What only WebAssembly compiles: the guest's boundary, a verifier without a sandbox of its own, and the
# one in the page.
rustup target add wasm32-unknown-unknown
cargo clippy -p guest-reference --target wasm32-unknown-unknown --locked -- -D warnings
cargo clippy -p host --no-default-features --target wasm32-unknown-unknown --locked -- -D warnings
cargo clippy -p web --target wasm32-unknown-unknown --locked -- -D warnings

cargo test --workspace --locked
# The page, built as it is published, and in Chromium where there is one.
cargo test -p xtask --features web --test web --locked
rm -f ci/inference.json
cargo run -p xtask -- benchmark --tokens 128 --deterministic
cargo run -p xtask -- verify-receipt --check-parity
# A run that answers a challenge: it is from now, and nobody has remembered it.
challenge=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
cargo run -p xtask -- benchmark --tokens 128 --deterministic --challenge "$challenge" \
    --output target/challenged.json
cargo run -p xtask -- verify-receipt target/challenged.json --check-parity --policy ci/policy.toml \
    --challenge "$challenge"
cargo run -p xtask -- selftest
