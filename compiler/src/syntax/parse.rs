//! The grammar of files: models and blocks.

use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::sequence::preceded;
use nom::{Err, Parser};

use super::ast::{Body, File, Item, ItemKind, Param};
use super::expr::{callee, parens, value};
use super::lex::{Kind, Sign, lex};
use super::log::Log;
use super::recover::{report, skip_statement};
use super::statement::{body, hoist, statements};
use super::tokens::{Fault, Res, Tokens, expecting, sign, to_comment, word};
use crate::diagnostics::{Code, Diagnostic, FileId, Sink, nearest};

/// Reads a file. Every mistake is reported; what could be read is in the tree, with
/// [`super::ast::StatementKind::Error`] and [`super::ast::ExprKind::Error`] for what could not.
pub fn parse(file: FileId, text: &str, sink: &mut Sink) -> File {
    let log = Log::new(file);
    let lexed = lex(text, &log);
    let file = items(Tokens::new(&lexed, &log));
    log.give(sink);
    file
}

fn items(mut i: Tokens) -> File {
    let mut items = Vec::new();
    let mut from = 0;
    loop {
        i = i.open_ended();
        match i.kind() {
            Kind::End => break,
            Kind::Sign(Sign::Semicolon) => i = i.advance(),
            Kind::Sign(Sign::CloseBrace) => {
                report_stray_brace(i);
                i = i.advance();
            }
            _ => match item(i, from) {
                Ok((rest, next)) => {
                    let (remark, behind) = rest.open_ended().remark(rest.previous_end());
                    items.push(Item { remark, ..next });
                    (i, from) = (rest, behind);
                }
                Err(Err::Error(fault) | Err::Failure(fault)) => i = skip_item(i, fault),
                Err(Err::Incomplete(_)) => i = i.moved_to(i.lexed.tokens.len() - 1),
            },
        }
    }
    let trailing = i.comments(from, i.token().start).iter().map(to_comment).collect();
    File { items, trailing }
}

fn item(i: Tokens, from: u32) -> Res<Item> {
    let mut lead = i.lead(from);
    let model = preceded(item_keyword("model"), cut((word("the model's name"), alt((alias, model)))));
    let block = preceded(item_keyword("block"), cut((word("the block's name"), block)));
    let (rest, (name, kind)) = expecting("`model` or `block`", alt((model, block))).parse(i)?;
    let span = i.span_to(rest);
    let bodies: &[_] = match &kind {
        ItemKind::Model { body, .. } | ItemKind::Block { body, .. } => &[body.span],
        ItemKind::Alias { .. } => &[],
    };
    hoist(i, span, bodies, &mut lead.comments, &mut lead.gap);
    Ok((rest, Item { lead, name, kind, remark: None, span }))
}

/// `model` or `block`, or a slip of it before a name, which is reported and read as what was meant.
fn item_keyword<'a>(text: &'static str) -> impl Parser<Tokens<'a>, Output = (), Error = Fault> {
    move |i: Tokens<'a>| {
        let token = i.token();
        let near = || nearest(token.text, ["model", "block"]) == Some(text);
        let is_slip =
            || i.advance().kind() == Kind::Word && near() && !matches!(token.text, "model" | "block");
        if i.is_word(text) {
            i.log.crooked.set(None);
            return Ok((i.advance(), ()));
        }
        if i.kind() != Kind::Word || !is_slip() {
            return Err(i.error(text));
        }
        i.log.crooked.set(None);
        let message = format!("`{}` begins neither a model nor a block", token.text);
        let d = Diagnostic::error(Code::R0002, i.place(), message, "expected `model` or `block`");
        i.log.say(d.with_fix(format!("write `{text}`"), i.place(), text));
        Ok((i.advance(), ()))
    }
}

/// `= BASE(arguments)`
fn alias(i: Tokens) -> Res<ItemKind> {
    preceded(sign(Sign::Assign), cut(callee("the name of a model")))
        .map(|base| ItemKind::Alias { base })
        .parse(i)
}

fn model(i: Tokens) -> Res<ItemKind> {
    (params, item_body).map(|(params, body)| ItemKind::Model { params, body }).parse(i)
}

fn block(i: Tokens) -> Res<ItemKind> {
    (params, item_body).map(|(params, body)| ItemKind::Block { params, body }).parse(i)
}

fn params(i: Tokens) -> Res<Vec<Param>> {
    opt(parens(param, "a parameter")).map(Option::unwrap_or_default).parse(i)
}

fn param(i: Tokens) -> Res<Param> {
    let default = preceded(sign(Sign::Assign), cut(value));
    (word("a parameter"), opt(default)).map(|(name, default)| Param { name, default }).parse(i)
}

/// A body; if its opening brace is missing at the end of the line, the statements below are taken
/// for it.
fn item_body(i: Tokens) -> Res<Body> {
    let what = "`{`";
    match expecting(what, body).parse(i) {
        Err(Err::Error(_)) if i.kind() == Kind::LineEnd && !i.open_ended().is(Sign::OpenBrace) => {
            report(i, Fault { at: i.at, what, said: None });
            let (rest, body) = statements(i, i.previous_span(), i.token().line);
            Ok((rest, body))
        }
        Err(Err::Error(_)) if i.kind() == Kind::LineEnd => {
            let place = i.span_of(i.token());
            let d = Diagnostic::error(
                Code::R0002,
                place,
                "an opening brace on a line of its own",
                "not expected",
            );
            i.log.say(d.with_help("an opening brace stands on the line of its word"));
            body(i.open_ended())
        }
        found => found,
    }
}

fn report_stray_brace(i: Tokens) {
    let d = Diagnostic::error(Code::R0002, i.place(), "a closing brace that closes nothing", "not expected");
    i.log.say(match i.log.crooked.get() {
        Some((open, close)) => d
            .with_label(close, "this one may be too early: it is indented as if for another opening")
            .with_label(open, "than the one it closes"),
        None => d.with_help("remove it, or add the opening brace that it belongs to"),
    });
}

/// Reports, and goes to the next model or block; or only behind the braces of the broken one.
fn skip_item<'a>(i: Tokens<'a>, fault: Fault) -> Tokens<'a> {
    let at = fault.at;
    let is_stray = at == i.at && fault.said.is_none();
    if is_stray {
        report_stray_item(i);
    } else {
        report(i, fault);
    }
    let mut here = skip_statement(i, at);
    if !is_stray && here.is_behind(Sign::CloseBrace) {
        return here;
    }
    while here.token().kind != Kind::End && !begins_item(here) {
        here = here.advance();
    }
    here
}

fn begins_item(i: Tokens) -> bool {
    i.token().kind == Kind::Word
        && matches!(i.token().text, "model" | "block")
        && i.ahead(1).kind == Kind::Word
}

fn report_stray_item(i: Tokens) {
    if i.token().kind == Kind::Bad {
        return;
    }
    let message = format!("expected `model` or `block`, but {}", i.found());
    let d = Diagnostic::error(Code::R0002, i.place(), message, "neither a model nor a block");
    i.log.say(match i.log.crooked.get() {
        Some((open, close)) => d
            .with_label(close, "the closing brace before it is indented as if for another opening")
            .with_label(open, "than the one it closes"),
        None => d.with_help("statements stand between the braces of a model or block"),
    });
}
