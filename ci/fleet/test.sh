#!/usr/bin/env bash
# The fleet and the Parquet files, against what others use: ci/fleet/test.sh. Takes minutes: it builds the
# feature `parquet` and installs ci/fleet/requirements.txt from PyPI into target/fleet-venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --quiet --locked -p xtask --bin bitreceipt --features parquet --target-dir target/fleet
python3 -m venv target/fleet-venv
target/fleet-venv/bin/pip install --quiet --requirement ci/fleet/requirements.txt
BITRECEIPT=$PWD/target/fleet/debug/bitreceipt
export BITRECEIPT
cd ci/fleet
../../target/fleet-venv/bin/python -B -W ignore -m unittest --verbose
