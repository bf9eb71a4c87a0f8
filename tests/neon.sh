#!/usr/bin/env bash
# The runtime's unit tests as aarch64 code under emulation: the NEON kernels, where no such machine is at hand.
#
# Takes a few minutes, half of them to compile. Installs nothing; ends with 2 if something is missing.
# Debian's rustc compiles it, for which Debian has an aarch64 standard library; cargo is the usual one. The
# program runs with the C library of the package libc6:arm64. The cross compiler's, of another version,
# must not be mixed into it: then starting a thread never ends.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
missing=()
for file in /usr/bin/rustc /usr/bin/aarch64-linux-gnu-gcc /usr/bin/qemu-aarch64 /lib/ld-linux-aarch64.so.1; do
    [ -e "$file" ] || missing+=("$file")
done
if [ -x /usr/bin/rustc ]; then
    library="$(/usr/bin/rustc --print target-libdir --target "$target")"
    compgen -G "$library/libstd-*" >/dev/null || missing+=("$library/libstd-*")
fi
if [ ${#missing[@]} -gt 0 ]; then
    printf 'tests/neon.sh: %s is missing\n' "${missing[@]}" >&2
    cat >&2 <<'END'
On Debian:
    dpkg --add-architecture arm64 && apt-get update
    apt-get install rustc-web libstd-rust-web-dev:arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
END
    exit 2
fi

export RUSTC=/usr/bin/rustc
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/neon"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=/usr/bin/aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=/usr/bin/qemu-aarch64
# Random cases of each kernel, at each of four levels; at 400, as without emulation, it takes many times as long.
export PROPTEST_CASES="${PROPTEST_CASES:-20}"
# A test program that is emulated cannot start itself, as those do whose child is to die of a fault.
echo 'skipped under emulation: tests of processes that end themselves'
cargo test -p resnetc-runtime --lib --target "$target" -- --skip ends_the_process
