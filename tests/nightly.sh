#!/usr/bin/env bash
# What is too long for each change, one after the other: most of it is an hour of fuzzing for each target.
#
#     tests/nightly.sh
#
# Thousands of random networks, the sanitizers, the models of the thread team, each fuzz target for an hour, programs
# and sessions that go on, and the dependencies. All are run, whatever fails; the last lines say what failed and what
# was skipped, and the exit code is 1 if something failed.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()
skipped=()

# Runs a command; 2 is what a script ends with if what it needs is not there.
run() {
    echo "== $*"
    local status=0
    "$@" || status=$?
    case "$status" in
    0) ;;
    2) skipped+=("$*") ;;
    *) failed+=("$*") ;;
    esac
}

deny() {
    command -v cargo-deny >/dev/null || return 2
    # Its exit code says which checks failed, in bits.
    cargo deny check || return 1
}

run env RESNETC_NETWORKS="${RESNETC_NETWORKS:-5000}" cargo test --release -p resnetc-tests --test networks
run tests/sanitize.sh 400
run tests/loom.sh
run tests/valgrind.sh
for target in tests/fuzz/targets/*.rs; do
    run tests/fuzz.sh "$(basename "$target" .rs)" 3600
done
run cargo build -p resnetc
run tests/soak.sh 600 1000000
run deny

for what in "${skipped[@]}"; do echo "skipped: $what"; done
for what in "${failed[@]}"; do echo "failed: $what"; done
[ ${#failed[@]} = 0 ]
