#!/usr/bin/env bash
# The language server in a real editor: Neovim without a screen, on a copy of a shipped spec.
#
# Takes a few seconds once the command is built. Installs nothing; ends with 2 if Neovim is missing
# (Debian's package is neovim). RESNETC names a command that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v nvim >/dev/null; then
    echo 'tests/neovim.sh: skipped: nvim is missing' >&2
    exit 2
fi
if [ -z "${RESNETC:-}" ]; then
    cargo build -p resnetc
    RESNETC="${CARGO_TARGET_DIR:-$PWD/target}/debug/resnetc"
fi

folder="$(mktemp -d)"
trap 'chmod -R u+w "$folder" && rm -r "$folder"' EXIT
cp specs/imagenet/resnet.resnet specs/imagenet/labels.txt "$folder"

export RESNETC SPEC="$folder/resnet.resnet"
# Nothing of the user's own: no settings, no cache, no history.
export RESNETC_CACHE="$folder/cache" HOME="$folder" XDG_STATE_HOME="$folder" XDG_DATA_HOME="$folder"
timeout 120 nvim --headless --clean -u NONE -i NONE -n -c 'luafile tests/neovim.lua'
