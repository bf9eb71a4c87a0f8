// What the TextMate grammar makes of specs: the shipped ones, lines with known scopes, and every word of the language.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

import { tokens } from "./tokens.mjs";

const root = new URL("../../../../", import.meta.url);

/** `text:scope` of each token. */
function scopes(text) {
  return tokens(text).map(({ text, scope }) => `${text.trim()}:${scope}`);
}

/** The scope of the first token that is `word`. */
function scopeOf(word, text) {
  return tokens(text).find((token) => token.text.trim() === word)?.scope;
}

test("every_token_of_the_shipped_specs_has_a_scope", () => {
  const folders = ["specs/", "compiler/src/std/", "examples/", "tests/specs/"];
  for (const folder of folders) {
    const names = readdirSync(new URL(folder, root), { recursive: true }).filter((n) => n.endsWith(".resnet"));
    assert.ok(names.length > 0, `${folder} has specs`);
    for (const name of names) {
      const text = readFileSync(new URL(folder + name, root), "utf8");
      const strange = tokens(text).filter(({ scope }) => scope === "source" || scope.startsWith("invalid"));
      assert.deepEqual(strange, [], folder + name);
    }
  }
});

test("a_model_and_an_alias_are_types", () => {
  assert.deepEqual(scopes("model cifar(depth = 20) { // all depths"), [
    "model:storage.type.item",
    "cifar:entity.name.type",
    "(:punctuation.section.parens.begin",
    "depth:variable.parameter",
    "=:keyword.operator.assignment",
    "20:constant.numeric.integer",
    "):punctuation.section.parens.end",
    "{:punctuation.section.block.begin",
    "//:punctuation.definition.comment",
    "all depths:comment.line.double-slash",
  ]);
  assert.deepEqual(scopes("model cifar_plain = cifar_resnet(shortcut = none)").slice(0, 4), [
    "model:storage.type.item",
    "cifar_plain:entity.name.type.model",
    "=:keyword.operator.assignment",
    "cifar_resnet:entity.other.inherited-class",
  ]);
  assert.equal(scopeOf("none", "model a = b(shortcut = none)"), "support.constant");
});

test("statements_on_one_line_are_told_apart", () => {
  assert.deepEqual(scopes("    stem { conv 3x3, width * 4, stride 2, pad(1, 0), bias as stem.conv; norm eps 1e-3 }"), [
    "stem:keyword.other.part",
    "{:punctuation.section.block.begin",
    "conv:support.function.operation",
    "3x3:constant.numeric.size",
    ",:punctuation.separator.comma",
    "width:variable.other",
    "*:keyword.operator.arithmetic",
    "4:constant.numeric.integer",
    ",:punctuation.separator.comma",
    "stride:variable.parameter.option",
    "2:constant.numeric.integer",
    ",:punctuation.separator.comma",
    "pad:variable.parameter.option",
    "(:punctuation.section.parens.begin",
    "1:constant.numeric.integer",
    ",:punctuation.separator.comma",
    "0:constant.numeric.integer",
    "):punctuation.section.parens.end",
    ",:punctuation.separator.comma",
    "bias:variable.parameter.option",
    "as:keyword.control",
    "stem.conv:entity.name.label",
    ";:punctuation.terminator.statement",
    "norm:support.function.operation",
    "eps:variable.parameter.option",
    "1e-3:constant.numeric.float",
    "}:punctuation.section.block.end",
  ]);
});

test("a_repetition_names_its_block", () => {
  assert.deepEqual(scopes("stage stages.0.blocks { max(n, 1) of basic(16), stride 2 }").slice(0, 11), [
    "stage:keyword.other.part",
    "stages.0.blocks:entity.name.section",
    "{:punctuation.section.block.begin",
    "max:support.function.builtin",
    "(:punctuation.section.parens.begin",
    "n:variable.other",
    ",:punctuation.separator.comma",
    "1:constant.numeric.integer",
    "):punctuation.section.parens.end",
    "of:keyword.control",
    "basic:entity.name.function.block",
  ]);
});

test("requirements_constants_and_renamings", () => {
  assert.deepEqual(scopes('require depth % 6 == 2 && !false, "6n + \\"2\\""'), [
    "require:keyword.control",
    "depth:variable.other",
    "%:keyword.operator.arithmetic",
    "6:constant.numeric.integer",
    "==:keyword.operator.comparison",
    "2:constant.numeric.integer",
    "&&:keyword.operator.logical",
    "!:keyword.operator.logical",
    "false:constant.language.boolean",
    ",:punctuation.separator.comma",
    '":punctuation.definition.string.begin',
    "6n +:string.quoted.double",
    '\\":constant.character.escape',
    "2:string.quoted.double",
    '\\":constant.character.escape',
    '":punctuation.definition.string.end',
  ]);
  assert.deepEqual(scopes("let n = depth").slice(0, 2), ["let:storage.type.constant", "n:variable.other.constant"]);
  assert.equal(scopeOf("->", 'rename "fc.*" -> "linear.*"'), "keyword.operator.arrow");
});

test("words_mean_what_their_place_says", () => {
  assert.equal(scopeOf("projection", "    } projection {"), "keyword.other.container");
  assert.equal(scopeOf("projection", "    shortcut projection"), "support.constant");
  assert.equal(scopeOf("norm", "linear 10 as norm"), "entity.name.label");
  assert.equal(scopeOf("relu", "conv 3x3, relu"), "variable.other");
  assert.equal(scopeOf("stage.x", "output stage.x"), "variable.other");
  assert.equal(scopeOf("0.1", "dropout 0.1"), "constant.numeric.float");
  assert.equal(scopeOf("0.fc", "norm as 0.fc"), "entity.name.label");
});

test("an_open_string_and_a_wrong_escape_are_marked_and_end_with_their_line", () => {
  assert.equal(scopeOf("\\r", 'weights "c:\\resnet"'), "invalid.illegal.unknown-escape");
  assert.equal(scopeOf("conv", 'weights "resnet\nconv 3x3, 16'), "support.function.operation");
});

/** The list of words in the tree-sitter queries, which the workspace's tests hold against the compiler, with `word`. */
function listWith(word) {
  const queries = readFileSync(new URL("../../tree-sitter-resnet/queries/highlights.scm", import.meta.url), "utf8");
  const lists = queries.matchAll(/#any-of\? @[\w.]+([^)]*)\)|\[([^\]]*)\] @keyword/g);
  const words = [...lists].map(([, any, keywords]) => [...(any ?? keywords).matchAll(/"(\w+)"/g)].map(([, w]) => w));
  const found = words.find((list) => list.includes(word));
  assert.ok(found, `a list with ${word}`);
  return found;
}

test("every_word_of_the_language_has_its_scope", () => {
  const kinds = [
    ["input", (w) => `${w} x`, "keyword.other.setting"],
    ["stem", (w) => `${w} {`, "keyword.other.part"],
    ["gate", (w) => `a; ${w} {`, "keyword.other.container"],
    ["conv", (w) => `{ ${w} 3x3`, "support.function.operation"],
    ["stride", (w) => `conv 3x3, ${w} 2`, "variable.parameter.option"],
    ["none", (w) => `shortcut ${w}`, "support.constant"],
    ["max", (w) => `conv ${w}(a, b)`, "support.function.builtin"],
  ];
  for (const [one, write, scope] of kinds) {
    for (const word of listWith(one)) {
      assert.equal(scopeOf(word, write(word)), scope, word);
    }
  }
  const keywords = {
    model: ["model a {", "storage.type.item"],
    block: ["block a {", "storage.type.item"],
    let: ["let a = 1", "storage.type.constant"],
    require: ['require a, "b"', "keyword.control"],
    rename: ['rename "a" -> "b"', "keyword.control"],
    of: ["1 of basic", "keyword.control"],
    as: ["norm as a", "keyword.control"],
  };
  for (const word of listWith("let")) {
    const [text, scope] = keywords[word];
    assert.equal(scopeOf(word, text), scope, word);
  }
});
