#!/usr/bin/env bash
# The runtime's tests under valgrind's memcheck: no value that was never written decides anything, and nothing
# beside what was allocated is touched. It sees the code as it is compiled, AVX2's too.
#
#     tests/valgrind.sh [CASES]
#
# CASES are random cases of each kernel, 3 unless told. Installs nothing; ends with 2 if valgrind is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v valgrind >/dev/null; then
    echo "skipped: tests/valgrind.sh: valgrind is missing (on Debian: apt-get install valgrind)" >&2
    exit 2
fi

# The vectors that valgrind knows end with AVX2, and it says so to those who ask the processor.
host="$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')"
export "CARGO_TARGET_${host}_RUNNER=valgrind --quiet --error-exitcode=9 --leak-check=no --suppressions=$PWD/tests/valgrind.supp"
export PROPTEST_CASES="${1:-3}"
# One test at a time: valgrind has one processor. Those of many small convolutions would take all of the time.
cargo test -p resnetc-runtime --lib -- --test-threads=1 --skip small_convolutions --skip sums_of_bytes \
    buffer guarded kernels::activation kernels::tests mapping weights
