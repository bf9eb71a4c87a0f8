#!/usr/bin/env bash
# What the editors' packages must pass: the TextMate grammar's scopes, the extension's own tests, its package; the
# tree-sitter grammar's corpus and colours, and what it makes of the specs in this repository.
#
# Takes seconds once npm has its packages (in `vscode/node_modules`). Needs Node 20 with npm, and tree-sitter's command,
# which `TREE_SITTER` names if it is not in PATH; ends with 2 if something of that is missing, after all other tests.
set -euo pipefail
cd "$(dirname "$0")"

temp="$(mktemp -d)"
# Until all is done this is a failure, and none is taken for a 2, whatever the command that failed ends with.
status=1
finish() {
    rm -rf "$temp"
    exit "$status"
}
trap finish EXIT

skipped=0
skip() {
    echo "skipped: $1"
    skipped=2
}

# Whether there is a Node that is new enough, and the extension's packages are there or can be fetched.
can_test_extension() {
    local major
    major="$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)" && [ "$major" -ge 20 ] || return
    are_installed || npm view --fetch-retries 1 vscode-textmate version >/dev/null
}

are_installed() {
    [ vscode/node_modules/.package-lock.json -nt vscode/package-lock.json ]
}

test_extension() {
    are_installed || npm --prefix vscode ci --ignore-scripts --no-audit --no-fund
    cd vscode
    local file
    npm --silent run check
    npm --silent test
    npm --silent run package -- --out "$temp/resnetc.vsix"
    [ -s "$temp/resnetc.vsix" ]
    npm --silent exec -- vsce ls --no-dependencies >"$temp/listing"
    for file in package.json dist/extension.js language-configuration.json syntaxes/resnet.tmLanguage.json LICENSE.txt; do
        grep -qx "$file" "$temp/listing" || { echo "the package lacks $file" >&2; exit 1; }
    done
}

# tree-sitter's command, where it is: `tree_sitter SUBCOMMAND ARGS`. What it compiles and wants configured stays here.
tree_sitter() {
    TREE_SITTER_LIBDIR="$temp/lib" "$command" "$1" --config-path "$temp/config.json" "${@:2}"
}

test_grammar() {
    cd tree-sitter-resnet
    printf '{ "parser-directories": ["%s"] }' "$PWD/.." >"$temp/config.json"
    "$command" generate --abi 14 --output "$temp/src"
    diff src/grammar.json "$temp/src/grammar.json" || { echo "run tree-sitter generate --abi 14" >&2; exit 1; }
    tree_sitter test

    local root=../../.. good=() query file
    mapfile -t good < <(find "$root"/{specs,examples,compiler/src/std,tests/specs} -name '*.resnet')
    tree_sitter parse --quiet "${good[@]}"
    for query in queries/*.scm; do
        tree_sitter query "$query" "${good[@]}" >/dev/null
    done
    for file in "$root"/tests/bad/*.resnet; do
        test_bad_spec "$file"
    done
}

# A spec with mistakes: the grammar refuses those in its syntax, and no others.
test_bad_spec() {
    local wanted=0 found=0
    case "${1##*/}" in
        # What the compiler refuses by counting, and the grammar reads.
        comparison_of_three.resnet | number_past_64_bits.resnet | too_deep.resnet) ;;
        *) ! grep -q '//~ R000' "$1" || wanted=1 ;;
    esac
    tree_sitter parse --quiet "$1" >/dev/null || found=1
    [ "$found" = "$wanted" ] || { echo "$1: refused is $found, and should be $wanted" >&2; exit 1; }
}

if can_test_extension; then
    (test_extension)
else
    skip "the TextMate grammar and the extension, for want of Node 20 and npm's packages"
fi

command="${TREE_SITTER:-$(command -v tree-sitter || true)}"
if [ -n "$command" ]; then
    (test_grammar)
else
    skip "the tree-sitter grammar, for want of tree-sitter: cargo install tree-sitter-cli --locked"
fi

status="$skipped"
