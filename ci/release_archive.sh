#!/usr/bin/env bash
# Makes what a release offers to download: `bitreceipt` for this platform with its documents, and its digest.
#
#   ci/release_archive.sh FOLDER
set -euo pipefail
[ $# = 1 ] || { echo "usage: ci/release_archive.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet -p xtask --bin bitreceipt
program=${CARGO_TARGET_DIR:-target}/release/bitreceipt
version=$("$program" --version | cut -d ' ' -f 2)
host=$(rustc -vV | sed -n 's/^host: //p')
name=bitreceipt-$version-$host
staged=$(mktemp -d)
trap 'rm -r "$staged"' EXIT
mkdir "$staged/$name"
cp "$program" README.md SECURITY.md CHANGELOG.md LICENSE "$staged/$name"
# Nothing of the day or of the person is in it, so equal programs are equal archives.
tar --create --directory "$staged" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 "$name" |
    gzip --no-name --best >"$folder/$name.tar.gz"
(cd "$folder" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
echo "$folder/$name.tar.gz"
