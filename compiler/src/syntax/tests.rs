//! What holds of reading and writing together, and what users see of their mistakes.

use proptest::prelude::*;

use super::ast::*;
use super::{format, parse};
use crate::diagnostics::{FileId, Report, Sink, Sources};

/// The tree, and every diagnostic as `code "text at fault" message; help`.
fn read(text: &str) -> (File, Vec<String>) {
    let mut sources = Sources::default();
    let id = sources.add("a.resnet", text);
    let mut sink = Sink::default();
    let file = parse(id, text, &mut sink);
    let said = sink.into_sorted();
    let shown = said
        .iter()
        .map(|d| {
            let help = d.help.as_ref().map_or(String::new(), |h| format!("; {}", h.text));
            format!("{} {:?} {}{help}", d.code, sources.slice(d.primary.span), d.message)
        })
        .collect();
    // Rendering must stand every span that the parser gives.
    let _ = Report { sources, diagnostics: said }.render(false);
    (file, shown)
}

fn mistakes(text: &str) -> Vec<String> {
    read(text).1
}

fn formatted(text: &str) -> String {
    let (file, said) = read(text);
    assert!(said.is_empty(), "{text}\n{said:#?}");
    format(&file)
}

/// The tree without places and layout, as text.
fn meaning(mut file: File) -> String {
    fn plain_body(body: &mut Body) {
        body.inline = false;
        body.remark = None;
        body.trailing.clear();
        for statement in &mut body.statements {
            statement.lead = Lead::default();
            statement.joined = false;
            statement.remark = None;
            if let StatementKind::Command(command) = &mut statement.kind {
                let clauses = command.clauses.iter_mut().map(|c| &mut c.body);
                command.body.iter_mut().chain(clauses).for_each(plain_body);
            }
        }
    }
    file.trailing.clear();
    for item in &mut file.items {
        item.lead = Lead::default();
        item.remark = None;
        match &mut item.kind {
            ItemKind::Model { body, .. } | ItemKind::Block { body, .. } => plain_body(body),
            ItemKind::Alias { .. } => {}
        }
    }
    let shown = format!("{file:?}");
    let mut parts = shown.split("Span {");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('}').map_or("", |(_, rest)| rest))
}

const RESNET: &str = r#"
// ResNet, all depths.
model resnet_cifar(depth = 20) { // parameters
    require depth % 6 == 2, "depth is 6n + 2"
    let n = (depth - 2) / 6
    input image(3, 32, 32)
    normalize mean(0.485, 0.456, 0.406), std(0.229, 0.224, 0.225)
    labels file "names.txt"
    rename "fc.*" -> "linear.*"
    stem { conv 3x3, 16; norm eps 1e-3; relu }
    stage layer1 { n of basic(16) }
    stage layer2 { n of basic(32), stride 2 } // halves the map

    head { global_avg_pool; linear 10 as linear }
    output layer2 as c3
}

model resnet_cifar56 = resnet_cifar(depth = 56, shortcut = projection)

block basic(width, groups = 1) {
    residual {
        conv 3x3, width, stride, groups; norm; relu
        conv 3x3, max(width, 4) * 2, pad(1, 0), bias; norm
    } projection { conv 1x1, width, stride; norm }
    relu
}
// The end.
"#;

#[test]
fn a_canonical_file_stays_as_it_is() {
    assert_eq!(formatted(RESNET), RESNET.trim_start());
}

fn statements(text: &str) -> Vec<StatementKind> {
    let (file, said) = read(&format!("model m {{\n{text}\n}}"));
    assert!(said.is_empty(), "{said:#?}");
    let ItemKind::Model { body, .. } = file.items.into_iter().next().unwrap().kind else { panic!() };
    body.statements.into_iter().map(|s| s.kind).collect()
}

fn one_command(text: &str) -> Command {
    match statements(text).remove(0) {
        StatementKind::Command(command) => command,
        kind => panic!("{kind:?}"),
    }
}

#[test]
fn a_word_before_a_value_names_an_option() {
    let command = one_command("conv 3x3, width * 4, stride 2, pad(1, 0), bias, eps 1e-3 as body.0.conv1");
    let names: Vec<_> = command.args.iter().map(|a| a.name.as_ref().map(|n| n.text.as_str())).collect();
    assert_eq!(names, [None, None, Some("stride"), None, None, Some("eps")]);
    assert!(matches!(&command.args[0].value.kind, ExprKind::Size(s) if s == &[3, 3]));
    assert!(matches!(&command.args[1].value.kind, ExprKind::Binary(BinaryOp::Mul, _, _)));
    assert!(matches!(&command.args[3].value.kind, ExprKind::Call(c) if c.name.text == "pad"));
    assert!(matches!(&command.args[4].value.kind, ExprKind::Path(p) if p.text == "bias"));
    assert_eq!(command.name.unwrap().text, "body.0.conv1");
}

#[test]
fn a_count_is_any_expression() {
    for count in ["3", "n", "n - 1", "max(n, 1)", "(depth - 2) / 6", "n -\n 1", "max(\n n,\n 1\n)"] {
        let kinds = statements(&format!("{count} of basic(16), stride 2; relu"));
        assert!(matches!(&kinds[0], StatementKind::Repeat { args, .. } if args.len() == 1), "{count}");
        assert_eq!(kinds.len(), 2);
    }
}

#[test]
fn operators_bind_as_in_rust() {
    let shape = |text: &str| {
        fn show(e: &Expr) -> String {
            match &e.kind {
                ExprKind::Binary(op, l, r) => format!("({} {op:?} {})", show(l), show(r)),
                ExprKind::Unary(op, e) => format!("({op:?} {})", show(e)),
                ExprKind::Tuple(parts) => show(&parts[0]),
                ExprKind::Int(n) => n.to_string(),
                kind => panic!("{kind:?}"),
            }
        }
        match statements(&format!("let x = {text}")).remove(0) {
            StatementKind::Let { value, .. } => show(&value),
            kind => panic!("{kind:?}"),
        }
    };
    assert_eq!(shape("1 - 2 - 3 * 4"), "((1 Sub 2) Sub (3 Mul 4))");
    assert_eq!(shape("1 + 2 == 3 && !4 < -5 || 6 > 7"), {
        "((((1 Add 2) Eq 3) And ((Not 4) Lt (Neg 5))) Or (6 Gt 7))"
    });
    assert_eq!(shape("(1 +\n 2) %\n 3"), "((1 Add 2) Rem 3)");
}

#[test]
fn a_new_line_ends_a_statement_except_behind_a_comma_or_operator_and_in_parentheses() {
    assert_eq!(statements("conv 3x3,\n  16; norm\nrelu").len(), 3);
    assert_eq!(statements("let a = (1\n + 2\n)\nlet b = 1 +\n 2").len(), 2);
    assert_eq!(statements("conv 3x3\r\n\r\nnorm;\r\n;relu").len(), 3);
}

#[track_caller]
fn assert_mistakes(text: &str, expected: &[&str]) {
    assert_eq!(mistakes(text), expected, "{text}");
}

#[test]
fn a_missing_comma_is_said_and_read_over() {
    let help = "separate arguments by `,`, and statements by `;` or a new line";
    assert_mistakes(
        "model m { normalize mean(0.4, 0.4, 0.4) std(1 1 1) }",
        &[
            &format!(r#"R0002 "std" a comma is missing between arguments; {help}"#),
            &format!(r#"R0002 "1" a comma is missing between arguments; {help}"#),
        ],
    );
    let (file, _) = read("model m { normalize mean(0.4) std(1 1) }");
    assert_eq!(format(&file), "model m { normalize mean(0.4), std(1, 1) }\n");
}

#[test]
fn a_size_written_with_spaces_is_read_as_one() {
    let (file, said) = read("model m { conv 3 x 3, 1 x7 }");
    assert_eq!(format(&file), "model m { conv 3x3, 1x7 }\n");
    assert_eq!(
        said,
        [
            r#"R0002 "3 x 3" spaces within a size; write `3x3`"#,
            r#"R0002 "1 x7" spaces within a size; write `1x7`"#
        ]
    );
}

#[test]
fn a_missing_brace_points_at_the_opening() {
    let text = "model m {\n    stem {\n        relu\n    head { relu }\n}\n\nblock b { relu }\n";
    let (file, said) = read(text);
    assert_eq!(said, [r#"R0003 "{" a brace that is never closed; close it with `}`"#]);
    assert_eq!(file.items.len(), 2);
    let mut sink = Sink::default();
    parse(FileId(0), text, &mut sink);
    let found = sink.into_sorted().remove(0);
    assert_eq!(found.primary.span.start as usize, text.find("stem {").unwrap() + 5);
}

#[test]
fn braces_missing_at_one_place_are_said_once() {
    assert_mistakes(
        "model m { stem { residual {",
        &[r#"R0003 "{" a brace that is never closed; close it with `}`"#],
    );
}

#[test]
fn an_open_parenthesis_ends_with_its_line() {
    let said = "R0003 \"(\" a parenthesis that is never closed; close it with `)`";
    let text = "model m {\n normalize mean(0.4, 0.4\n relu\n conv (3, 1, 64\n stage l { 3 of }\n}";
    assert_mistakes(text, &[said, said, r#"R0002 "}" expected the name of a block, but `}` is here"#]);
}

#[test]
fn one_mistake_does_not_hide_the_rest() {
    let model = "model m(depth = ) {\n conv §\n let k =\n conv stride = 2\n}\n";
    let said = mistakes(&format!("{model}layer x {{ conv 3y }}\nblock b {{ relu ) }}"));
    let places: Vec<_> = said.iter().map(|s| s.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        places,
        [
            r#"R0002 ")""#,
            r#"R0001 "§""#,
            r#"R0002 """#,
            r#"R0002 "=""#,
            r#"R0002 "layer""#,
            r#"R0002 "3y""#,
            r#"R0002 ")""#,
        ]
    );
}

#[test]
fn a_slip_in_a_keyword_is_read_as_what_was_meant() {
    let (file, said) = read("modle m { relu }\nblcok b { relu }");
    assert_eq!(
        said,
        [
            "R0002 \"modle\" `modle` begins neither a model nor a block; write `model`",
            "R0002 \"blcok\" `blcok` begins neither a model nor a block; write `block`"
        ]
    );
    assert_eq!(file.items.len(), 2);
}

#[test]
fn a_likely_slip_gets_a_way_out() {
    for (line, code, at, help) in [
        ("# a", "R0001", "#", "a comment begins with `//`"),
        ("/* a\n b */ relu", "R0001", "/*", "a comment begins with `//`"),
        ("pad [1, 1]", "R0001", "[", "`(3, 1)`"),
        ("labels 'a'", "R0001", "'", "strings stand between `\"`"),
        ("conv 3×3", "R0001", "×", "`3x3`"),
        ("labels \"a", "R0005", "\"a", "a `\"` is missing"),
        ("labels \"a, \"b\"", "R0005", "\"", "a `\"` is missing"),
        ("labels \"\\n\"", "R0006", "\\n", "write `\\\\` for a backslash"),
        ("let n 3", "R0002", "3", "`let NAME = VALUE`"),
        ("n = 3", "R0002", "=", "`let NAME = VALUE`"),
        ("let n = 1_000", "R0002", "1_000", "`1000`"),
        ("let n = 1 < 2 < 3", "R0002", "<", "`a < b && b < c`"),
        ("let n = 1\n  + 2", "R0002", "+", "end it with its operator"),
        ("require n = 3, \"m\"", "R0002", "=", "`==`"),
        ("rename \"a\" = \"b\"", "R0002", "=", "`rename \"FROM\" -> \"TO\"`"),
        ("stem\n{ relu }", "R0002", "{", "on the line of its word"),
        ("3 basic", "R0002", "basic", "`3 of basic(64)`"),
    ] {
        let said = mistakes(&format!("model m {{\n{line}\n}}"));
        assert_eq!(said.len(), 1, "{line}: {said:?}");
        assert!(said[0].starts_with(&format!("{code} {at:?} ")), "{line}: {said:?}");
        assert!(said[0].contains(help), "{line}: {said:?}");
    }
}

#[test]
fn numbers_out_of_range_are_said_where_they_stand() {
    assert_mistakes(
        "model m { let n = 9223372036854775808 + 1e999; conv 3x99999999999999999999 }",
        &[
            r#"R0004 "9223372036854775808" a whole number past 9223372036854775807"#,
            r#"R0004 "1e999" a number past 1.8e308"#,
            r#"R0004 "3x99999999999999999999" a whole number past 9223372036854775807"#,
        ],
    );
}

#[test]
fn nesting_is_bounded() {
    let is_refused = |text: &str| {
        let mut sink = Sink::default();
        parse(FileId(0), text, &mut sink);
        sink.has_errors()
    };
    for (open, close) in [("(", ")"), ("a {", "}"), ("f(", ")"), ("-", ""), ("1 + ", ""), ("{", "}")] {
        for close in ["", close] {
            let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            assert!(is_refused(&format!("model m {{ let x = {nested} }}")));
            assert!(is_refused(&format!("model m {{ {nested} }}")));
        }
    }
    let deep = format!("model m {{\n{}relu{}\n}}", "a {\n".repeat(200), "\n}".repeat(200));
    let said = mistakes(&deep);
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("R0007 \"{\""));
}

#[test]
fn what_is_said_of_one_file_is_bounded() {
    assert_eq!(mistakes(&"model m { conv ) }\n".repeat(5000)).len(), 100);
}

#[test]
fn long_lines_are_broken_where_they_can_be() {
    let labels = (0..40).map(|n| format!("\"name {n}\"")).collect::<Vec<_>>().join(", ");
    let text = format!("model m {{ labels {labels}; relu }}");
    let out = formatted(&text);
    assert!(out.lines().all(|line| line.len() <= 100), "{out}");
    assert!(out.starts_with("model m {\n    labels \"name 0\", \"name 1\""), "{out}");
    assert!(out.ends_with("\"name 39\"\n    relu\n}\n"), "{out}");
    let run = ["conv 3x3, 256, stride 2, pad(1, 1), groups 32"; 3].join("; ");
    assert_eq!(formatted(&format!("block b {{ {run} }}")).lines().count(), 5);
    let run = ["conv 3x3, 256, stride 2"; 3].join("; ");
    assert_eq!(formatted(&format!("block b {{ {run}; relu; norm; relu }}")).lines().count(), 3);
}

#[test]
fn comments_and_blank_lines_stay_where_they_were() {
    let text = "//a\n\n\n//! b\n\nmodel m { //c\n\n\n  // d\n\n  relu;norm //e\n  leaky_relu 0.1 // f\n\n\n  \
                // g\n  conv 3x3, // h\n   64\n  // i\n\n  // j\n\n} // k\n\
                block b { } // l\n\n// m";
    let expected = "// a\n\n//! b\n\nmodel m { // c\n    // d\n\n    relu; norm     // e\n    \
                    leaky_relu 0.1 // f\n\n    // g\n    // h\n    conv 3x3, 64\n    // i\n\n    \
                    // j\n} // k\n\n\
                    block b { } // l\n\n// m\n";
    assert_eq!(formatted(text), expected);
    assert_eq!(formatted(expected), expected);
}

/// A text of the grammar, with spaces, new lines and comments wherever they may stand.
mod grammar {
    use super::*;

    /// Space that ends no statement.
    fn gap() -> impl Strategy<Value = &'static str> {
        prop_oneof![6 => Just(" "), 1 => Just("  "), 1 => Just("\t")]
    }

    /// Space where new lines mean nothing.
    fn wide() -> impl Strategy<Value = &'static str> {
        prop_oneof![8 => Just(""), 1 => Just("\n"), 1 => Just(" //w\n"), 1 => Just("\n\n//  own \n\n")]
    }

    fn word() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[a-z][a-z0-9_]{0,6}".prop_filter("reserved", |w| {
                !["as", "of", "let", "true", "false", "model", "block"].contains(&w.as_str())
            }),
            1 => Just("width".to_owned()),
        ]
    }

    fn path() -> impl Strategy<Value = String> {
        (word(), prop::collection::vec(prop_oneof![word(), "[0-9]{1,2}"], 0..3))
            .prop_map(|(first, rest)| [vec![first], rest].concat().join("."))
    }

    fn string() -> impl Strategy<Value = String> {
        "[a-zé {}();]{0,12}(\\\\\\\\|\\\\\")?".prop_map(|inside| format!("\"{inside}\""))
    }

    fn expr() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[0-9]{1,4}",
            "[0-9]{1,3}\\.[0-9]{1,3}(e-[0-9])?",
            "[1-9](x[1-9]){1,2}",
            path(),
            string(),
            Just("true".to_owned()),
        ];
        leaf.prop_recursive(4, 16, 3, |inner| {
            let list = prop::collection::vec((wide(), inner.clone(), wide()), 1..4)
                .prop_map(|parts| {
                    parts.iter().map(|(a, e, b)| format!("{a}{e}{b}")).collect::<Vec<_>>().join(",")
                })
                .boxed();
            let op = prop::sample::select(vec!["+", "-", "*", "/", "%", "&&", "||"]);
            prop_oneof![
                (inner.clone(), op, wide(), inner.clone())
                    .prop_map(|(a, op, w, b)| format!("{a} {op}{w} {b}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) <= ({b}))")),
                (word(), list.clone()).prop_map(|(f, list)| format!("{f}({list})")),
                (word(), inner.clone()).prop_map(|(f, a)| format!("{f}(depth = {a},)")),
                list.prop_map(|list| format!("({list})")),
                inner.clone().prop_map(|e| format!("-({e})")),
                inner.prop_map(|e| format!("!({e})")),
            ]
        })
    }

    fn arg() -> impl Strategy<Value = String> {
        let option = (word(), gap(), prop_oneof!["[0-9]{1,3}", word(), string()]);
        prop_oneof![expr(), word(), option.prop_map(|(name, gap, value)| format!("{name}{gap}{value}"))]
    }

    fn args() -> impl Strategy<Value = String> {
        prop::collection::vec((arg(), wide()), 0..4).prop_map(|args| {
            args.into_iter()
                .map(|(a, w)| (a, format!(", {w}")))
                .fold((String::new(), String::new()), |(out, between), (a, next)| (out + &between + &a, next))
                .0
        })
    }

    fn simple() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (word(), gap(), args()).prop_map(|(word, gap, args)| format!("{word}{gap}{args}")),
            1 => (word(), args(), path()).prop_map(|(word, args, name)| format!("{word} {args} as {name}")),
            1 => (word(), expr()).prop_map(|(name, value)| format!("let {name} ={value}")),
            1 => (expr(), wide(), string()).prop_map(|(e, w, s)| format!("require {e},{w} {s}")),
            1 => (string(), string()).prop_map(|(a, b)| format!("rename {a}->{b}")),
            1 => (word(), args()).prop_map(|(block, args)| {
                let comma = if args.is_empty() { "" } else { "," };
                format!("3 of {block}(1, 2){comma} {args}")
            }),
        ]
    }

    fn end() -> impl Strategy<Value = &'static str> {
        let ends =
            vec!["; ", ";", "\n", "\r\n", ";\n\n\n", " //c\n", "; // d\n", "\n\n // e\n\n//f\n", "\n;;\n"];
        prop::sample::select(ends)
    }

    fn join(parts: Vec<(String, &'static str)>) -> String {
        parts.into_iter().map(|(statement, end)| statement + end).collect()
    }

    fn body() -> impl Strategy<Value = String> {
        let flat =
            prop::collection::vec(simple(), 0..4).prop_map(|parts| format!("{{ {} }}", parts.join("; ")));
        flat.prop_recursive(3, 24, 4, |inner| {
            let nested = (word(), inner.clone(), prop::option::of((word(), inner))).prop_map(
                |(word, body, clause)| match clause {
                    Some((other, clause)) => format!("{word} {body} {other}{clause}"),
                    None => format!("{word}{body}"),
                },
            );
            let statement = prop_oneof![2 => simple(), 1 => nested];
            let begin = prop::sample::select(vec!["{", "{ //b\n", "{\n\n", "{\n//a\n"]);
            (begin, prop::collection::vec((statement, end()), 0..5))
                .prop_map(|(begin, parts)| format!("{begin}{}}}", join(parts)))
        })
    }

    pub fn file() -> impl Strategy<Value = String> {
        let param = (word(), wide(), expr()).prop_map(|(name, w, e)| format!("{name}{w}={e}"));
        let params = prop::collection::vec(param, 0..8).prop_map(|parts| format!("({})", parts.join(",")));
        let keyword = prop::sample::select(vec!["model", "block"]);
        let item = prop_oneof![
            3 => (keyword, word(), params, body()).prop_map(|(kind, name, params, body)| {
                format!("{kind} {name}{params} {body}")
            }),
            1 => (word(), word(), expr()).prop_map(|(a, b, e)| format!("model {a} = {b}(depth={e})")),
        ];
        let end = prop::sample::select(vec!["\n", "\n\n\n", " // z\n", "\n//y\n\n", "\n\n//x\n"]);
        (end.clone(), prop::collection::vec((item, end), 0..4))
            .prop_map(|(begin, items)| format!("{begin}{}", join(items)))
    }
}

/// Every comment's text; no string of [`grammar`] has slashes.
fn comments(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split_once("//"));
    let mut found: Vec<_> = lines.map(|(_, comment)| comment.trim().to_owned()).collect();
    found.sort();
    found
}

const TOKENS: &[&str] = &[
    "model", "block", "m", "stem", "(", ")", "{", "}", ",", ";", "\n", "=", "of", "as", "let", "3", "x",
    "3x3", "\"a\"", "\"", "//c\n", "+", "-", "!", "->", "require", "rename", "#", "1e5", "a.0", "\\", "é",
    "==", "\r\n",
];

proptest! {
    #[test]
    fn formatting_keeps_meaning_and_comments_and_is_stable(text in grammar::file()) {
        let (file, said) = read(&text);
        prop_assert!(said.is_empty(), "{said:#?}");
        let once = format(&file);
        let (again, said) = read(&once);
        prop_assert!(said.is_empty(), "{once}\n{said:#?}");
        prop_assert_eq!(format(&again), once.as_str());
        prop_assert_eq!(comments(&text), comments(&once));
        prop_assert_eq!(meaning(file), meaning(again));
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,80}") {
        mistakes(&text);
    }

    #[test]
    fn no_tokens_break_the_parser(parts in prop::collection::vec(prop::sample::select(TOKENS), 0..60)) {
        let text = parts.join(" ");
        let (file, said) = read(&text);
        if said.is_empty() {
            let once = format(&file);
            prop_assert_eq!(format(&read(&once).0), once);
        }
    }
}
