#!/usr/bin/env bash
# Builds the release program and the page that verifies in two folders, and compares byte for byte. What a
# signer's bundle says of its binary can then be checked by whoever builds the same commit with the same
# compiler, and so can a page that somebody serves.
set -euo pipefail
root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cargo_home=${CARGO_HOME:-$HOME/.cargo}

# build FOLDER: prints the digests of the program and of the page.
build() {
    git clone --quiet "$root" "$1"
    cd "$1"
    RUSTFLAGS="--remap-path-prefix=$1=/bitreceipt --remap-path-prefix=$cargo_home=/cargo" \
        cargo build --quiet --release --locked -p xtask --bin bitreceipt
    cargo run --quiet --locked -p xtask --features web -- web --quiet --output target/page
    sha256sum target/release/bitreceipt target/page/index.html | cut -d' ' -f1 | paste -sd' '
}

first=$(build "$folder/first")
second=$(build "$folder/second/in/a/deeper/folder")
if [ "$first" != "$second" ]; then
    echo "two builds of $(git -C "$root" rev-parse HEAD) differ: $first, $second" >&2
    exit 1
fi
echo "bitreceipt and the page are $first in both folders, with $(rustc --version)"
