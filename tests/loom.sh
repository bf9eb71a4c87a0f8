#!/usr/bin/env bash
# The thread team and its barrier in every order that loom finds for their threads (threads/loom_tests.rs).
#
# LOOM_MAX_PREEMPTIONS sets how often a thread is interrupted where it does
# not wait; each more takes many times as long, and three members at a barrier bear none.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom"
export RUSTFLAGS="--cfg loom"
# The kernels are compiled too, in haste, and not run.
cargo test -p resnetc-runtime --lib --config 'profile.dev.package.resnetc-runtime.opt-level=0' \
    --config 'profile.dev.debug=0' threads::loom_tests
