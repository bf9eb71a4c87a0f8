//! Pieces of a syntax tree that no text was read for.

use crate::diagnostics::Span;
use crate::syntax::ast::{
    Arg, BinaryOp, Body, Call, CallArg, Command, Comment, Expr, ExprKind, Ident, Item, ItemKind, Lead, Param,
    Path, Statement, StatementKind, Text,
};

/// A word.
pub fn ident(text: &str) -> Ident {
    Ident { text: text.to_owned(), span: Span::default() }
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

/// `64`
pub fn int(value: usize) -> Expr {
    // What the language cannot hold is out of its limits too, and the check says so.
    expr(ExprKind::Int(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// `0.485`
pub fn float(written: &str) -> Expr {
    expr(ExprKind::Float(written.parse().unwrap_or_default(), written.to_owned()))
}

/// `width`
pub fn variable(name: &str) -> Expr {
    expr(ExprKind::Path(Path { text: name.to_owned(), span: Span::default() }))
}

/// `false`
pub fn truth(value: bool) -> Expr {
    expr(ExprKind::Bool(value))
}

/// `width / 4`
pub fn divided(name: &str, by: usize) -> Expr {
    expr(ExprKind::Binary(BinaryOp::Div, Box::new(variable(name)), Box::new(int(by))))
}

/// `3x3`
pub fn size(sides: [usize; 2]) -> Expr {
    expr(ExprKind::Size(sides.iter().map(|&side| i64::try_from(side).unwrap_or(i64::MAX)).collect()))
}

/// `"labels.txt"`
pub fn quoted(characters: &str) -> Expr {
    expr(ExprKind::Text(characters.to_owned()))
}

/// `name(values)`
pub fn tuple(name: &str, values: impl IntoIterator<Item = Expr>) -> Expr {
    let args = values.into_iter().map(|value| (None, value)).collect();
    expr(ExprKind::Call(call(name, args)))
}

/// `name(value, name = value)`
pub fn call(name: &str, args: Vec<(Option<&str>, Expr)>) -> Call {
    let args = args.into_iter().map(|(name, value)| CallArg { name: name.map(ident), value }).collect();
    Call { name: ident(name), args, span: Span::default() }
}

/// An argument by its place, or a bare word.
pub fn arg(value: Expr) -> Arg {
    Arg { name: None, value, span: Span::default() }
}

/// `stride 2`
pub fn option(name: &str, value: Expr) -> Arg {
    Arg { name: Some(ident(name)), value, span: Span::default() }
}

/// `word args`
pub fn command(word: &str, args: Vec<Arg>) -> Command {
    Command { word: ident(word), args, body: None, clauses: Vec::new(), name: None }
}

/// `word args { body }`
pub fn container(word: &str, args: Vec<Arg>, body: Body) -> Command {
    Command { body: Some(body), ..command(word, args) }
}

/// `command as name`
pub fn named(command: Command, name: Option<&str>) -> Command {
    let name = name.map(|name| Path { text: name.to_owned(), span: Span::default() });
    Command { name, ..command }
}

/// A statement on a line of its own.
pub fn statement(kind: StatementKind) -> Statement {
    Statement { lead: Lead::default(), joined: false, remark: None, kind, span: Span::default() }
}

/// Commands on one line, with `;` between.
pub fn line(commands: Vec<Command>) -> Vec<Statement> {
    let join = |(at, command)| Statement { joined: at > 0, ..statement(StatementKind::Command(command)) };
    commands.into_iter().enumerate().map(join).collect()
}

/// `rename "from" -> "to"`
pub fn rename(from: &str, to: &str) -> Statement {
    let text = |text: &str| Text { text: text.to_owned(), span: Span::default() };
    statement(StatementKind::Rename { from: text(from), to: text(to) })
}

/// Braces around statements; on one line if they fit there.
pub fn inline(statements: Vec<Statement>) -> Body {
    let mut statements = statements;
    statements.iter_mut().skip(1).for_each(|s| s.joined = true);
    Body { inline: true, ..lines(statements) }
}

/// Braces around statements, on lines of their own.
pub fn lines(statements: Vec<Statement>) -> Body {
    Body { remark: None, statements, trailing: Vec::new(), span: Span::default(), inline: false }
}

/// The same, with a blank line before it.
pub fn parted(mut statements: Vec<Statement>) -> Vec<Statement> {
    if let Some(first) = statements.first_mut() {
        first.lead.blank = true;
    }
    statements
}

/// `model NAME { … }` under comments.
pub fn model(name: &str, comments: &[String], body: Body) -> Item {
    item(name, comments, ItemKind::Model { params: Vec::new(), body })
}

/// `block NAME(params) { … }` under comments.
pub fn block(name: &str, params: &[String], comments: &[String], body: Body) -> Item {
    let params = params.iter().map(|param| Param { name: ident(param), default: None }).collect();
    item(name, comments, ItemKind::Block { params, body })
}

fn item(name: &str, comments: &[String], kind: ItemKind) -> Item {
    let comment = |text: &String| Comment { text: format!(" {text}"), blank: false };
    let lead = Lead { comments: comments.iter().map(comment).collect(), blank: false, gap: false };
    Item { lead, name: ident(name), kind, remark: None, span: Span::default() }
}
