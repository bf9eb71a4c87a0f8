// What VS Code's line rules make of lines: indentation, and what a double click takes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const configuration = JSON.parse(readFileSync(new URL("../language-configuration.json", import.meta.url), "utf8"));

test("a_line_that_leaves_a_brace_open_indents_the_next", () => {
  const increase = new RegExp(configuration.indentationRules.increaseIndentPattern);
  for (const line of ["model m {", "    stem { // first", "} projection {", "model m(", '    labels "a", ("b"']) {
    assert.match(line, increase);
  }
  for (const line of ["stem { conv 3x3, 16; relu }", "norm // {", 'weights "{"', "conv 3x3, 16 / 2", ""]) {
    assert.doesNotMatch(line, increase);
  }
});

test("a_line_that_closes_a_brace_is_less_indented", () => {
  const decrease = new RegExp(configuration.indentationRules.decreaseIndentPattern);
  assert.match("    } projection {", decrease);
  assert.doesNotMatch("    stem { relu }", decrease);
});

test("words_are_names_sizes_and_numbers", () => {
  const words = "conv 3x3, width * 4, eps 1e-3".match(new RegExp(configuration.wordPattern, "g"));
  assert.deepEqual(words, ["conv", "3x3", "width", "4", "eps", "1e", "3"]);
});
