#!/usr/bin/env bash
# The runtime's tests under AddressSanitizer, its unit tests under LeakSanitizer too.
#
#     tests/sanitize.sh [CASES]
#
# CASES are random cases of each kernel: 12 unless told; some hundreds are for a night.
# The compiler is the usual one, which has the sanitizer for those who set RUSTC_BOOTSTRAP.
#
# ThreadSanitizer sees races in std's own channels and scopes, which come without its checks; it would want std's
# source to compile. The thread team's protocol is loom's: tests/loom.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

export PROPTEST_CASES="${1:-12}"
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Zsanitizer=address"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitize"
# Named, so that build scripts and macros, which run in the compiler, go without the sanitizer.
target="$(rustc -vV | sed -n 's/^host: //p')"
tests() {
    cargo test -p resnetc-runtime --target "$target" --config 'profile.dev.package.resnetc-runtime.opt-level=1' "$@"
}
tests --lib
# These leak on purpose what stands for the data of a program, which is there for ever.
ASAN_OPTIONS=detect_leaks=0 tests --test guarded --test session --test weights
