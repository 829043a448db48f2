#!/usr/bin/env bash
# Licences, sources, crates in two versions; with --advisories, also known holes, which takes a network.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo deny --version >/dev/null 2>&1; then
    echo "ci/dependencies.sh: cargo-deny is missing: cargo install cargo-deny --version 0.20.2 --locked" >&2
    exit 1
fi
checks=(bans licenses sources)
[ "${1:-}" != --advisories ] || checks+=(advisories)
cargo deny --locked --config ci/deny.toml check "${checks[@]}"
