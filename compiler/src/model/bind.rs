//! A command's arguments, bound by the [catalogue](super::catalogue) and checked for their kind.
//!
//! Relies on the parser's uniform [`Arg`]s: whether a bare word is an option, a flag or a variable
//! is decided here, by the command it stands behind.

use crate::diagnostics::{Code, Diagnostic, Sink, Span, nearest};
use crate::syntax::ast::{Arg, Expr, ExprKind};

use super::catalogue::{ArgKind, ArgSpec, CommandSpec};
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
    Texts(Vec<String>),
}

/// The arguments of one command, by name.
#[derive(Debug, Default)]
pub struct Args {
    values: Vec<(&'static str, Bound, Span)>,
    /// Whether anything was wrong; what is wrong has been reported.
    pub broken: bool,
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
        texts, Texts, Vec<String>);
}

/// Binds what stands behind a command's word; reports what does not fit.
pub fn bind(command: &'static CommandSpec, word: Span, args: &[Arg], env: &Env, sink: &mut Sink) -> Args {
    let mut binder = Binder { command, env, sink, bound: Args::default(), seen: Vec::new() };
    for arg in args {
        if let Some((spec, value)) = binder.named(arg) {
            binder.set(spec, value, arg.span);
        } else if let Some(name) = &arg.name {
            binder.unknown_option(&name.text, name.span);
        } else if let Some(spec) = binder.next_place() {
            binder.set(spec, Some(&arg.value), arg.span);
        } else {
            binder.too_many(arg);
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
    /// Arguments that were given, rightly or not.
    seen: Vec<&'static str>,
}

impl Binder<'_> {
    /// The argument that the next value without a name is for.
    fn next_place(&self) -> Option<&'static ArgSpec> {
        let mut places = self.command.args.iter().filter(|s| s.positional);
        places.find(|s| s.kind == ArgKind::Texts || !self.seen.contains(&s.name))
    }

    /// The option that an argument names, and its value; a bare option has none.
    fn named<'e>(&self, arg: &'e Arg) -> Option<(&'static ArgSpec, Option<&'e Expr>)> {
        let find = |name: &str| self.command.args.iter().find(|s| s.name == name);
        if let Some(name) = &arg.name {
            return find(&name.text).map(|spec| (spec, Some(&arg.value)));
        }
        match &arg.value.kind {
            ExprKind::Path(path) => find(&path.text).filter(|s| !s.positional).map(|spec| (spec, None)),
            ExprKind::Call(call) => find(&call.name.text).map(|spec| (spec, Some(&arg.value))),
            _ => None,
        }
    }

    fn set(&mut self, spec: &'static ArgSpec, value: Option<&Expr>, span: Span) {
        self.seen.push(spec.name);
        let bound = match value {
            Some(expr) => self.convert(spec, expr),
            None if spec.kind == ArgKind::Flag => Some(Bound::Flag(true)),
            None => self.punned(spec, span),
        };
        match bound {
            None => self.bound.broken = true,
            Some(Bound::Texts(more)) => {
                match self.bound.values.iter_mut().find(|(n, _, _)| *n == spec.name) {
                    Some((_, Bound::Texts(texts), _)) => texts.extend(more),
                    _ => self.bound.values.push((spec.name, Bound::Texts(more), span)),
                }
            }
            Some(bound) => {
                if let Some((_, first)) = self.bound.get(spec.name) {
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
                }
            }
        }
    }

    /// A bare `stride`: the value of the variable of that name.
    fn punned(&mut self, spec: &'static ArgSpec, span: Span) -> Option<Bound> {
        let Some(value) = self.env.get(spec.name) else {
            self.error(
                Diagnostic::error(
                    Code::R0102,
                    span,
                    format!("`{}` alone takes its value from a variable, and there is none", spec.name),
                    format!("no `{}` is defined here", spec.name),
                )
                .with_help(format!("write its value, as in `{} 2`", spec.name)),
            );
            return None;
        };
        self.convert_value(spec, value, span)
    }

    fn convert(&mut self, spec: &'static ArgSpec, expr: &Expr) -> Option<Bound> {
        match (&expr.kind, spec.kind) {
            (ExprKind::Path(p), ArgKind::Pad) if p.text == "same" => Some(Bound::PadSame),
            (ExprKind::Path(p), ArgKind::Word(words)) => self.word(spec, words, &p.text, p.span),
            (ExprKind::Path(p), ArgKind::Name) => Some(Bound::Text(p.text.clone())),
            (ExprKind::Call(call), _) if call.name.text == spec.name => {
                let values: Vec<_> = call.args.iter().map(|a| self.env.eval(&a.value, self.sink)).collect();
                let mut values = values.into_iter().collect::<Option<Vec<_>>>()?;
                let value = if values.len() == 1 { values.remove(0) } else { Value::Tuple(values) };
                self.convert_value(spec, value, expr.span)
            }
            _ => {
                let value = self.env.eval(expr, self.sink)?;
                self.convert_value(spec, value, expr.span)
            }
        }
    }

    fn word(&mut self, spec: &ArgSpec, words: &[&'static str], word: &str, span: Span) -> Option<Bound> {
        if words.contains(&word) {
            return Some(Bound::Text(word.to_owned()));
        }
        let all = words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
        let mut error = Diagnostic::error(
            Code::R0302,
            span,
            format!("`{word}` is no {} of `{}`", spec.name, self.command.word),
            "unknown word",
        )
        .with_note(format!("known: {all}"));
        if let Some(near) = nearest(word, words.iter().copied()) {
            error = error.with_help(format!("there is `{near}`"));
        }
        self.error(error);
        None
    }

    fn convert_value(&mut self, spec: &ArgSpec, value: Value, span: Span) -> Option<Bound> {
        let zero_based = spec.kind == ArgKind::Pad;
        let count =
            |i: i64| ((if zero_based { 0 } else { 1 })..=MAX_COUNT).contains(&i).then_some(i as usize);
        let range = |binder: &mut Self| {
            let from = if zero_based { "0" } else { "1" };
            binder.error(Diagnostic::error(
                Code::R0303,
                span,
                format!("`{}` is out of range", spec.name),
                format!("must be from {from} to {MAX_COUNT}"),
            ));
        };
        let ints = |values: Vec<Value>| -> Option<Vec<i64>> {
            values.into_iter().map(|v| if let Value::Int(i) = v { Some(i) } else { None }).collect()
        };
        let list = match (spec.kind, value) {
            (_, Value::Unknown) => return None,
            (ArgKind::Flag, Value::Bool(b)) => return Some(Bound::Flag(b)),
            (ArgKind::Text, Value::Text(t)) => return Some(Bound::Text(t)),
            (ArgKind::Texts, Value::Text(t)) => return Some(Bound::Texts(vec![t])),
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
                self.error(wrong_kind(span, wanted(kind), &other));
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
        let Some(counts) = list.into_iter().map(count).collect::<Option<Vec<_>>>() else {
            range(self);
            return None;
        };
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

    fn unknown_option(&mut self, name: &str, span: Span) {
        let names = self.command.args.iter().map(|a| a.name);
        let mut error = Diagnostic::error(
            Code::R0105,
            span,
            format!("`{}` has no option `{name}`", self.command.word),
            "unknown option",
        );
        if let Some(near) = nearest(name, names.clone()) {
            error = error.with_help(format!("there is `{near}`"));
        } else {
            let all = names.map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
            let takes = if all.is_empty() { "nothing".to_owned() } else { all };
            error = error.with_note(format!("`{}` takes {takes}", self.command.word));
        }
        self.error(error);
    }

    fn too_many(&mut self, arg: &Arg) {
        // A bare word that is no variable either was most likely meant as an option.
        if let ExprKind::Path(path) = &arg.value.kind
            && !self.env.knows(&path.text)
        {
            return self.unknown_option(&path.text, path.span);
        }
        let places: Vec<_> =
            self.command.args.iter().filter(|a| a.positional).map(|a| format!("`{}`", a.name)).collect();
        let takes = match places.as_slice() {
            [] => "no value by its place".to_owned(),
            names => format!("only {} by place", names.join(", ")),
        };
        self.error(Diagnostic::error(
            Code::R0107,
            arg.span,
            format!("one value too many for `{}`", self.command.word),
            format!("`{}` takes {takes}", self.command.word),
        ));
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
    let mut parts = Vec::new();
    for arg in command.args {
        let name = if arg.positional { arg.name.to_uppercase() } else { arg.name.to_owned() };
        parts.push(if arg.required { name } else { format!("[{name}]") });
    }
    format!("it is written `{} {}`", command.word, parts.join(", ")).trim_end().to_owned()
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
        ArgKind::Word(_) => "a word",
        ArgKind::Name => "a name",
        ArgKind::Text | ArgKind::Texts => "a string",
    }
}
