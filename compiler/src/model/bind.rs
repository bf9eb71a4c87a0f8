//! A command's arguments, bound by the [catalogue](super::catalogue) and checked for their kind.
//!
//! Relies on the parser's uniform [`Arg`]s: whether a bare word is an option, a flag or a variable
//! is decided here, by the command it stands behind.

use std::sync::Arc;

use crate::diagnostics::{Code, Diagnostic, Edit, Sink, Span, nearest};
use crate::syntax::ast::{Arg, BinaryOp, Expr, ExprKind, Ident, Path};

use super::catalogue::{ArgKind, ArgSpec, Choice, CommandSpec, Family};
use super::eval::{Env, Value, wrong_kind};

/// The largest size, count or stride that a spec can write.
const MAX_COUNT: i64 = 1 << 20;

/// A value of the kind that the catalogue asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// Height and width.
    Pair([usize; 2]),
    /// Rows above and below, columns before and behind.
    Pad([usize; 2]),
    /// TensorFlow's padding.
    PadSame,
    /// A count.
    Count(usize),
    /// A number.
    Number(f64),
    /// One a colour.
    Colours([f32; 3]),
    /// Channels, height, width.
    Dims([usize; 3]),
    /// A flag.
    Flag(bool),
    /// One of the known words, a name, or a string.
    Text(String),
    /// Strings.
    Texts(Vec<Arc<str>>),
}

/// The arguments of one command, by name.
#[derive(Debug, Default)]
pub struct Args {
    values: Vec<(&'static str, Bound, Span)>,
    literals: Vec<(&'static str, Span)>,
    /// Whether anything was wrong; what is wrong has been reported.
    pub broken: bool,
    /// Values whose names stand for something that no command takes.
    pub distrusted: Vec<Expr>,
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $name(&self, name: &str) -> Option<$type> {
            match self.get(name)?.0 {
                Bound::$variant(value) => Some(value.clone()),
                _ => None,
            }
        }
    };
}

impl Args {
    /// The value and place of an argument that was given.
    pub fn get(&self, name: &str) -> Option<(&Bound, Span)> {
        self.values.iter().find(|(n, _, _)| *n == name).map(|(_, v, s)| (v, *s))
    }

    /// The place of an argument's value, if that is a number as written: not a name, not arithmetic.
    pub fn literal(&self, name: &str) -> Option<Span> {
        self.literals.iter().find(|(n, _)| *n == name).map(|(_, span)| *span)
    }

    getter!(/// Height and width.
        pair, Pair, [usize; 2]);
    getter!(/// A count.
        count, Count, usize);
    getter!(/// A number.
        number, Number, f64);
    getter!(/// One a colour.
        colours, Colours, [f32; 3]);
    getter!(/// Channels, height, width.
        dims, Dims, [usize; 3]);
    getter!(/// A flag.
        flag, Flag, bool);
    getter!(/// A word, name or string.
        text, Text, String);
    getter!(/// Strings.
        texts, Texts, Vec<Arc<str>>);
}

/// What an argument is to its command.
#[derive(Clone, Copy, Debug)]
pub enum Role<'e> {
    /// A value, by its place or behind its name.
    Value(&'static ArgSpec, &'e Expr),
    /// An option's name alone: a flag, or the value of the variable of that name.
    Bare(&'static ArgSpec),
    /// A name that the command does not have.
    Unknown(&'e Ident),
    /// A value that no place is left for.
    Surplus,
}

/// What each argument is to its command.
pub fn roles<'e>(command: &'static CommandSpec, args: &'e [Arg]) -> Vec<Role<'e>> {
    let mut seen: Vec<&str> = Vec::new();
    let mut role = |arg| {
        let role = named(command, arg).or_else(|| Some(Role::Value(next_place(command, &seen)?, &arg.value)));
        if let Some(Role::Value(spec, _) | Role::Bare(spec)) = role {
            seen.push(spec.name);
        }
        role.unwrap_or(Role::Surplus)
    };
    args.iter().map(&mut role).collect()
}

/// The argument that the next value without a name is for.
fn next_place(command: &'static CommandSpec, seen: &[&str]) -> Option<&'static ArgSpec> {
    let mut places = command.args.iter().filter(|s| s.positional);
    places.find(|s| s.kind == ArgKind::Texts || !seen.contains(&s.name))
}

/// The role of an argument that has, or is, a name.
fn named<'e>(command: &'static CommandSpec, arg: &'e Arg) -> Option<Role<'e>> {
    let find = |name: &str| command.args.iter().find(|s| s.name == name);
    if let Some(name) = &arg.name {
        return Some(find(&name.text).map_or(Role::Unknown(name), |spec| Role::Value(spec, &arg.value)));
    }
    match &arg.value.kind {
        ExprKind::Path(path) => find(&path.text).filter(|s| !s.positional).map(Role::Bare),
        ExprKind::Call(call) => find(&call.name.text).map(|spec| Role::Value(spec, &arg.value)),
        _ => None,
    }
}

/// Binds what stands behind a command's word; reports what does not fit.
pub fn bind(command: &'static CommandSpec, word: Span, args: &[Arg], env: &Env, sink: &mut Sink) -> Args {
    let mut binder = Binder { command, env, sink, bound: Args::default() };
    let mut surplus = None;
    for (arg, role) in args.iter().zip(roles(command, args)) {
        match role {
            Role::Value(spec, value) => binder.set(spec, Some(value), arg.span),
            Role::Bare(spec) => binder.set(spec, None, arg.span),
            Role::Unknown(name) => binder.unknown_option(&name.text, name.span),
            Role::Surplus if surplus.replace(arg).is_none() => binder.too_many(arg),
            Role::Surplus => {}
        }
    }
    for spec in command.args.iter().filter(|s| s.required) {
        if binder.bound.get(spec.name).is_none() && !binder.bound.broken {
            binder.missing(spec, word);
        }
    }
    binder.bound
}

struct Binder<'a> {
    command: &'static CommandSpec,
    env: &'a Env,
    sink: &'a mut Sink,
    bound: Args,
}

impl Binder<'_> {
    fn set(&mut self, spec: &'static ArgSpec, value: Option<&Expr>, span: Span) {
        let bound = match value {
            Some(expr) => self.convert(spec, expr),
            None if spec.kind == ArgKind::Flag => Some(Bound::Flag(true)),
            None => self.punned(spec, span),
        };
        let again = self.bound.get(spec.name).map(|(_, first)| first);
        match bound {
            None => self.bound.broken = true,
            Some(Bound::Texts(more)) => {
                match self.bound.values.iter_mut().find(|(n, _, _)| *n == spec.name) {
                    Some((_, Bound::Texts(texts), _)) => texts.extend(more),
                    _ => self.bound.values.push((spec.name, Bound::Texts(more), span)),
                }
            }
            Some(bound) => {
                if let Some(first) = again {
                    self.error(
                        Diagnostic::error(
                            Code::R0307,
                            span,
                            format!("`{}` is given twice", spec.name),
                            "given again",
                        )
                        .with_label(first, "given here"),
                    );
                } else {
                    self.bound.values.push((spec.name, bound, span));
                    let literal = value.filter(|v| matches!(v.kind, ExprKind::Int(_)));
                    self.bound.literals.extend(literal.map(|v| (spec.name, v.span)));
                }
            }
        }
    }

    /// A bare `stride`: the value of the variable of that name.
    fn punned(&mut self, spec: &'static ArgSpec, span: Span) -> Option<Bound> {
        let Some(value) = self.env.get(spec.name) else {
            if self.env.incomplete {
                return None;
            }
            let takes_2 = matches!(spec.kind, ArgKind::Pair | ArgKind::Count);
            let edit = takes_2.then(|| Edit { span: span.behind(), text: " 2".to_owned() });
            self.error(
                Diagnostic::error(
                    Code::R0102,
                    span,
                    format!("`{}` alone takes its value from a variable, and there is none", spec.name),
                    format!("no `{}` is defined here", spec.name),
                )
                .with_fixes(format!("write its value, as in `{} 2`", spec.name), edit),
            );
            return None;
        };
        let name = Path { text: spec.name.to_owned(), span };
        let expr = Expr { kind: ExprKind::Path(name), span };
        self.convert_value(spec, value, &expr)
    }

    fn convert(&mut self, spec: &'static ArgSpec, expr: &Expr) -> Option<Bound> {
        match (&expr.kind, spec.kind) {
            (ExprKind::Path(p), ArgKind::Pad) if p.text == "same" => Some(Bound::PadSame),
            (ExprKind::Path(p), ArgKind::Word(words)) => self.word(spec, words, &p.text, p.span),
            (ExprKind::Path(p), ArgKind::Name) => Some(Bound::Text(p.text.clone())),
            (ExprKind::Path(p), ArgKind::Text | ArgKind::Texts) if !self.env.knows(&p.text) => {
                let error = Diagnostic::error(
                    Code::R0302,
                    p.span,
                    format!("expected a string, found the word `{}`", p.text),
                    "expected a string",
                );
                let quoted = format!("\"{}\"", p.text);
                self.error(error.with_fix(format!("write it between quotes: `{quoted}`"), p.span, quoted));
                None
            }
            (ExprKind::Call(call), _) if call.name.text == spec.name => {
                let values: Vec<_> = call.args.iter().map(|a| self.env.eval(&a.value, self.sink)).collect();
                let mut values = values.into_iter().collect::<Option<Vec<_>>>()?;
                let value = if values.len() == 1 { values.remove(0) } else { Value::Tuple(values) };
                self.convert_value(spec, value, expr)
            }
            _ => {
                let value = self.env.eval(expr, self.sink)?;
                self.convert_value(spec, value, expr)
            }
        }
    }

    fn word(&mut self, spec: &ArgSpec, words: &[Choice], word: &str, span: Span) -> Option<Bound> {
        if words.iter().any(|known| known.word == word) {
            return Some(Bound::Text(word.to_owned()));
        }
        let error = Diagnostic::error(
            Code::R0302,
            span,
            format!("`{word}` is no {} of `{}`", spec.name, self.command.word),
            "unknown word",
        )
        .with_note(format!("known: {}", quoted(words.iter().map(|w| w.word))));
        self.error(match nearest(word, words.iter().map(|w| w.word)) {
            Some(near) => error.with_nearest(span, near),
            None => error,
        });
        None
    }

    fn convert_value(&mut self, spec: &ArgSpec, value: Value, expr: &Expr) -> Option<Bound> {
        let span = expr.span;
        let least = if spec.kind == ArgKind::Pad { 0 } else { 1 };
        let ints = |values: Vec<Value>| -> Option<Vec<i64>> {
            values.into_iter().map(|v| if let Value::Int(i) = v { Some(i) } else { None }).collect()
        };
        let list = match (spec.kind, value) {
            (_, Value::Unknown) => return None,
            (ArgKind::Flag, Value::Bool(b)) => return Some(Bound::Flag(b)),
            (ArgKind::Text, Value::Text(t)) => return Some(Bound::Text(t.to_string())),
            (ArgKind::Texts, Value::Text(t)) => return Some(Bound::Texts(vec![t])),
            (ArgKind::Number, Value::Float(f)) if !(f as f32).is_finite() => {
                let message = format!("`{}` is past what a 32-bit number holds", spec.name);
                self.error(Diagnostic::error(Code::R0303, span, message, "out of range"));
                return None;
            }
            (ArgKind::Number, Value::Float(f)) => return Some(Bound::Number(f)),
            (ArgKind::Number, Value::Int(i)) => return Some(Bound::Number(i as f64)),
            (ArgKind::Colours, Value::Tuple(values)) if values.len() == 3 => {
                return self.colours(spec, &values, span);
            }
            (ArgKind::Colours, v @ (Value::Float(_) | Value::Int(_))) => {
                return self.colours(spec, &[v.clone(), v.clone(), v], span);
            }
            (ArgKind::Count, Value::Int(i)) => vec![i],
            (ArgKind::Pair | ArgKind::Pad, Value::Int(i)) => vec![i, i],
            (ArgKind::Pair | ArgKind::Pad, Value::Size(s)) if s.len() == 2 => s,
            (ArgKind::Dims, Value::Size(s)) if s.len() == 3 => s,
            (ArgKind::Pair | ArgKind::Pad, Value::Tuple(t)) if t.len() == 2 => ints(t).unwrap_or_default(),
            (ArgKind::Dims, Value::Tuple(t)) if t.len() == 3 => ints(t).unwrap_or_default(),
            (kind, other) => {
                self.misfit(spec, kind, &other, expr);
                return None;
            }
        };
        if list.is_empty() {
            self.error(Diagnostic::error(
                Code::R0302,
                span,
                format!("expected {}", wanted(spec.kind)),
                "has something else in it",
            ));
            return None;
        }
        if let Some(wrong) = list.iter().find(|i| !(least..=MAX_COUNT).contains(*i)) {
            let message = format!("`{}` of {} cannot be {wrong}", spec.name, self.subject());
            let label = format!("must be from {least} to {MAX_COUNT}");
            self.error(self.env.explain(Diagnostic::error(Code::R0303, span, message, label), expr));
            self.bound.distrusted.push(expr.clone());
            return None;
        }
        let counts: Vec<_> = list.into_iter().map(|i| i as usize).collect();
        match (spec.kind, counts.as_slice()) {
            (ArgKind::Count, &[n]) => Some(Bound::Count(n)),
            (ArgKind::Pair, &[h, w]) => Some(Bound::Pair([h, w])),
            (ArgKind::Pad, &[h, w]) => Some(Bound::Pad([h, w])),
            (ArgKind::Dims, &[c, h, w]) => Some(Bound::Dims([c, h, w])),
            _ => unreachable!("the list was made for its kind above"),
        }
    }

    fn colours(&mut self, spec: &ArgSpec, values: &[Value], span: Span) -> Option<Bound> {
        let mut out = [0.0; 3];
        for (slot, value) in out.iter_mut().zip(values) {
            *slot = match value {
                Value::Float(f) => *f as f32,
                Value::Int(i) => *i as f32,
                other => {
                    self.error(wrong_kind(span, wanted(spec.kind), other));
                    return None;
                }
            };
        }
        if out.iter().any(|v| !v.is_finite()) {
            let message = format!("`{}` is past what a 32-bit number holds", spec.name);
            self.error(Diagnostic::error(Code::R0303, span, message, "out of range"));
            return None;
        }
        if spec.name == "std" && out.iter().any(|v| *v <= 0.0) {
            self.error(Diagnostic::error(
                Code::R0303,
                span,
                "a standard deviation is above 0",
                "pixels are divided by it",
            ));
            return None;
        }
        Some(Bound::Colours(out))
    }

    /// A value of another kind than the argument's.
    fn misfit(&mut self, spec: &ArgSpec, kind: ArgKind, found: &Value, expr: &Expr) {
        let mut error = wrong_kind(expr.span, wanted(kind), found);
        error.primary.text = format!("`{}` of {}: {}", spec.name, self.subject(), spec.doc);
        let error = match (kind, found) {
            (ArgKind::Word(words), _) => error
                .with_note(format!("known: {}", quoted(words.iter().map(|w| w.word))))
                .with_help("write one of them, without quotes"),
            (kind, Value::Text(text)) if is_bare(kind, text) => {
                error.with_fix(format!("write `{text}` without quotes"), expr.span, &**text)
            }
            (ArgKind::Texts, Value::Tuple(_)) => error.with_help("write the strings without parentheses"),
            _ => error,
        };
        self.error(self.env.explain(error, expr));
    }

    fn unknown_option(&mut self, name: &str, span: Span) {
        let error = Diagnostic::error(
            Code::R0105,
            span,
            format!("{} has no option `{name}`", self.subject()),
            "unknown option",
        )
        .with_note(usage(self.command));
        self.error(match nearest(name, self.command.args.iter().map(|a| a.name)) {
            Some(near) => error.with_nearest(span, near),
            None => error,
        });
    }

    fn too_many(&mut self, arg: &Arg) {
        match &arg.value.kind {
            // What means nothing as a value either was most likely meant as an option.
            ExprKind::Path(path) if !self.env.knows(&path.text) => {
                return self.unknown_option(&path.text, path.span);
            }
            ExprKind::Call(call) if !matches!(call.name.text.as_str(), "min" | "max") => {
                return self.unknown_option(&call.name.text, call.name.span);
            }
            ExprKind::Binary(BinaryOp::Sub, left, _) => {
                if let ExprKind::Path(path) = &left.kind
                    && self.command.args.iter().any(|s| s.name == path.text)
                {
                    let message = format!("this subtracts from a variable `{}`", path.text);
                    let error = Diagnostic::error(Code::R0302, arg.span, message, "a value, not an option");
                    return self.error(error.with_help(format!("write `{}(-VALUE)`", path.text)));
                }
            }
            _ => {}
        }
        let places = self.command.args.iter().filter(|a| a.positional).map(|a| a.name);
        let takes = match quoted(places) {
            none if none.is_empty() => "takes no value by its place".to_owned(),
            names => format!("takes only {names} by place"),
        };
        let subject = self.subject();
        let message = format!("one value too many for {subject}");
        let error = Diagnostic::error(Code::R0107, arg.span, message, format!("{subject} {takes}"))
            .with_help(usage(self.command));
        let is_size = self.command.args.first().is_some_and(|s| s.kind == ArgKind::Pair);
        self.error(if is_size { error.with_note("a size is one value: `3x3`") } else { error });
    }

    /// What the arguments belong to, for a message.
    fn subject(&self) -> String {
        match self.command.word {
            "of" => "a repetition".to_owned(),
            word => format!("`{word}`"),
        }
    }

    fn missing(&mut self, spec: &ArgSpec, word: Span) {
        self.error(
            Diagnostic::error(
                Code::R0301,
                word,
                format!("`{}` lacks its {}", self.command.word, spec.name),
                format!("needs {}: {}", spec.name, spec.doc),
            )
            .with_help(usage(self.command)),
        );
    }

    fn error(&mut self, error: Diagnostic) {
        self.bound.broken = true;
        self.sink.push(error);
    }
}

/// How a command is written, in one line.
pub fn usage(command: &CommandSpec) -> String {
    if command.word == "of" {
        return "it is written `COUNT of BLOCK(arguments), [stride]`".to_owned();
    }
    let mut parts = Vec::new();
    for arg in command.args {
        let name = if arg.positional { arg.name.to_uppercase() } else { arg.name.to_owned() };
        parts.push(if arg.required { name } else { format!("[{name}]") });
    }
    let braces = matches!(command.family, Family::Part | Family::Container).then_some("{ … }".to_owned());
    let words = [command.word.to_owned(), parts.join(", ")].into_iter().chain(braces);
    let words: Vec<_> = words.filter(|w| !w.is_empty()).collect();
    format!("it is written `{}`", words.join(" "))
}

/// Names for a list: `` `a`, `b` ``.
pub fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// Whether what stands in a string would be right without its quotes.
fn is_bare(kind: ArgKind, text: &str) -> bool {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit());
    match kind {
        ArgKind::Pair | ArgKind::Count | ArgKind::Number => is_number,
        ArgKind::Pad => is_number || text == "same",
        ArgKind::Flag => matches!(text, "true" | "false"),
        ArgKind::Name => !text.is_empty(),
        ArgKind::Colours | ArgKind::Dims | ArgKind::Word(_) | ArgKind::Text | ArgKind::Texts => false,
    }
}

fn wanted(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::Pair => "a size such as `3x3` or one number for both sides",
        ArgKind::Pad => "a number, `(vertical, horizontal)` or `same`",
        ArgKind::Count => "a whole number",
        ArgKind::Number => "a number",
        ArgKind::Colours => "three numbers, one a colour",
        ArgKind::Dims => "channels, height and width",
        ArgKind::Flag => "`true` or `false`",
        ArgKind::Word(_) => "one of the known words",
        ArgKind::Name => "a name",
        ArgKind::Text | ArgKind::Texts => "a string",
    }
}
