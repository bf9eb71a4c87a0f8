#!/usr/bin/env bash
# Reports in a browser: headless Chromium opens pages of several networks, light and dark, wide and on a telephone.
#
# Takes a minute or two besides compiling `resnetc`. Ends with 2 where Chromium, Node.js or npm's packages cannot be
# had; what it takes from npm goes to the target folder. tests/report_browser.mjs says what is held of a page. RESNETC
# names a command that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
    echo "skipped: $1" >&2
    exit 2
}
chromium="${CHROMIUM:-/usr/bin/chromium}"
[ -x "$chromium" ] || skip "$chromium is missing; on Debian: apt-get install chromium"
for command in node npm; do
    command -v "$command" >/dev/null || skip "$command is missing; on Debian: apt-get install nodejs npm"
done

folder="$(realpath -m "${CARGO_TARGET_DIR:-target}")/report_browser"
mkdir -p "$folder"
[ -e "$folder/package.json" ] || echo '{ "private": true, "type": "module" }' >"$folder/package.json"
packages=(playwright-core@1.65.1 axe-core@4.14.1)
npm view --fetch-retries 1 "${packages[0]}" version >/dev/null || skip "npm cannot be reached"
npm install --prefix "$folder" --no-audit --no-fund --save-exact --silent "${packages[@]}" >&2

if [ -z "${RESNETC:-}" ]; then
    cargo build -p resnetc
    RESNETC="${CARGO_TARGET_DIR:-$PWD/target}/debug/resnetc"
fi
report() { "$RESNETC" report "$@"; }
profile=tests/report/cifar_resnet
report resnet50 -o "$folder/resnet50.html"
report resnext50_32x4d -o "$folder/resnext.html"
report seresnet50 -o "$folder/seresnet50.html"
report cifar_resnet --profile "$profile.f32.json" -o "$folder/cifar_resnet.html"
report resnet18_a --against plain18 -o "$folder/plain.html"
report cifar_resnet --profile "$profile.f32.json" --against "$profile.int8.json" -o "$folder/int8.html"

cp tests/report_browser.mjs "$folder/"
CHROMIUM="$chromium" node --test-reporter=spec --test "$folder/report_browser.mjs"
