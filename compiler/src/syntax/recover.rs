//! What is said of text that cannot be read, and where reading goes on.

use super::lex::{Kind, Sign};
use super::statement::body;
use super::tokens::{Fault, Tokens};
use crate::diagnostics::{Code, Diagnostic, Edit};

/// Says what was expected; nothing if the token there is reported already.
pub(super) fn report(i: Tokens, fault: Fault) {
    let here = i.moved_to(fault.at);
    if let Some(said) = fault.said {
        here.log.say(*said);
        return;
    }
    let here = if fault.at == i.at { i } else { here };
    if here.token().kind == Kind::Bad && here.kind() != Kind::LineEnd {
        return;
    }
    let what = fault.what;
    let message = format!("expected {what}, but {}", here.found());
    let d = Diagnostic::error(Code::R0002, here.place(), message, format!("expected {what}"));
    let is_comparison = what == "`,` and a message" && here.is(Sign::Assign);
    let edit = is_comparison.then(|| Edit { span: here.place(), text: "==".to_owned() });
    here.log.say(match way_out(here, what) {
        Some(help) => d.with_fixes(help, edit),
        None => d,
    });
}

fn way_out(i: Tokens, what: &str) -> Option<&'static str> {
    Some(match (what, i.kind()) {
        ("a statement", Kind::Sign(Sign::OpenBrace)) => "an opening brace stands on the line of its word",
        ("a statement" | "the end of the statement", Kind::Sign(Sign::CloseParen)) => {
            "there is no `(` for it"
        }
        ("a statement", Kind::Sign(_)) => {
            "to go on with the line above, end it with its operator, or put parentheses around the whole"
        }
        ("the end of the statement", Kind::Sign(Sign::Assign)) => {
            "a constant is written `let NAME = VALUE`, a comparison `==`, an option bare: `stride 2`"
        }
        ("the end of the statement", Kind::Sign(_)) => return None,
        ("the end of the statement", _) => "separate statements by `;` or a new line",
        ("`,` and a message", Kind::Sign(Sign::Assign)) => "values are compared by `==`",
        ("`,` and a message", _) => "a requirement is written `require CONDITION, \"MESSAGE\"`",
        ("`->`", _) => "a renaming is written `rename \"FROM\" -> \"TO\"`",
        ("`of` and a block", _) => "a repetition is written `3 of basic(64)`",
        ("`{`", _) => "statements stand between `{` on this line and `}`",
        _ => return None,
    })
}

/// To the end of the statement that begins at `i` and cannot be read further than token `at`: a new
/// line, `;`, the enclosing `}`, or the next item. What stands in braces on the way is read for its
/// own mistakes.
pub(super) fn skip_statement<'a>(i: Tokens<'a>, at: usize) -> Tokens<'a> {
    let mut here = i.moved_to(at);
    loop {
        let token = here.token();
        let begun = here.at > i.at;
        match token.kind {
            Kind::End => return here,
            _ if begun && token.newline => return here,
            Kind::Sign(Sign::Semicolon | Sign::CloseBrace) => return here,
            Kind::Sign(Sign::OpenBrace) => {
                here = match body(here.open_ended()) {
                    Ok((rest, _)) => rest,
                    Err(_) => skip_braces(here),
                }
            }
            _ => here = here.advance(),
        }
    }
}

/// Behind the brace that closes the next token, or to the next item.
fn skip_braces(mut i: Tokens) -> Tokens {
    let mut depth = 0u32;
    loop {
        match i.token().kind {
            Kind::Sign(Sign::OpenBrace) => depth += 1,
            Kind::Sign(Sign::CloseBrace) => depth -= 1,
            Kind::End => {
                i.log.unclosed_at.set(Some(i.at));
                return i;
            }
            _ if i.at_item() => return i,
            _ => {}
        }
        i = i.advance();
        if depth == 0 {
            return i;
        }
    }
}
