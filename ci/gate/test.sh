#!/usr/bin/env bash
# Shows that the gate passes what is right, and fails what is slower or wrong, each for its own reason: two
# clones of this checkout, one with a slower decode step and one with a wrong activation function.
#
#   ci/gate/test.sh FOLDER      FOLDER keeps the clones, the programs and their results
set -euo pipefail
[ $# = 1 ] || { echo "usage: ci/gate/test.sh FOLDER" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
# The clones share what they have in common.
export CARGO_TARGET_DIR=$folder/target

fail() {
    echo "ci/gate/test.sh: $1" >&2
    exit 1
}

# clone NAME: a clone of the checkout's commit.
clone() {
    rm -rf "${folder:?}/$1"
    git clone --quiet "$root" "$folder/$1"
}

# edit NAME FILE EXPRESSION: changes the only line that fits.
edit() {
    sed -i "$3" "$folder/$1/$2"
    [ -n "$(git -C "$folder/$1" status --porcelain)" ] || fail "$2 has no such line: mend this script"
}

# gate NAME CODE WORD: the gate for the program NAME ends with CODE and says WORD.
gate() {
    local status=0
    "$root/ci/gate/gate.py" --base "$folder/base" --head "$folder/$1.program" --threads 1 \
        --output "$folder/$1.results" --time-budget 1m 2>"$folder/$1.log" || status=$?
    cat "$folder/$1.log"
    [ "$status" = "$2" ] || fail "$1: exit code $status, expected $2"
    grep -q "$3" "$folder/$1.log" "$folder/$1.results/summary.md" || fail "$1: nothing says: $3"
    echo "$1: exit code $status, as it should be"
}

"$root/ci/gate/build.sh" "$root" "$folder/base"
cp "$folder/base" "$folder/same.program"

clone slower
edit slower engine-native/src/generation.rs \
    's|^        let choice = self.feed(&mut logits)?;|&\n        let spin = Instant::now();\n        while spin.elapsed() * 8 < start.elapsed() {}|'
"$root/ci/gate/build.sh" "$folder/slower" "$folder/slower.program"

clone wrong
edit wrong engine-native/src/kernels/avx2/pointwise.rs \
    's|store(out, _mm256_mul_ps(_mm256_mul_ps(r, r), load(up)));|store(out, _mm256_mul_ps(r, load(up)));|'
"$root/ci/gate/build.sh" "$folder/wrong" "$folder/wrong.program"

gate same 0 "Passed: tokens proved"
gate slower 1 "slower"
gate wrong 1 "the engine and the reference disagree"
