#!/usr/bin/env bash
# Makes web.png, the README's picture of the page that checks receipts, or screenshots of it to look at.
#
#     .github/pictures/web.sh [--all FOLDER]
#
# It needs Chromium (Debian: chromium). With --all, the picture stays as it is, and FOLDER gets the page as it
# starts, computes, accepts, rejects and fails: 400 and 1280 pixels wide, light and dark.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case ${1-} in
--all) mkdir -p "$2" && folder=$(realpath "$2") ;;
"") folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT ;;
*) echo "web.sh: unknown argument $1; allowed is --all FOLDER" >&2 && exit 2 ;;
esac
PICTURES=$folder cargo test --manifest-path "$here/../../Cargo.toml" --locked -p xtask --features web --test web -- \
    --ignored --exact pictures::pictures
[ -n "${1-}" ] || cp "$folder/web.png" "$here/web.png"
