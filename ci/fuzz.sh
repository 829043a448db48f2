#!/usr/bin/env bash
# Fuzzes every reader of strangers' bytes. Does what `cargo fuzz run` does, so that it needs the nightly
# toolchain and a C++ compiler, and nothing to be installed.
#
#   ci/fuzz.sh [SECONDS]                             a gate: every target for SECONDS (15), from its seeds,
#                                                    as many at once as there are cores
#   ci/fuzz.sh --campaign FOLDER SECONDS [TARGET…]   the targets named, or all, one after another on one
#                                                    core; FOLDER keeps what they find for the next time
#   ci/fuzz.sh --models N [SEED]                     compares both sides over N generated models
#   ci/fuzz.sh --list                                the targets
#
# The second and the third write their counts, with the commit, into the tables of SECURITY.md. Counts of
# one commit add up; the first run at another commit starts the row anew. Several may run at once.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
project=xtask/fuzz

# Target, dictionary, longest input in bytes.
targets="\
native_reader gguf 20000
guest_reader gguf 20000
both_readers gguf 20000
differential - 2048
damaged_models - 2048
tokenizer gguf 20000
receipt json 20000
edited_receipt - 90
bundle json 8000
policy policy 4000
transcript json 4000
manifest json 8000
verdict json 16000
public_key keys 1000
private_key keys 1000
command_line text 200
challenge text 200"

fail() {
    echo "ci/fuzz.sh: $1" >&2
    exit 1
}

names() {
    cut -d ' ' -f 1 <<<"$targets"
}

# A count is worth something only if one can tell of what.
commit_of_sources() {
    local changed
    changed=$(git status --porcelain -- engine-native guest-reference host xtask Cargo.toml)
    [ -z "$changed" ] || fail "counts belong to a commit, but sources have changed: commit them first"
    git rev-parse --short=12 HEAD
}

# Adds counts to the row of SECURITY.md: row NAME COMMIT COUNT…
row() {
    local name=$1 commit=$2
    shift 2
    (
        flock 9
        awk -v name="$name" -v commit="$commit" -v counts="$*" -f ci/fuzz_counts.awk SECURITY.md \
            >"$project/target/SECURITY.md"
        # Into the file that is there, whose owner and mode stay.
        cat "$project/target/SECURITY.md" >SECURITY.md
    ) 9>"$project/target/SECURITY.lock"
}

# Everything under the address sanitizer, with the coverage that libFuzzer wants.
build() {
    rustup run nightly rustc --version >/dev/null 2>&1 ||
        fail "the nightly toolchain is missing: rustup toolchain install nightly --profile minimal"
    host=$(rustup run nightly rustc -vV | sed -n 's/^host: //p')
    (
        cd "$project"
        RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing -Zsanitizer=address" \
            cargo +nightly build --locked --quiet --release --bins --target "$host"
    )
    binaries=$root/$project/target/$host/release
}

# What each target starts from: the seeds, and files that lie elsewhere in the project.
seed() {
    local seeds=$1 name
    for name in $(names); do
        mkdir -p "$seeds/$name"
        [ ! -d "$project/seeds/$name" ] || cp "$project/seeds/$name"/* "$seeds/$name"
    done
    "$binaries/count_models" 32 --inputs "$seeds/differential"
    cp "$seeds/differential"/* "$seeds/damaged_models"
    "$binaries/count_models" 1000 --files "$seeds/both_readers"
    # Whole files, and headers without their data: most of what a reader decides is decided there.
    head -c 20000 models/tiny.gguf >"$seeds/both_readers/tiny"
    head -c 12000 xtask/tests/oracle/F-tq1_0-embf16-outq4_k.gguf >"$seeds/both_readers/llama"
    cp "$seeds/both_readers"/* "$seeds/native_reader"
    cp "$seeds/both_readers"/* "$seeds/guest_reader"
    cp ci/policy.toml "$seeds/policy"
    cp models/manifest.json "$seeds/manifest"
    cp xtask/tests/tamper/receipt-1.1.0.json "$seeds/receipt"
}

# Runs one target: fuzz NAME SECONDS SEEDS FINDS CRASHES LOG
fuzz() {
    local name=$1 dictionary length options=()
    read -r _ dictionary length < <(grep "^$name " <<<"$targets")
    [ "$dictionary" = - ] || options=("-dict=$project/dictionaries/$dictionary.dict")
    "$binaries/$name" -max_total_time="$2" -timeout=20 -rss_limit_mb=2048 -max_len="$length" \
        -print_final_stats=1 -artifact_prefix="$5/$name-" "${options[@]}" "$4" "$3/$name" >"$6" 2>&1
}

gate() {
    local seconds=$1 folder name running=0 failed=0
    build
    folder=$(mktemp -d)
    mkdir "$folder/seeds" "$folder/crashes"
    seed "$folder/seeds"
    one() {
        mkdir "$folder/$1"
        if fuzz "$1" "$seconds" "$folder/seeds" "$folder/$1" "$folder/crashes" "$folder/$1.log"; then
            echo "$1: $(grep '^Done' "$folder/$1.log")"
        else
            tail -n 60 "$folder/$1.log"
            echo "$1: failed; the input is in $folder/crashes"
            return 1
        fi
    }
    for name in $(names); do
        if [ "$running" -ge "$(nproc)" ]; then
            wait -n || failed=1
            running=$((running - 1))
        fi
        one "$name" &
        running=$((running + 1))
    done
    while [ "$running" -gt 0 ]; do
        wait -n || failed=1
        running=$((running - 1))
    done
    [ "$failed" = 0 ] || exit 1
    rm -r "$folder"
}

campaign() {
    local folder seconds=$2 commit name log status executions took crashes failed=0
    mkdir -p "$1/crashes" "$1/logs"
    folder=$(cd "$1" && pwd)
    shift 2
    [ $# -gt 0 ] || set -- $(names)
    for name in "$@"; do
        names | grep -qx "$name" || fail "no target is called $name; see ci/fuzz.sh --list"
    done
    commit=$(commit_of_sources)
    build
    seeds=$(mktemp -d)
    trap 'rm -r "$seeds"' EXIT
    seed "$seeds"
    # Ctrl-C ends the target, with libFuzzer's exit code 72, and the campaign; what was done counts.
    stopped=0
    trap stopped=1 INT TERM
    for name in "$@"; do
        mkdir -p "$folder/corpus/$name"
        log=$folder/logs/$name.$commit.$$
        SECONDS=0
        status=0
        fuzz "$name" "$seconds" "$seeds" "$folder/corpus/$name" "$folder/crashes" "$log" || status=$?
        took=$SECONDS
        case $status in
        0 | 72) crashes=0 ;;
        *) crashes=1 ;;
        esac
        executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        row "$name" "$commit" "${executions:-0}" "$took" "$crashes"
        echo "$name: ${executions:-0} executions in $took s, $crashes crashes"
        [ "$crashes" = 0 ] || { failed=1; echo "$name: see $log and $folder/crashes"; }
        [ "$stopped" = 0 ] || break
    done
    [ "$failed" = 0 ] || exit 1
}

# The comparison alone, without a sanitizer, on the toolchain of the project.
models() {
    local commit log failed=0
    commit=$(commit_of_sources)
    log=$(mktemp)
    (cd "$project" && cargo build --locked --quiet --release --bin count_models)
    "$project/target/release/count_models" "$1" --seed "${2:-$(date +%s)}" | tee "$log" || failed=1
    # "seed = S, models = N, …": the numbers after the seed.
    set -- $(tail -n 1 "$log" | cut -d , -f 2- | grep -oE '[0-9]+')
    [ $# = 5 ] || fail "count_models did not count"
    row models "$commit" "$@"
    rm "$log"
    [ "$failed" = 0 ] || exit 1
}

case ${1:-} in
--list) names ;;
--campaign)
    [ $# -ge 3 ] || fail "usage: ci/fuzz.sh --campaign FOLDER SECONDS [TARGET…]"
    campaign "${@:2}"
    ;;
--models)
    [ $# -ge 2 ] || fail "usage: ci/fuzz.sh --models N [SEED]"
    models "${@:2}"
    ;;
*) gate "${1:-15}" ;;
esac
