#!/usr/bin/env bash
# Builds `bitreceipt` of a checkout and puts it where it is wanted. The engine is optimised in the dev
# profile as well, which builds in a fraction of the time.
#
#   ci/gate/build.sh CHECKOUT PROGRAM
set -euo pipefail
[ $# = 2 ] || { echo "usage: ci/gate/build.sh CHECKOUT PROGRAM" >&2; exit 2; }
program=$(realpath -m "$2")
cd "$1"
cargo build --locked --quiet -p xtask --bin bitreceipt
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$(dirname "$program")"
cp "$target/debug/bitreceipt" "$program"
