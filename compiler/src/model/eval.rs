//! Expressions to values, under the names that are in force.
//!
//! A failure is reported once, where it happens, and gives `None`; names whose value failed are
//! kept as [`Value::Unknown`], so that one mistake is said once.

use std::sync::Arc;

use crate::diagnostics::{Code, Diagnostic, Label, Sink, Span, nearest};
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, Ident, Path, UnaryOp};

/// The most bytes of a tuple: names that stand for tuples of each other would double it line by line.
const MOST_BYTES: usize = 1 << 16;

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A number with a fraction; only as an argument, arithmetic is on whole numbers.
    Float(f64),
    /// A truth.
    Bool(bool),
    /// A string.
    Text(Arc<str>),
    /// `3x3`
    Size(Vec<i64>),
    /// `(1, 2)`
    Tuple(Vec<Value>),
    /// Something already reported.
    Unknown,
}

impl Value {
    /// About how many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        let parts = match self {
            Self::Text(text) => text.len(),
            Self::Size(sides) => size_of_val(sides.as_slice()),
            Self::Tuple(values) => values.iter().map(Self::bytes).sum(),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Unknown => 0,
        };
        size_of::<Self>() + parts
    }

    /// What it is, for a message.
    pub fn describe(&self) -> String {
        match self {
            Self::Int(i) => format!("the number {i}"),
            Self::Float(f) => format!("the fraction {f:?}"),
            Self::Bool(b) => format!("`{b}`"),
            Self::Text(t) if t.chars().count() > 40 => "a long string".to_owned(),
            Self::Text(t) => format!("the string {t:?}"),
            Self::Size(s) => {
                format!("the size {}", s.iter().map(i64::to_string).collect::<Vec<_>>().join("x"))
            }
            Self::Tuple(t) => format!("a list of {} values", t.len()),
            Self::Unknown => "an unknown value".to_owned(),
        }
    }
}

/// The names in force at a place of a spec.
#[derive(Clone, Debug, Default)]
pub struct Env {
    names: Vec<Name>,
    /// Channels of the value at this place; `None` where there is none, `Some(Unknown)` after an error.
    pub channels: Option<Value>,
    /// Names of the surroundings that do not reach here, for the help of who tries them.
    pub hidden: Vec<String>,
    /// Whether a statement could not be read, which may have defined any name.
    pub incomplete: bool,
}

#[derive(Clone, Debug)]
struct Name {
    name: String,
    value: Value,
    /// Where the name is defined.
    span: Span,
    /// Where the value is given, which for a parameter is another place.
    given: Span,
    /// Names that the value was worked out from.
    sources: Vec<String>,
}

impl Env {
    /// Binds a name. A name that is taken in this environment is reported, and bound anew.
    pub fn define(&mut self, name: &str, value: Value, span: Span, sink: &mut Sink) {
        if let Some(first) = self.names.iter().find(|n| n.name == name) {
            sink.push(
                Diagnostic::error(Code::R0103, span, format!("`{name}` is already defined"), "defined again")
                    .with_label(first.span, "first defined here")
                    .with_help("names are given once; choose another for the second"),
            );
        }
        self.set(name, value, span, span);
    }

    /// Binds a name silently, over any other of that name; its value is `given` elsewhere.
    pub fn set(&mut self, name: &str, value: Value, span: Span, given: Span) {
        self.names.push(Name { name: name.to_owned(), value, span, given, sources: Vec::new() });
    }

    /// Evaluates and binds a `let`; gives its value.
    pub fn define_let(&mut self, name: &Ident, value: &Expr, sink: &mut Sink) -> Value {
        let found = self.eval(value, sink).unwrap_or(Value::Unknown);
        self.define(&name.text, found.clone(), name.span, sink);
        let mut paths = Vec::new();
        collect_paths(value, &mut paths);
        if let Some(last) = self.names.last_mut() {
            last.sources = paths.into_iter().map(|p| p.text.clone()).filter(|p| *p != name.text).collect();
        }
        found
    }

    /// Says where the value of the name that was bound last comes from.
    pub fn given_at(&mut self, given: Span) {
        if let Some(last) = self.names.last_mut() {
            last.given = given;
        }
    }

    /// Makes the values of all names that an expression rests on unknown: they are known to be wrong.
    pub fn distrust(&mut self, expr: &Expr) {
        for name in self.rests_on(expr) {
            if let Some(name) = self.names.iter_mut().rev().find(|n| n.name == name) {
                name.value = Value::Unknown;
            }
        }
    }

    /// Adds to an error what the names that an expression rests on stand for. An error about another
    /// file's text moves to the place that gave the value, which is what its author can change.
    pub fn explain(&self, mut error: Diagnostic, expr: &Expr) -> Diagnostic {
        let inner_file = error.primary.span.file;
        for text in self.rests_on(expr) {
            let value = match self.get(&text) {
                Some(Value::Int(i)) => i.to_string(),
                Some(Value::Bool(b)) => b.to_string(),
                _ => continue,
            };
            let shown = format!("`{text}` is {value}");
            match self.names.iter().rev().find(|n| n.name == text) {
                None => error = error.with_note(format!("{shown} here")),
                Some(name) if error.primary.span.file == inner_file && name.given.file != inner_file => {
                    let inner =
                        std::mem::replace(&mut error.primary, Label { span: name.given, text: shown });
                    error.secondary.insert(0, inner);
                }
                Some(name) => error = error.with_label(name.given, shown),
            }
        }
        error
    }

    /// The names in an expression, and those that their values were worked out from, each once.
    fn rests_on(&self, expr: &Expr) -> Vec<String> {
        let mut paths = Vec::new();
        collect_paths(expr, &mut paths);
        let mut open: Vec<String> = paths.into_iter().rev().map(|p| p.text.clone()).collect();
        let mut found = Vec::new();
        while let Some(next) = open.pop() {
            if found.contains(&next) {
                continue;
            }
            if let Some(name) = self.names.iter().rev().find(|n| n.name == next) {
                open.extend(name.sources.iter().cloned());
            }
            found.push(next);
        }
        found
    }

    /// About how many bytes its names and values take.
    pub fn bytes(&self) -> usize {
        let names = self.names.iter().map(|name| size_of::<Name>() + name.name.len() + name.value.bytes());
        let hidden = self.hidden.iter().map(|name| size_of::<String>() + name.len());
        names.sum::<usize>() + hidden.sum::<usize>()
    }

    /// How many names there are now; [`Env::leave`] takes it.
    pub fn enter(&self) -> usize {
        self.names.len()
    }

    /// Forgets the names bound since [`Env::enter`].
    pub fn leave(&mut self, mark: usize) {
        self.names.truncate(mark);
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<Value> {
        let found = self.names.iter().rev().find(|n| n.name == name).map(|n| n.value.clone());
        found.or_else(|| self.channels.clone().filter(|_| name == "channels"))
    }

    /// Whether the name means anything here.
    pub fn knows(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every name that means something here.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let names = self.names.iter().map(|n| n.name.as_str());
        names.chain(self.channels.is_some().then_some("channels"))
    }

    /// The value of an expression.
    pub fn eval(&self, expr: &Expr, sink: &mut Sink) -> Option<Value> {
        match &expr.kind {
            ExprKind::Int(i) => Some(Value::Int(*i)),
            ExprKind::Float(f, _) => Some(Value::Float(*f)),
            ExprKind::Text(t) => Some(Value::Text(t.as_str().into())),
            ExprKind::Bool(b) => Some(Value::Bool(*b)),
            ExprKind::Size(s) => Some(Value::Size(s.clone())),
            ExprKind::Path(path) => self.eval_name(path, sink),
            ExprKind::Call(call) => self.eval_call(call, sink),
            ExprKind::Tuple(items) => match items.as_slice() {
                [one] => self.eval(one, sink),
                many => {
                    let values: Vec<_> = many.iter().map(|e| self.eval(e, sink)).collect();
                    let values = values.into_iter().collect::<Option<_>>().map(Value::Tuple)?;
                    if values.bytes() > MOST_BYTES {
                        let message = format!("a value of more than {MOST_BYTES} bytes");
                        sink.push(Diagnostic::error(Code::R0401, expr.span, message, "too many parts"));
                        return None;
                    }
                    Some(values)
                }
            },
            ExprKind::Unary(op, operand) => self.eval_unary(*op, operand, expr.span, sink),
            ExprKind::Binary(op, left, right) => self.eval_binary(*op, left, right, expr.span, sink),
            ExprKind::Error => None,
        }
    }

    /// The value of an expression that must be a whole number.
    pub fn eval_int(&self, expr: &Expr, sink: &mut Sink) -> Option<i64> {
        match self.eval(expr, sink)? {
            Value::Int(i) => Some(i),
            Value::Unknown => None,
            other => {
                sink.push(wrong_kind(expr.span, "a whole number", &other));
                None
            }
        }
    }

    fn eval_name(&self, path: &Path, sink: &mut Sink) -> Option<Value> {
        match self.get(&path.text) {
            Some(Value::Unknown) => None,
            Some(value) => Some(value),
            None if self.incomplete => None,
            None => {
                let known = self.names();
                let mut error = Diagnostic::error(
                    Code::R0102,
                    path.span,
                    format!("there is no `{}` here", path.text),
                    "not a parameter and not a `let`",
                );
                if self.hidden.contains(&path.text) {
                    error = error.with_note("a block does not see the names of what uses it").with_help(
                        format!("make `{0}` a parameter of the block, and hand it over", path.text),
                    );
                } else if let Some(near) = nearest(&path.text, known.clone()) {
                    error = error.with_nearest(path.span, near);
                } else {
                    let mut names: Vec<_> = known.map(|n| format!("`{n}`")).collect();
                    names.dedup();
                    if !names.is_empty() {
                        error = error.with_note(format!("known here: {}", names.join(", ")));
                    }
                }
                sink.push(error);
                None
            }
        }
    }

    fn eval_call(&self, call: &Call, sink: &mut Sink) -> Option<Value> {
        let pick: fn(i64, i64) -> i64 = match call.name.text.as_str() {
            "min" => i64::min,
            "max" => i64::max,
            other => {
                let message = format!("there is no function `{other}`");
                let error = Diagnostic::error(Code::R0102, call.name.span, message, "unknown function");
                sink.push(error.with_help("expressions have `min(a, b)` and `max(a, b)`"));
                return None;
            }
        };
        let [a, b] = call.args.as_slice() else {
            let name = &call.name.text;
            let message = format!("`{name}` takes two values, not {}", call.args.len());
            sink.push(
                Diagnostic::error(Code::R0107, call.span, message, "another number of values")
                    .with_help(format!("write `{name}(a, b)`")),
            );
            return None;
        };
        let (a, b) = (self.eval_int(&a.value, sink), self.eval_int(&b.value, sink));
        Some(Value::Int(pick(a?, b?)))
    }

    fn eval_unary(&self, op: UnaryOp, operand: &Expr, span: Span, sink: &mut Sink) -> Option<Value> {
        match (op, self.eval(operand, sink)?) {
            (UnaryOp::Neg, Value::Int(i)) => {
                let negated = i.checked_neg().map(Value::Int);
                if negated.is_none() {
                    sink.push(no_result(span, "the number is too large"));
                }
                negated
            }
            (UnaryOp::Neg, Value::Float(f)) => Some(Value::Float(-f)),
            (UnaryOp::Not, Value::Bool(b)) => Some(Value::Bool(!b)),
            (_, Value::Unknown) => None,
            (UnaryOp::Neg, other) => {
                sink.push(wrong_kind(operand.span, "a number", &other));
                None
            }
            (UnaryOp::Not, other) => {
                sink.push(wrong_kind(operand.span, "a truth value", &other));
                None
            }
        }
    }

    fn eval_binary(
        &self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        span: Span,
        sink: &mut Sink,
    ) -> Option<Value> {
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            let truth = |value: Option<Value>, span, sink: &mut Sink| match value? {
                Value::Bool(b) => Some(b),
                other => {
                    sink.push(wrong_kind(span, "a truth value", &other));
                    None
                }
            };
            let a = truth(self.eval(left, sink), left.span, sink);
            let b = truth(self.eval(right, sink), right.span, sink);
            return Some(Value::Bool(if op == BinaryOp::And { a? && b? } else { a? || b? }));
        }
        let (a, b) = (self.eval_int(left, sink), self.eval_int(right, sink));
        let (a, b) = (a?, b?);
        let number = match op {
            BinaryOp::Mul => a.checked_mul(b),
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            // Rounded down, as Python's `//` and `%` have it.
            BinaryOp::Div => a.checked_div(b).map(|q| if rounds_up(a, b) { q - 1 } else { q }),
            BinaryOp::Rem => a.checked_rem(b).map(|r| if rounds_up(a, b) { r + b } else { r }),
            BinaryOp::Eq => return Some(Value::Bool(a == b)),
            BinaryOp::Ne => return Some(Value::Bool(a != b)),
            BinaryOp::Lt => return Some(Value::Bool(a < b)),
            BinaryOp::Le => return Some(Value::Bool(a <= b)),
            BinaryOp::Gt => return Some(Value::Bool(a > b)),
            BinaryOp::Ge => return Some(Value::Bool(a >= b)),
            BinaryOp::And | BinaryOp::Or => unreachable!("handled above"),
        };
        if number.is_none() {
            let zero = b == 0 && matches!(op, BinaryOp::Div | BinaryOp::Rem);
            let error = no_result(span, if zero { "division by zero" } else { "the result is too large" });
            sink.push(self.explain(self.explain(error, left), right));
        }
        number.map(Value::Int)
    }
}

/// Whether Rust's division, which cuts towards zero, gives more than the floor.
fn rounds_up(a: i64, b: i64) -> bool {
    (a < 0) != (b < 0) && a % b != 0
}

fn no_result(span: Span, why: &str) -> Diagnostic {
    Diagnostic::error(Code::R0306, span, "this arithmetic has no result", why)
}

/// The error for a value of another kind than is wanted.
pub fn wrong_kind(span: Span, wanted: &str, found: &Value) -> Diagnostic {
    Diagnostic::error(
        Code::R0302,
        span,
        format!("expected {wanted}, found {}", found.describe()),
        format!("expected {wanted}"),
    )
}

/// The names in an expression.
fn collect_paths<'e>(expr: &'e Expr, paths: &mut Vec<&'e Path>) {
    match &expr.kind {
        ExprKind::Path(path) => paths.push(path),
        ExprKind::Call(call) => call.args.iter().for_each(|a| collect_paths(&a.value, paths)),
        ExprKind::Tuple(items) => items.iter().for_each(|e| collect_paths(e, paths)),
        ExprKind::Unary(_, operand) => collect_paths(operand, paths),
        ExprKind::Binary(_, left, right) => {
            collect_paths(left, paths);
            collect_paths(right, paths);
        }
        ExprKind::Int(_)
        | ExprKind::Float(..)
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Size(_)
        | ExprKind::Error => {}
    }
}
