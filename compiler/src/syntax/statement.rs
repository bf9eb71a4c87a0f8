//! The grammar of statements: what stands between braces.
//!
//! A statement that cannot be read is reported, becomes [`StatementKind::Error`], and reading goes
//! on at its end; so does a body whose closing brace is missing, at the next model or block.

use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;
use nom::{Err, Parser};

use super::ast::{Arg, Body, Clause, Command, Comment, Expr, Ident, Lead, Statement, StatementKind};
use super::expr::{begins_value, callee, report_missing_comma, value};
use super::lex::{Kind, Sign};
use super::recover::{report, skip_statement};
use super::tokens::{Fault, Res, Tokens, expecting, keyword, path, sign, text, to_comment, word};
use crate::diagnostics::{Code, Diagnostic, Span};

/// `{ statements }`; fails only if there is no brace, or too many in one another.
pub(super) fn body(i: Tokens) -> Res<Body> {
    let (rest, open) = sign(Sign::OpenBrace).parse(i)?;
    let inner = rest.deeper(false)?;
    let (inner, body) = statements(inner, open, i.token().line);
    Ok((rest.resumed(inner), body))
}

/// Statements up to and with the closing brace; a single error if there is none. `open` is what that
/// brace closes, or, where the opening brace is missing, what it should have followed.
pub(super) fn statements(mut i: Tokens, open: Span, line: u32) -> (Tokens, Body) {
    let (remark, mut from) = i.open_ended().remark(open.end);
    let mut statements = Vec::new();
    loop {
        let first = i.open_ended();
        match first.kind() {
            Kind::Sign(Sign::Semicolon) => i = first.advance(),
            Kind::Sign(Sign::CloseBrace) => break,
            Kind::End => break,
            _ if first.at_item() => break,
            _ => {
                let (rest, next) = statement(first, from, !statements.is_empty());
                let (rest, remark, behind) = remark_of(rest);
                statements.push(Statement { remark, ..next });
                (i, from) = (rest, behind);
            }
        }
    }
    let close = i.open_ended();
    let trailing = close.comments(from, close.token().start).iter().map(to_comment).collect();
    let rest = if close.is(Sign::CloseBrace) {
        note_crooked(close, open, line);
        close.advance()
    } else {
        report_unclosed(close, open);
        // What belongs to which brace is not known, so no later stage should judge it.
        let (lead, span) = (Lead::default(), i.log.span(open.start, i.previous_end()));
        statements = vec![Statement { lead, joined: false, remark: None, kind: StatementKind::Error, span }];
        i
    };
    let span = open.to(i.log.span(open.start, rest.previous_end()));
    let inline = line == close.token().line;
    (rest, Body { remark, statements, trailing, span, inline })
}

/// Past the semicolons behind a statement; its remark, and where that ends.
fn remark_of(mut i: Tokens) -> (Tokens, Option<Comment>, u32) {
    let from = i.previous_end();
    while i.is(Sign::Semicolon) {
        i = i.advance();
    }
    let (remark, behind) = i.remark(from);
    (i, remark, behind)
}

fn statement(i: Tokens, from: u32, follows: bool) -> (Tokens, Statement) {
    let mut lead = i.lead(from);
    let forms = alt((constant, requirement, renaming, repetition, command.map(StatementKind::Command)));
    let (rest, kind) = match expecting("a statement", forms).parse(i) {
        Ok((rest, kind)) if rest.at_statement_end() => (rest, kind),
        Ok((rest, _)) => {
            let at = Fault { at: rest.at, what: "the end of the statement", said: None };
            report(i, at);
            (skip_statement(i, rest.at), StatementKind::Error)
        }
        Err(Err::Error(fault) | Err::Failure(fault)) => {
            let at = fault.at;
            report(i, fault);
            (skip_statement(i, at), StatementKind::Error)
        }
        Err(Err::Incomplete(_)) => (i.moved_to(i.lexed.tokens.len() - 1), StatementKind::Error),
    };
    let span = i.span_to(rest);
    let bodies: Vec<_> = bodies(&kind).map(|body| body.span).collect();
    hoist(i, span, &bodies, &mut lead.comments, &mut lead.gap);
    let joined = follows && !i.token().newline && lead.comments.is_empty();
    (rest, Statement { lead, joined, remark: None, kind, span })
}

fn bodies(kind: &StatementKind) -> impl Iterator<Item = &Body> {
    let command = match kind {
        StatementKind::Command(command) => Some(command),
        _ => None,
    };
    command.into_iter().flat_map(|c| c.body.iter().chain(c.clauses.iter().map(|clause| &clause.body)))
}

/// Moves the comments that stand amid `span`, but in none of its bodies, up to those above it.
pub(super) fn hoist(i: Tokens, span: Span, bodies: &[Span], comments: &mut Vec<Comment>, gap: &mut bool) {
    let ends = bodies.iter().map(|b| b.start).chain([span.end]);
    let starts = [span.start].into_iter().chain(bodies.iter().map(|b| b.end));
    for (start, end) in starts.zip(ends) {
        for raw in i.comments(start, end) {
            comments.push(Comment { blank: std::mem::take(gap), ..to_comment(raw) });
        }
    }
}

/// `let NAME = value`
fn constant(i: Tokens) -> Res<StatementKind> {
    let assign = expecting("`=` and a value", alt((sign(Sign::Assign).map(|_| ()), missing_assign)));
    let rest = (word("the name of the constant"), preceded(assign, value));
    preceded(keyword("let"), cut(rest)).map(|(name, value)| StatementKind::Let { name, value }).parse(i)
}

fn missing_assign(i: Tokens) -> Res<()> {
    if !begins_value(i) {
        return Err(i.error("`=`"));
    }
    let d = Diagnostic::error(
        Code::R0002,
        i.place(),
        "`=` is missing before the value",
        "`=` belongs before this",
    );
    i.log.say(d.with_fix("a constant is written `let NAME = VALUE`", i.place().before(), "= "));
    Ok((i, ()))
}

/// `require condition, "message"`
fn requirement(i: Tokens) -> Res<StatementKind> {
    let comma = expecting("`,` and a message", sign(Sign::Comma));
    let rest = (value, preceded(comma, text("a message, which is a string")));
    preceded(keyword("require"), cut(rest))
        .map(|(condition, message)| StatementKind::Require { condition, message })
        .parse(i)
}

/// `rename "from" -> "to"`
fn renaming(i: Tokens) -> Res<StatementKind> {
    let from = text("a pattern of names, which is a string");
    let to = preceded(sign(Sign::Arrow), text("the checkpoint's name, which is a string"));
    preceded(keyword("rename"), cut((from, to))).map(|(from, to)| StatementKind::Rename { from, to }).parse(i)
}

/// `COUNT of BLOCK(arguments), options`
fn repetition(i: Tokens) -> Res<StatementKind> {
    if !is_repetition(i) {
        return Err(i.error("a repetition"));
    }
    let of = expecting("`of` and a block", keyword("of"));
    let (rest, (count, block)) = cut((value, preceded(of, callee("the name of a block")))).parse(i)?;
    let rest = if rest.is(Sign::Comma) {
        rest.advance().open_ended()
    } else if begins_value(rest) {
        report_missing_comma(rest);
        rest
    } else {
        return Ok((rest, StatementKind::Repeat { count, block, args: Vec::new() }));
    };
    let (rest, args) = args(rest)?;
    Ok((rest, StatementKind::Repeat { count, block, args }))
}

/// Tokens that [`is_repetition`] looks through: enough for any count, and a bound on rereading.
const MOST_LOOK_AHEAD: usize = 1000;

/// Whether the statement begins with something else than a word, or has an `of` in it before its
/// line ends or a brace or comma comes.
fn is_repetition(mut i: Tokens) -> bool {
    if i.kind() != Kind::Word {
        return begins_value(i);
    }
    let mut depth = 0;
    for _ in 0..MOST_LOOK_AHEAD {
        if depth > 0 {
            i = i.open_ended();
        }
        match i.kind() {
            Kind::Word if i.token().text == "of" => return true,
            Kind::Sign(Sign::Comma) if depth == 0 => return false,
            Kind::Sign(Sign::Semicolon | Sign::OpenBrace | Sign::CloseBrace) => return false,
            Kind::LineEnd | Kind::End => return false,
            Kind::Sign(Sign::OpenParen) => depth += 1,
            Kind::Sign(Sign::CloseParen) => depth -= 1,
            Kind::Sign(_) => {
                i = i.advance().open_ended();
                continue;
            }
            Kind::Word | Kind::Path | Kind::Int | Kind::Float | Kind::Size | Kind::Text | Kind::Bad => {}
        }
        i = i.advance();
    }
    false
}

/// `WORD args { ... } WORD { ... } as NAME`
fn command(i: Tokens) -> Res<Command> {
    let (rest, word) = word("a command").parse(i)?;
    let (rest, args) = args(rest)?;
    let (mut rest, body) = opt(body).parse(rest)?;
    let mut clauses = Vec::new();
    while body.is_some() {
        let (after, Some(next)) = opt(clause).parse(rest)? else { break };
        clauses.push(next);
        rest = after;
    }
    let name = preceded(keyword("as"), cut(path("a name behind `as`")));
    let (rest, name) = opt(name).parse(rest)?;
    Ok((rest, Command { word, args, body, clauses, name }))
}

fn clause(i: Tokens) -> Res<Clause> {
    (word("a word"), body).map(|(word, body)| Clause { word, body }).parse(i)
}

/// Arguments up to the first token that neither begins nor separates one.
fn args(mut i: Tokens) -> Res<Vec<Arg>> {
    let mut args = Vec::new();
    let mut said_comma = false;
    if !begins_value(i) {
        return Ok((i, args));
    }
    loop {
        let (rest, next) = cut(arg).parse(i)?;
        args.push(next);
        if rest.is(Sign::Comma) {
            i = rest.advance().open_ended();
        } else if begins_value(rest) {
            if !std::mem::replace(&mut said_comma, true) {
                report_missing_comma(rest);
            }
            i = rest;
        } else {
            return Ok((rest, args));
        }
    }
}

fn arg(i: Tokens) -> Res<Arg> {
    let named = alt((option, assigned_option)).map(|(name, value)| (Some(name), value));
    let (rest, (name, value)) = alt((named, value.map(|value| (None, value)))).parse(i)?;
    Ok((rest, Arg { name, value, span: i.span_to(rest) }))
}

/// `stride 2`: a word, and right behind it something that begins a value and goes on no other.
fn option(i: Tokens) -> Res<(Ident, Expr)> {
    let (rest, name) = word("an option").parse(i)?;
    let follows = begins_value(rest) && !rest.is(Sign::OpenParen) && !rest.is(Sign::Sub);
    if !follows || matches!(name.text.as_str(), "as" | "of" | "true" | "false") {
        return Err(i.error("an option"));
    }
    cut(value).map(|value| (name.clone(), value)).parse(rest)
}

/// `stride = 2`, reported and read as `stride 2`.
fn assigned_option(i: Tokens) -> Res<(Ident, Expr)> {
    let (rest, (name, assign)) = (word("an option"), sign(Sign::Assign)).parse(i)?;
    let d = Diagnostic::error(Code::R0002, assign, "an option takes no `=`", "not expected");
    let help = format!("write `{} VALUE`; only parameters in parentheses have `=`", name.text);
    // The spaces around it go with it.
    let around = Span { start: name.span.end, end: rest.token().start, ..assign };
    i.log.say(d.with_fix(help, around, " "));
    cut(value).map(|value| (name.clone(), value)).parse(rest)
}

/// Remembers a closing brace that begins its line at another indentation than the line it closes.
fn note_crooked(close: Tokens, open: Span, line: u32) {
    let token = close.token();
    let opener = close.lexed.tokens.partition_point(|t| t.start < open.start);
    let indent = close.moved_to(opener).token().indent;
    if token.newline && token.line != line && token.indent != indent && close.log.crooked.get().is_none() {
        close.log.crooked.set(Some((open, close.span_of(token))));
    }
}

/// Says once for each place where a closing brace is missing.
fn report_unclosed(i: Tokens, open: Span) {
    if i.log.unclosed_at.replace(Some(i.at)) == Some(i.at) {
        return;
    }
    let message = "a brace that is never closed";
    let crooked = i.log.crooked.get().filter(|(of, _)| of.start > open.start);
    let d = match crooked {
        Some((of, by)) => Diagnostic::error(Code::R0003, of, message, "this one, by the indentation")
            .with_label(by, "this closes it, but is indented as if for another"),
        None => Diagnostic::error(Code::R0003, open, message, "this one"),
    };
    let here = i.span_of(i.token());
    let d = match i.token().kind {
        Kind::End => d,
        _ => d.with_label(here, "a new item begins here"),
    };
    i.log.say(d.with_help("close it with `}`"));
}
