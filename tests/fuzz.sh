#!/usr/bin/env bash
# The fuzz targets of `tests/fuzz`: each builds, and holds on its seeds and on what a few seconds make of them.
#
#     tests/fuzz.sh smoke                all targets
#     tests/fuzz.sh TARGET [SECONDS]     one, for 60 seconds or as many as are said
#
# Takes a few minutes to build the first time. Installs nothing; ends with 2 if cargo-fuzz (`cargo install cargo-fuzz
# --locked`), a C++ compiler or a crate is missing. A corpus grows in tests/fuzz/corpus; what fails is kept in
# tests/fuzz/artifacts. With SANITIZER=address each access of memory is checked too, at half the speed: worth it for
# image, packed and precision, below which there is unsafe code.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=()
for target in tests/fuzz/targets/*.rs; do targets+=("$(basename "$target" .rs)"); done
# Seconds of each target in a smoke run.
smoke=5

missing() {
    echo "tests/fuzz.sh: skipped: $1 is missing" >&2
    exit 2
}
command -v cargo-fuzz >/dev/null || missing cargo-fuzz
command -v c++ >/dev/null || command -v clang++ >/dev/null || missing 'a C++ compiler'
host="$(rustc -vV | sed -n 's/^host: //p')"
cargo fetch -q --manifest-path tests/fuzz/Cargo.toml --target "$host" || missing 'a crate of tests/fuzz'

# Instrumentation is unstable, but the compiler that is there has it.
export RUSTC_BOOTSTRAP=1

options=(--fuzz-dir tests/fuzz --sanitizer "${SANITIZER:-none}")

# Folders of files that a target begins with: its own, and those that the tests have anyway.
seeds() {
    case "$1" in
        spec) echo specs tests/bad tests/specs ;;
        image) echo tests/pictures/files tests/pictures/broken ;;
        *) echo "tests/fuzz/seeds/$1" ;;
    esac
}

fuzz() {
    local target="$1" seconds="$2" corpus="$3"
    local limits=(-dict="tests/fuzz/dictionaries/$target.dict" -max_total_time="$seconds" -print_final_stats=1)
    # Bytes of an input; seconds that it may take, MiB of the process, and MiB of one allocation.
    limits+=(-max_len=16384 -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=512)
    mkdir -p "$corpus"
    # shellcheck disable=SC2046
    cargo fuzz run "${options[@]}" "$target" "$corpus" $(seeds "$target") -- "${limits[@]}"
}

case "${1:-}" in
    smoke)
        cargo fuzz build "${options[@]}"
        scratch="$(mktemp -d)"
        trap 'rm -r "$scratch"' EXIT
        for target in "${targets[@]}"; do
            if ! fuzz "$target" "$smoke" "$scratch/$target" >"$scratch/log" 2>&1; then
                cat "$scratch/log" >&2
                exit 1
            fi
            executions="$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/log")"
            echo "$target: $executions executions in $smoke seconds, no findings"
        done
        ;;
    "" | -*)
        sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    *)
        [[ " ${targets[*]} " = *" $1 "* ]] || { echo "tests/fuzz.sh: there are ${targets[*]}" >&2; exit 2; }
        fuzz "$1" "${2:-60}" "tests/fuzz/corpus/$1"
        ;;
esac
