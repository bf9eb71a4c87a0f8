#!/usr/bin/env bash
# Programs that go on for long: the same answers, in memory that does not grow.
#
#     tests/soak.sh [SECONDS [IMAGES [FOLDER]]]
#
# A library's user with 64 sessions on 8 threads, for so many SECONDS (20); then one process of a compiled program
# that evaluates IMAGES (20000): the pictures of a FOLDER of class folders (the drawn ones of examples/cifar10), over
# and over. It is to get exactly as many right in each round as in one alone. 600 and 1000000 is what a night is for.
# RESNETC is the command, target/debug/resnetc unless it is set.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-20}"
images="${2:-20000}"
# What memory may grow by from the first quarter to the last, in KiB.
growth=1024
resnetc="$(realpath "${RESNETC:-${CARGO_TARGET_DIR:-target}/debug/resnetc}")"
work="$(mktemp -d)"
process=
trap '[ -z "$process" ] || kill "$process" 2>/dev/null || true; rm -rf "$work"' EXIT

RESNETC_SOAK_SECONDS="$seconds" cargo test -p resnetc-tests --test soak -- --nocapture

if [ $# -ge 3 ]; then
    folder="$(realpath "$3")"
else
    folder="$work/drawn"
    for picture in examples/cifar10/pictures/*; do
        class="$(basename "${picture%-*}")"
        mkdir -p "$folder/$class"
        cp "$picture" "$folder/$class/"
    done
fi
"$resnetc" build examples/cifar10/cifar10.resnet --batch 8 -o "$work/program"

# JSON's KEY as a number.
field() {
    sed -E "s/.*\"$1\":([0-9]+).*/\1/" "$2"
}

"$work/program" eval "$folder" --json >"$work/once"
one_round="$(field images "$work/once")"
rounds=$(((images + one_round - 1) / one_round))
# Links to links, so that a million images take no million of them.
inner=$((rounds < 100 ? rounds : 100))
outer=$(((rounds + inner - 1) / inner))
rounds=$((inner * outer))
for class in "$folder"/*/; do
    name="$(basename "$class")"
    mkdir -p "$work/some/$name" "$work/all/$name"
    for ((round = 0; round < inner; round++)); do ln -s "$class" "$work/some/$name/$round"; done
    for ((round = 0; round < outer; round++)); do ln -s "$work/some/$name" "$work/all/$name/$round"; done
done

"$work/program" eval "$work/all" --json >"$work/many" &
process=$!
while kill -0 "$process" 2>/dev/null; do
    # It may end meanwhile.
    sed -nE 's/^VmRSS:[^0-9]*([0-9]+) kB/\1/p' "/proc/$process/status" 2>/dev/null || true
    sleep 0.2
done >"$work/memory"
wait "$process"
process=

expected="$((rounds * one_round)) $((rounds * $(field correct_top1 "$work/once"))) $((rounds * $(field correct_top5 "$work/once")))"
found="$(field images "$work/many") $(field correct_top1 "$work/many") $(field correct_top5 "$work/many")"
# The first tenth is the list of files.
quarters="$(awk '{ memory[NR] = $1 } END {
    first = int(NR / 10) + 1
    for (i = first; i <= NR; i++) {
        quarter = int(4 * (i - first) / (NR - first + 1))
        if (memory[i] > most[quarter]) most[quarter] = memory[i]
    }
    print most[0], most[1], most[2], most[3]
}' "$work/memory")"
read -r first _ _ last <<<"$quarters"
echo "one process, images and right answers: $found (expected $expected); in $(field seconds "$work/many") s"
echo "memory of its quarters, KiB: $quarters"
[ "$found" = "$expected" ] || { echo "tests/soak.sh: other answers than in one round" >&2; exit 1; }
# A quarter without a sample says nothing.
[ "$(wc -l <"$work/memory")" -ge 4 ] || { echo "tests/soak.sh: too few samples of memory: ask for more images" >&2; exit 1; }
[ "$last" -le $((first + growth)) ] || { echo "tests/soak.sh: memory grew" >&2; exit 1; }
