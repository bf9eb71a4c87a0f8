//! The grammar of values: literals, paths, calls and operators.
//!
//! Operators are read by precedence climbing. Numbers out of range and sizes with spaces are
//! reported on the way and do not stop the reading.

use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::sequence::terminated;
use nom::{Err, Parser};

use super::ast::{BinaryOp, Call, CallArg, Expr, ExprKind, UnaryOp};
use super::lex::{Kind, Sign, split_size};
use super::tokens::{Fault, Res, Tokens, expecting, path, sign, text, word};
use crate::diagnostics::{Code, Diagnostic};

/// An expression that stands by itself: an argument, a default, a condition.
pub(super) fn value(i: Tokens) -> Res<Expr> {
    i.log.begin_value();
    expr(i)
}

fn expr(i: Tokens) -> Res<Expr> {
    binary(i, 1)
}

/// Operators of at least the strength `least`.
fn binary(i: Tokens, least: u8) -> Res<Expr> {
    let (mut rest, mut left) = unary(i)?;
    while let Some(op) = binary_op(rest).filter(|op| strength(*op) >= least) {
        count_term(rest)?;
        let behind = rest.advance().open_ended();
        let (after, right) = cut(|i| binary(i, strength(op) + 1)).parse(behind)?;
        let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
        left = Expr { kind, span: i.span_to(after) };
        rest = after;
        if is_comparison(op) && binary_op(rest).is_some_and(is_comparison) {
            let d = Diagnostic::error(
                Code::R0002,
                rest.place(),
                "comparisons do not chain",
                "a second comparison of the same value",
            );
            return Err(rest.failure(d.with_help("compare two at a time and join them: `a < b && b < c`")));
        }
    }
    Ok((rest, left))
}

fn binary_op(i: Tokens) -> Option<BinaryOp> {
    let Kind::Sign(sign) = i.kind() else { return None };
    Some(match sign {
        Sign::Mul => BinaryOp::Mul,
        Sign::Div => BinaryOp::Div,
        Sign::Rem => BinaryOp::Rem,
        Sign::Add => BinaryOp::Add,
        Sign::Sub => BinaryOp::Sub,
        Sign::Eq => BinaryOp::Eq,
        Sign::Ne => BinaryOp::Ne,
        Sign::Lt => BinaryOp::Lt,
        Sign::Le => BinaryOp::Le,
        Sign::Gt => BinaryOp::Gt,
        Sign::Ge => BinaryOp::Ge,
        Sign::And => BinaryOp::And,
        Sign::Or => BinaryOp::Or,
        Sign::OpenParen
        | Sign::CloseParen
        | Sign::OpenBrace
        | Sign::CloseBrace
        | Sign::Comma
        | Sign::Semicolon
        | Sign::Assign
        | Sign::Arrow
        | Sign::Not => return None,
    })
}

fn strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => 3,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => 5,
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    strength(op) == 3
}

fn count_term(i: Tokens) -> Result<(), Err<Fault>> {
    if i.log.count_term() {
        return Ok(());
    }
    let message = "a value of more than 256 operators and parentheses";
    let d = Diagnostic::error(Code::R0007, i.place(), message, "too many by here");
    Err(i.failure(d.with_help("name parts of it with `let`")))
}

fn unary(i: Tokens) -> Res<Expr> {
    let op = match i.kind() {
        Kind::Sign(Sign::Sub) => UnaryOp::Neg,
        Kind::Sign(Sign::Not) => UnaryOp::Not,
        _ => return primary(i),
    };
    count_term(i)?;
    let (rest, of) = cut(unary).parse(i.advance())?;
    Ok((rest, Expr { kind: ExprKind::Unary(op, Box::new(of)), span: i.span_to(rest) }))
}

fn primary(i: Tokens) -> Res<Expr> {
    let variable = path("a name").map(|path| match path.text.as_str() {
        "true" => ExprKind::Bool(true),
        "false" => ExprKind::Bool(false),
        _ => ExprKind::Path(path),
    });
    let string = text("a string").map(|text| ExprKind::Text(text.text));
    let tuple = parens(expr, "a value").map(ExprKind::Tuple);
    let kinds = alt((number, call.map(ExprKind::Call), not_reserved(variable), string, filled(tuple)));
    let (rest, kind) = expecting("a value", kinds).parse(i)?;
    Ok((rest, Expr { kind, span: i.span_to(rest) }))
}

/// Fails at `as` and `of`, which end a value.
fn not_reserved<'a, T>(
    mut parser: impl Parser<Tokens<'a>, Output = T, Error = Fault>,
) -> impl Parser<Tokens<'a>, Output = T, Error = Fault> {
    move |i: Tokens<'a>| {
        if i.is_word("as") || i.is_word("of") {
            return Err(i.error("a value"));
        }
        parser.parse(i)
    }
}

/// Refuses `()`.
fn filled<'a>(
    mut tuple: impl Parser<Tokens<'a>, Output = ExprKind, Error = Fault>,
) -> impl Parser<Tokens<'a>, Output = ExprKind, Error = Fault> {
    move |i: Tokens<'a>| match tuple.parse(i)? {
        (_, ExprKind::Tuple(parts)) if parts.is_empty() => {
            Err(Err::Failure(Fault { at: i.at + 1, what: "a value", said: None }))
        }
        found => Ok(found),
    }
}

/// Whether a value can begin here. An operator's sign can only where no operand comes before it.
pub(super) fn begins_value(i: Tokens) -> bool {
    match i.kind() {
        Kind::Word => !matches!(i.token().text, "as" | "of"),
        Kind::Path | Kind::Int | Kind::Float | Kind::Size | Kind::Text => true,
        Kind::Sign(sign) => matches!(sign, Sign::OpenParen | Sign::Sub | Sign::Not),
        Kind::Bad | Kind::LineEnd | Kind::End => false,
    }
}

fn number(i: Tokens) -> Res<ExprKind> {
    let token = i.token();
    let rest = i.advance();
    match i.kind() {
        Kind::Int => match spaced_size(i) {
            Some(found) => Ok(found),
            None => Ok((rest, integer(i, token.text).map_or(ExprKind::Error, ExprKind::Int))),
        },
        Kind::Size => {
            let sizes: Option<_> = split_size(token.text).into_iter().map(|part| integer(i, part)).collect();
            Ok((rest, sizes.map_or(ExprKind::Error, ExprKind::Size)))
        }
        Kind::Float => match token.text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok((rest, ExprKind::Float(number, token.text.to_owned()))),
            _ => {
                report_range(i, "a number past 1.8e308");
                Ok((rest, ExprKind::Error))
            }
        },
        _ => Err(i.error("a number")),
    }
}

fn integer(i: Tokens, digits: &str) -> Option<i64> {
    let number = digits.parse().ok();
    if number.is_none() {
        report_range(i, "a whole number past 9223372036854775807");
    }
    number
}

fn report_range(i: Tokens, message: &str) {
    i.log.say(Diagnostic::error(Code::R0004, i.place(), message, "too large to be read"));
}

/// `3 x 3`: reports the spaces and reads it as the size that was meant.
fn spaced_size(i: Tokens) -> Option<(Tokens, ExprKind)> {
    let mut parts = vec![i.token().text];
    let mut rest = i.advance();
    while rest.kind() == Kind::Word {
        let behind = rest.token().text.strip_prefix('x')?;
        if behind.is_empty() {
            rest = rest.advance();
            match rest.kind() {
                Kind::Int => parts.push(rest.token().text),
                Kind::Size => parts.extend(split_size(rest.token().text)),
                _ => return None,
            }
        } else {
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if !behind.split('x').all(is_number) {
                return None;
            }
            parts.extend(behind.split('x'));
        }
        rest = rest.advance();
    }
    if parts.len() < 2 {
        return None;
    }
    let d =
        Diagnostic::error(Code::R0002, i.span_to(rest), "spaces within a size", "one size, written apart");
    let size = parts.join("x");
    i.log.say(d.with_fix(format!("write `{size}`"), i.span_to(rest), size));
    let sizes: Option<_> = parts.into_iter().map(|part| integer(i, part)).collect();
    Some((rest, sizes.map_or(ExprKind::Error, ExprKind::Size)))
}

/// `NAME(arguments)`
fn call(i: Tokens) -> Res<Call> {
    let (rest, (name, args)) = (word("a name"), call_args).parse(i)?;
    Ok((rest, Call { name, args, span: i.span_to(rest) }))
}

/// `NAME(arguments)` or `NAME`, where nothing but a call can stand.
pub(super) fn callee<'a>(what: &'static str) -> impl Parser<Tokens<'a>, Output = Call, Error = Fault> {
    move |i: Tokens<'a>| {
        i.log.begin_value();
        let (rest, (name, args)) = (word(what), opt(call_args)).parse(i)?;
        Ok((rest, Call { name, args: args.unwrap_or_default(), span: i.span_to(rest) }))
    }
}

fn call_args(i: Tokens) -> Res<Vec<CallArg>> {
    parens(call_arg, "an argument").parse(i)
}

fn call_arg(i: Tokens) -> Res<CallArg> {
    alt((named_arg, expr.map(|value| CallArg { name: None, value }))).parse(i)
}

fn named_arg(i: Tokens) -> Res<CallArg> {
    let name = terminated(word("a parameter's name"), sign(Sign::Assign));
    (name, cut(expr)).map(|(name, value)| CallArg { name: Some(name), value }).parse(i)
}

/// `( item, item )`; new lines mean nothing within, and the last comma may stay.
pub(super) fn parens<'a, T>(
    item: impl Fn(Tokens<'a>) -> Res<'a, T>,
    what: &'static str,
) -> impl Parser<Tokens<'a>, Output = Vec<T>, Error = Fault> {
    move |i: Tokens<'a>| {
        let (outer, _) = sign(Sign::OpenParen).parse(i)?;
        count_term(i)?;
        let mut inner = outer.deeper(true)?;
        let mut items = Vec::new();
        let mut said_comma = false;
        while !inner.is(Sign::CloseParen) {
            let (behind, next) = item(inner).map_err(|e| match e {
                Err::Error(fault) if fault.at == inner.at => paren_fault(i, inner, what),
                Err::Error(fault) => Err::Failure(fault),
                e => e,
            })?;
            items.push(next);
            inner = behind;
            if inner.is(Sign::Comma) {
                inner = inner.advance();
            } else if begins_value(inner) && !inner.token().newline {
                if !std::mem::replace(&mut said_comma, true) {
                    report_missing_comma(inner);
                }
            } else if !inner.is(Sign::CloseParen) {
                return Err(paren_fault(i, inner, "`,` or `)`"));
            }
        }
        Ok((outer.resumed(inner.advance()), items))
    }
}

/// What to say of a token that cannot stand in the parentheses that `open` begins: that they are not
/// closed, if it looks like the begin of something else. Then reading goes on at the next line.
fn paren_fault(open: Tokens, found: Tokens, what: &'static str) -> Err<Fault> {
    let token = found.token();
    let elsewhere =
        matches!(token.kind, Kind::End | Kind::Sign(Sign::OpenBrace | Sign::CloseBrace | Sign::Semicolon));
    if !token.newline && !elsewhere {
        return Err::Failure(Fault { at: found.at, what, said: None });
    }
    let at = (open.at + 1..=found.at).find(|at| found.moved_to(*at).token().newline).unwrap_or(found.at);
    let here = found.moved_to(at);
    let d = Diagnostic::error(Code::R0003, open.place(), "a parenthesis that is never closed", "this one")
        .with_label(here.place(), "`)` was expected before this")
        .with_help("close it with `)`");
    here.failure(d)
}

/// Says that a comma belongs before the next token; the caller goes on as if it were there.
pub(super) fn report_missing_comma(i: Tokens) {
    let message = "a comma is missing between arguments";
    let d = Diagnostic::error(Code::R0002, i.place(), message, "`,` belongs before this");
    let help = "separate arguments by `,`, and statements by `;` or a new line";
    i.log.say(d.with_fix(help, i.previous_span().behind(), ","));
}
