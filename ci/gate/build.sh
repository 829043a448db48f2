#!/usr/bin/env bash
# Builds `bitreceipt` of a checkout, with release settings, and puts it where it is wanted.
#
#   ci/gate/build.sh CHECKOUT PROGRAM
set -euo pipefail
[ $# = 2 ] || { echo "usage: ci/gate/build.sh CHECKOUT PROGRAM" >&2; exit 2; }
program=$(realpath -m "$2")
cd "$1"
cargo build --release --locked --quiet -p xtask --bin bitreceipt
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$(dirname "$program")"
cp "$target/release/bitreceipt" "$program"
