#!/usr/bin/env bash
# Fetches a file that is known by its digest, unless it is there already.
#
#   ci/gate/fetch.sh ADDRESS SHA256 FILE
set -euo pipefail
[ $# = 3 ] || { echo "usage: ci/gate/fetch.sh ADDRESS SHA256 FILE" >&2; exit 2; }
is_right() {
    echo "$2  $1" | sha256sum --check --status 2>/dev/null
}
if [ -f "$3" ] && is_right "$3" "$2"; then
    exit 0
fi
mkdir -p "$(dirname "$3")"
partial=$(mktemp "$3.XXXXXX")
trap 'rm -f "$partial"' EXIT
curl --fail --location --silent --show-error --retry 3 --output "$partial" "$1"
is_right "$partial" "$2" || {
    echo "ci/gate/fetch.sh: $1: found sha256 $(sha256sum <"$partial" | cut -d ' ' -f 1), expected $2" >&2
    exit 4
}
chmod 644 "$partial"
mv "$partial" "$3"
