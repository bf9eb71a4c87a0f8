/**
 * @file `.resnet` specs of residual networks.
 * @license MIT OR Apache-2.0
 *
 * The tree is uniform, as the compiler's is: nearly every line is a command, a word with arguments, braces and a name.
 * Which words there are is not known here but in `queries/highlights.scm`.
 *
 * A new line ends a statement where one may end. Within parentheses, and behind a comma or an operator, none may: the
 * new line is no token there, so it is space.
 *
 * It reads a little more than the compiler, which refuses comparisons that chain, a number with letters right behind it,
 * and an opening brace or a name on a line of its own.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

/** Infix operators, from the loosest to the tightest. */
const OPERATORS = ["||", "&&", choice("==", "!=", "<", "<=", ">", ">="), choice("+", "-"), choice("*", "/", "%")];

module.exports = grammar({
  name: "resnet",

  word: ($) => $.identifier,
  extras: ($) => [/\s/, $.comment],
  supertypes: ($) => [$.item, $.statement, $.argument, $.expression],

  // `max_pool (3, 1)` is a command with a tuple, and `max(n, 1) of basic` a count: what comes behind tells. So it is
  // with `leaky_relu -1` and `n - 1 of basic`.
  conflicts: ($) => [
    [$.command, $.expression],
    [$.tuple, $.arguments],
  ],

  rules: {
    source_file: ($) => repeat(choice($.item, ";")),

    item: ($) => choice($.model_definition, $.model_alias, $.block_definition),

    model_definition: ($) =>
      seq("model", field("name", $.identifier), optional(field("parameters", $.parameters)), field("body", $.body)),

    model_alias: ($) => seq("model", field("name", $.identifier), "=", field("base", $._callee)),

    block_definition: ($) =>
      seq("block", field("name", $.identifier), optional(field("parameters", $.parameters)), field("body", $.body)),

    parameters: ($) => parenthesised($.parameter),
    parameter: ($) => seq(field("name", $.identifier), optional(seq("=", field("default", $.expression)))),

    body: ($) => seq("{", repeat(";"), optional($._statements), "}"),
    _statements: ($) => seq($.statement, repeat(seq($._separator, $.statement)), optional($._separator)),
    _separator: () => seq(choice("\n", ";"), repeat(";")),

    statement: ($) => choice($.let_statement, $.require_statement, $.rename_statement, $.repetition, $.command),

    let_statement: ($) => seq("let", field("name", $.identifier), "=", field("value", $.expression)),
    require_statement: ($) => seq("require", field("condition", $.expression), ",", field("message", $.string)),
    rename_statement: ($) => seq("rename", field("from", $.string), "->", field("to", $.string)),

    repetition: ($) =>
      seq(field("count", $.expression), "of", field("block", $._callee), optional(seq(",", separated($.argument)))),

    command: ($) =>
      seq(
        field("word", $.identifier),
        optional(separated($.argument)),
        optional(seq(field("body", $.body), repeat($.clause))),
        optional(seq("as", field("name", $._name))),
      ),
    clause: ($) => seq(field("word", $.identifier), field("body", $.body)),

    argument: ($) => choice($.option, $.expression),
    option: ($) => seq(field("name", $.identifier), field("value", $._option_value)),

    // Behind a word a parenthesis begins a call's arguments, and a minus subtracts.
    _option_value: ($) =>
      choice(
        ...operands($),
        alias($._negation, $.unary_expression),
        alias($._option_binary, $.binary_expression),
      ),
    _negation: ($) => unary($, "!"),
    _option_binary: ($) => binary($, $._option_value),

    expression: ($) => choice(...operands($), $.tuple, $.unary_expression, $.binary_expression),
    unary_expression: ($) => unary($, choice("!", "-")),
    binary_expression: ($) => binary($, $.expression),
    tuple: ($) => seq("(", separated($.expression), optional(","), ")"),

    call: ($) => seq(field("name", $.identifier), field("arguments", $.arguments)),
    arguments: ($) => parenthesised(choice($.named_argument, $.expression)),
    named_argument: ($) => seq(field("name", $.identifier), "=", field("value", $.expression)),
    _callee: ($) => choice($.identifier, $.call),

    _name: ($) => choice($.identifier, $.path, alias($.integer, $.path)),

    identifier: () => /[A-Za-z_][A-Za-z0-9_]*/,
    integer: () => /[0-9]+/,
    // Of two tokens of one length the former is taken: `0.5` is a number, except behind `as`, where none can stand.
    float: () => /[0-9]+(\.[0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)/,
    path: () => /([A-Za-z_][A-Za-z0-9_]*|[0-9]+)(\.([A-Za-z_][A-Za-z0-9_]*|[0-9]+))+/,
    size: () => /[0-9]+(x[0-9]+)+/,
    boolean: () => choice("true", "false"),

    string: ($) => seq('"', repeat(choice($._characters, $.escape_sequence)), token.immediate('"')),
    _characters: () => token.immediate(prec(1, /[^"\\\n]+/)),
    escape_sequence: () => token.immediate(/\\["\\]/),

    comment: () => token(seq("//", /.*/)),
  },
});

/** What a value can begin with, and be. */
function operands($) {
  return [$.integer, $.float, $.size, $.string, $.boolean, $.identifier, $.path, $.call];
}

function unary($, operator) {
  return prec(OPERATORS.length + 1, seq(field("operator", operator), field("operand", $.expression)));
}

function binary($, left) {
  const levels = OPERATORS.map((operator, level) =>
    prec.left(level + 1, seq(field("left", left), field("operator", operator), field("right", $.expression))),
  );
  return choice(...levels);
}

function separated(rule) {
  return seq(rule, repeat(seq(",", rule)));
}

/** Items in parentheses, or none; the last comma may stay. */
function parenthesised(rule) {
  return seq("(", optional(seq(separated(rule), optional(","))), ")");
}
