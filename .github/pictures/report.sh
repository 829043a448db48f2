#!/usr/bin/env bash
# Makes report.png, the README's picture of a report, or screenshots of reports to look at.
#
#     .github/pictures/report.sh [--bitreceipt PATH] [--all FOLDER]
#
# Use a quiet machine: the figures are those of this run. It needs Chromium (Debian: chromium). Without
# --bitreceipt, the program is built here in the release profile. With --all, the picture stays as it is,
# and FOLDER gets pages and pictures of them: 400 and 1280 pixels wide, light and dark, and a PDF as printed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bitreceipt= folder=
while [ $# -gt 0 ]; do
    case $1 in
    --bitreceipt) bitreceipt=$(realpath "$2") && shift 2 ;;
    --all) mkdir -p "$2" && folder=$(realpath "$2") && shift 2 ;;
    *) echo "report.sh: unknown argument $1; allowed are --bitreceipt PATH and --all FOLDER" >&2 && exit 2 ;;
    esac
done
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    { echo "report.sh: Chromium is missing: apt-get install chromium" >&2 && exit 1; }
if [ -z "$bitreceipt" ]; then
    cargo build --manifest-path "$root/Cargo.toml" --release --locked -p xtask --bin bitreceipt
    bitreceipt=$root/target/release/bitreceipt
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

browse() { # its flags; as root, it has no sandbox of its own
    "$chromium" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" "$@" \
        >/dev/null 2>&1
}
shoot() { # page, picture, width, height, scheme: 0 is dark, 1 is light; flags
    browse --blink-settings=preferredColorScheme="$5" --window-size="$3,$4" "${@:6}" --screenshot="$2" "file://$1"
}

cd "$work"
"$bitreceipt" benchmark --tokens 128 --quiet --output inference.json
"$bitreceipt" report inference.json --quiet --output report.html
if [ -z "$folder" ]; then
    # Smaller: it is in every clone.
    shoot "$work/report.html" "$here/report.png" 1040 1400 1 --force-device-scale-factor=0.9
    exit
fi
"$bitreceipt" benchmark --tokens 128 --kernel avx2 --quiet --output avx2.json
"$bitreceipt" benchmark --tokens 128 --prompt-tokens 512 --quiet --output deep.json
"$bitreceipt" benchmark --tokens 128 --profile --format json --output profiled.json >profile.json
python3 "$here/forge.py" inference.json forged.json
"$bitreceipt" report profile.json --quiet --output "$folder/one.html"
# It has a forgery.
"$bitreceipt" report inference.json avx2.json deep.json profiled.json forged.json --quiet \
    --output "$folder/many.html" || [ $? -eq 1 ]
for page in one many; do
    for scheme in 0-dark 1-light; do
        shoot "$folder/$page.html" "$folder/$page-400-${scheme#*-}.png" 400 6000 "${scheme%-*}"
        shoot "$folder/$page.html" "$folder/$page-1280-${scheme#*-}.png" 1280 3600 "${scheme%-*}"
    done
    browse --no-pdf-header-footer --print-to-pdf="$folder/$page.pdf" "file://$folder/$page.html"
done
ls "$folder"
