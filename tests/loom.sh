#!/usr/bin/env bash
# The thread team and its barrier in every order that loom finds for their threads (threads/loom_tests.rs).
#
# LOOM_MAX_PREEMPTIONS sets how often a thread is interrupted where it does not wait; each more takes many times as
# long. Three members at a barrier are never interrupted so: two of them could then spin for ever. Ends with 2 if a crate cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom"
export RUSTFLAGS="--cfg loom"
host="$(rustc -vV | sed -n 's/^host: //p')"
if ! cargo fetch -q --target "$host"; then
    echo "tests/loom.sh: skipped: a crate is missing" >&2
    exit 2
fi
# The kernels are compiled too, in haste, and not run.
cargo test -p resnetc-runtime --lib --config 'profile.dev.package.resnetc-runtime.opt-level=0' \
    --config 'profile.dev.debug=0' threads::loom_tests
