//! The input of the grammar: a place among a file's tokens; and the smallest parsers over it.
//!
//! [`Tokens`] is a small copyable value that nom's combinators pass along. It also carries what the
//! grammar must know of its surroundings: how deep it is, and whether a new line ends the statement.
//! A soft failure is a place and a fixed text, so trying alternatives allocates nothing.

use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Parser};

use super::ast::{Comment, Ident, Lead, Path, Text};
use super::lex::{Kind, Lexed, RawComment, Sign, Token, unescape};
use super::log::Log;
use crate::diagnostics::{Code, Diagnostic, Span};

/// Braces or parentheses that may stand in one another.
const MOST_DEPTH: u32 = 64;

/// What a parser of the grammar gives.
pub(super) type Res<'a, T> = IResult<Tokens<'a>, T, Fault>;

/// A place among the tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'a> {
    pub lexed: &'a Lexed<'a>,
    pub log: &'a Log,
    /// Index of the next token.
    pub at: usize,
    depth: u32,
    /// Inside parentheses, where new lines mean nothing.
    enclosed: bool,
    /// At a statement's begin, or behind a comma or operator: the next token may be on a new line.
    open_ended: bool,
}

/// Why a parser did not match.
#[derive(Debug)]
pub(super) struct Fault {
    /// Index of the token at which reading goes on.
    pub at: usize,
    /// What was expected there.
    pub what: &'static str,
    /// Said in place of "expected `what`".
    pub said: Option<Box<Diagnostic>>,
}

impl<'a> ParseError<Tokens<'a>> for Fault {
    fn from_error_kind(input: Tokens<'a>, _: ErrorKind) -> Self {
        Self { at: input.at, what: "something else", said: None }
    }

    fn append(_: Tokens<'a>, _: ErrorKind, other: Self) -> Self {
        other
    }

    /// Of two alternatives, the one that came further.
    fn or(self, other: Self) -> Self {
        if self.at > other.at { self } else { other }
    }
}

impl<'a> Tokens<'a> {
    pub fn new(lexed: &'a Lexed<'a>, log: &'a Log) -> Self {
        Self { lexed, log, at: 0, depth: 0, enclosed: false, open_ended: true }
    }

    /// The next token, whatever line it is on.
    pub fn token(self) -> &'a Token<'a> {
        self.ahead(0)
    }

    /// The token so many behind the next one.
    pub fn ahead(self, by: usize) -> &'a Token<'a> {
        let tokens = &self.lexed.tokens;
        &tokens[(self.at + by).min(tokens.len() - 1)]
    }

    /// The kind of the next token, or [`Kind::LineEnd`] where the statement's line is at its end.
    pub fn kind(self) -> Kind {
        let token = self.token();
        if token.newline && !self.enclosed && !self.open_ended && token.kind != Kind::End {
            Kind::LineEnd
        } else {
            token.kind
        }
    }

    pub fn is(self, sign: Sign) -> bool {
        self.kind() == Kind::Sign(sign)
    }

    /// Whether a sign was read last.
    pub fn is_behind(self, sign: Sign) -> bool {
        self.at.checked_sub(1).is_some_and(|at| self.lexed.tokens[at].kind == Kind::Sign(sign))
    }

    pub fn is_word(self, text: &str) -> bool {
        self.kind() == Kind::Word && self.token().text == text
    }

    /// Whether a statement may end here.
    pub fn at_statement_end(self) -> bool {
        matches!(self.kind(), Kind::LineEnd | Kind::End | Kind::Sign(Sign::Semicolon | Sign::CloseBrace))
    }

    /// Whether the next tokens are the begin of a model or block at the begin of a line.
    pub fn at_item(self) -> bool {
        let token = self.token();
        let opens = |t: &Token| {
            matches!(t.kind, Kind::Sign(Sign::OpenParen | Sign::OpenBrace | Sign::Assign)) && !t.newline
        };
        token.newline
            && matches!(token.text, "model" | "block")
            && self.ahead(1).kind == Kind::Word
            && !self.ahead(1).newline
            && opens(self.ahead(2))
    }

    /// Past the next token.
    pub fn advance(self) -> Self {
        let at = (self.at + 1).min(self.lexed.tokens.len() - 1);
        Self { at, open_ended: false, ..self }
    }

    /// At another token, under the surroundings of `self`.
    pub fn moved_to(self, at: usize) -> Self {
        Self { at, open_ended: false, ..self }
    }

    /// A new line before the next token means nothing.
    pub fn open_ended(self) -> Self {
        Self { open_ended: true, ..self }
    }

    /// One level deeper, behind an opening; or a failure at that opening, which is one too many.
    pub fn deeper(self, enclosed: bool) -> Result<Self, nom::Err<Fault>> {
        if self.depth == MOST_DEPTH {
            let open = self.previous_span();
            let message = format!("more than {MOST_DEPTH} braces or parentheses in one another");
            let opening = self.moved_to(self.at.saturating_sub(1));
            return Err(opening.failure(Diagnostic::error(Code::R0007, open, message, "too deep here")));
        }
        Ok(Self { depth: self.depth + 1, enclosed, ..self })
    }

    /// Behind what a [`Self::deeper`] input led to, with the surroundings of `self` again.
    pub fn resumed(self, inner: Self) -> Self {
        Self { at: inner.at, open_ended: false, ..self }
    }

    pub fn span_of(self, token: &Token) -> Span {
        self.log.span(token.start, token.end())
    }

    /// The end of what was read last.
    pub fn previous_end(self) -> u32 {
        self.at.checked_sub(1).map_or(0, |at| self.lexed.tokens[at].end())
    }

    pub fn previous_span(self) -> Span {
        self.span_of(&self.lexed.tokens[self.at.saturating_sub(1)])
    }

    /// From the next token of `self` to the last that was read before `rest`.
    pub fn span_to(self, rest: Self) -> Span {
        let start = self.token().start;
        self.log.span(start, rest.previous_end().max(start))
    }

    /// Where something is missing: the next token, or the end of the line.
    pub fn place(self) -> Span {
        match self.kind() {
            Kind::LineEnd | Kind::End => self.log.span(self.previous_end(), self.previous_end()),
            _ => self.span_of(self.token()),
        }
    }

    /// What stands here, in words.
    pub fn found(self) -> String {
        match self.kind() {
            Kind::LineEnd => "the line ends".to_owned(),
            Kind::End => "the file ends".to_owned(),
            Kind::Text => "a string is here".to_owned(),
            _ => format!("`{}` is here", self.token().text),
        }
    }

    /// Another alternative may match.
    pub fn error(self, what: &'static str) -> nom::Err<Fault> {
        nom::Err::Error(Fault { at: self.at, what, said: None })
    }

    /// The statement is broken.
    pub fn failure(self, diagnostic: Diagnostic) -> nom::Err<Fault> {
        nom::Err::Failure(Fault { at: self.at, what: "", said: Some(Box::new(diagnostic)) })
    }

    /// Comments between two bytes.
    pub fn comments(self, from: u32, to: u32) -> &'a [RawComment<'a>] {
        let all = &self.lexed.comments;
        let first = all.partition_point(|c| c.start < from);
        let behind = all.partition_point(|c| c.start < to);
        all.get(first..behind).unwrap_or_default()
    }

    /// What stands between a byte and the next token.
    pub fn lead(self, from: u32) -> Lead {
        let token = self.token();
        let raw = self.comments(from, token.start);
        let mut comments: Vec<_> = raw.iter().map(to_comment).collect();
        let Some(first) = comments.first_mut() else {
            return Lead { comments, blank: token.blank, gap: false };
        };
        let blank = std::mem::take(&mut first.blank);
        Lead { comments, blank, gap: token.blank }
    }

    /// The comment on the line of what was read last, and where it ends.
    pub fn remark(self, from: u32) -> (Option<Comment>, u32) {
        match self.comments(from, self.token().start).first().filter(|c| c.behind) {
            Some(c) => (Some(Comment { blank: false, ..to_comment(c) }), c.start + 2),
            None => (None, from),
        }
    }
}

pub(super) fn to_comment(raw: &RawComment) -> Comment {
    Comment { text: raw.text.to_owned(), blank: raw.blank }
}

/// A sign, by its span. Behind a comma the line may go on below.
pub(super) fn sign<'a>(sign: Sign) -> impl Parser<Tokens<'a>, Output = Span, Error = Fault> {
    move |i: Tokens<'a>| {
        if !i.is(sign) {
            return Err(i.error(sign.quoted()));
        }
        let rest = i.advance();
        let rest = if sign == Sign::Comma { rest.open_ended() } else { rest };
        Ok((rest, i.span_of(i.token())))
    }
}

/// A word of the language.
pub(super) fn keyword<'a>(text: &'static str) -> impl Parser<Tokens<'a>, Output = Span, Error = Fault> {
    move |i: Tokens<'a>| {
        if !i.is_word(text) {
            return Err(i.error(text));
        }
        Ok((i.advance(), i.span_of(i.token())))
    }
}

/// A word of the user's; `what` says what it names.
pub(super) fn word<'a>(what: &'static str) -> impl Parser<Tokens<'a>, Output = Ident, Error = Fault> {
    move |i: Tokens<'a>| {
        if i.kind() != Kind::Word {
            return Err(i.error(what));
        }
        let token = i.token();
        Ok((i.advance(), Ident { text: token.text.to_owned(), span: i.span_of(token) }))
    }
}

/// Words and numbers joined by dots, or a single one.
pub(super) fn path<'a>(what: &'static str) -> impl Parser<Tokens<'a>, Output = Path, Error = Fault> {
    move |i: Tokens<'a>| {
        let token = i.token();
        let is_path = match i.kind() {
            Kind::Word | Kind::Path | Kind::Int => true,
            Kind::Float => token.text.bytes().all(|b| b.is_ascii_digit() || b == b'.'),
            Kind::Size | Kind::Text | Kind::Sign(_) | Kind::Bad | Kind::LineEnd | Kind::End => false,
        };
        if !is_path {
            return Err(i.error(what));
        }
        Ok((i.advance(), Path { text: token.text.to_owned(), span: i.span_of(token) }))
    }
}

/// A string.
pub(super) fn text<'a>(what: &'static str) -> impl Parser<Tokens<'a>, Output = Text, Error = Fault> {
    move |i: Tokens<'a>| {
        if i.kind() != Kind::Text {
            return Err(i.error(what));
        }
        let token = i.token();
        Ok((i.advance(), Text { text: unescape(token.text), span: i.span_of(token) }))
    }
}

/// Says what was expected where `parser` does not match at once.
pub(super) fn expecting<'a, T>(
    what: &'static str,
    mut parser: impl Parser<Tokens<'a>, Output = T, Error = Fault>,
) -> impl Parser<Tokens<'a>, Output = T, Error = Fault> {
    move |i: Tokens<'a>| {
        parser.parse(i).map_err(|e| match e {
            nom::Err::Error(fault) if fault.at == i.at => i.error(what),
            e => e,
        })
    }
}
