#!/usr/bin/env bash
# Every gate that a change has to pass, as a person runs them. Needs rustup's cargo.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo clippy --workspace --all-targets --locked -- -D warnings
cargo test --workspace --locked
rm -f ci/inference.json
cargo run -p xtask -- benchmark --tokens 128 --deterministic
cargo run -p xtask -- verify-receipt --check-parity
cargo run -p xtask -- verify-receipt --check-parity --policy ci/policy.toml
cargo run -p xtask -- selftest
