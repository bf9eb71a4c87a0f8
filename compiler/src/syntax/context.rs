//! What surrounds a place in a text that may be broken there: for who completes what is being typed.
//!
//! Rests on the tokens before the place alone, not on the tree: a statement that is half written has
//! none. A line that begins like a model or block begins one, whatever was left open above it.

use std::ops::Range;

use super::lex::{Kind, Sign, Token, lex};
use super::log::Log;
use crate::diagnostics::FileId;

/// The surroundings of a place.
#[derive(Debug, PartialEq)]
pub struct Context<'a> {
    /// The words whose braces are open, from the outermost: `model`, `stage`, `residual`, ….
    pub around: Vec<&'a str>,
    /// The tokens of the statement before the place, but for the word at it.
    pub statement: Vec<&'a str>,
    /// Where the innermost open parenthesis is among them.
    pub paren: Option<usize>,
    /// Parameters and constants in force, from the outermost.
    pub names: Vec<&'a str>,
    /// The bytes of the word at the place, dots included; empty if there is none.
    pub word: Range<usize>,
}

/// The surroundings of a byte; `None` in a comment, a string or a number.
pub fn context(text: &str, offset: usize) -> Option<Context<'_>> {
    let before = text.get(..offset)?;
    // Mistakes are the parser's to tell.
    let log = Log::new(FileId(0));
    let lexed = lex(before, &log);
    let mut tokens = &lexed.tokens[..lexed.tokens.len() - 1];
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    if lexed.comments.last().is_some_and(|c| c.start as usize >= line) {
        return None;
    }
    let mut word = offset..offset;
    if let Some((last, rest)) = tokens.split_last() {
        let touches = last.end() as usize == offset;
        match last.kind {
            // A string that does not end goes on to the end of its line.
            Kind::Bad if touches || last.text.starts_with('"') && last.start as usize >= line => return None,
            Kind::Int | Kind::Float | Kind::Size | Kind::Text if touches => return None,
            Kind::Word | Kind::Path if touches => {
                word = last.start as usize..offset + rest_of_word(&text[offset..]);
                tokens = rest;
            }
            _ => {}
        }
    }
    let mut reader = Reader::default();
    for (at, token) in tokens.iter().enumerate() {
        reader.read(token, tokens.get(at + 1));
    }
    if before[tokens.last().map_or(0, |t| t.end() as usize)..word.start].contains('\n') {
        reader.end_line();
    }
    let around = reader.frames.iter().map(|f| f.word).collect();
    let statement = reader.statement.iter().map(|t| t.text).collect();
    Some(Context { around, statement, paren: reader.parens.last().copied(), names: reader.names, word })
}

fn rest_of_word(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// Open braces.
struct Frame<'a> {
    word: &'a str,
    /// The statement up to the brace.
    head: Vec<Token<'a>>,
    /// How many names there were outside.
    names: usize,
}

#[derive(Default)]
struct Reader<'a> {
    frames: Vec<Frame<'a>>,
    statement: Vec<Token<'a>>,
    parens: Vec<usize>,
    names: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, token: &Token<'a>, next: Option<&Token<'a>>) {
        let names_next = next.is_some_and(|n| n.kind == Kind::Word && !n.newline);
        if token.newline && matches!(token.text, "model" | "block") && names_next {
            *self = Self::default();
        } else if token.newline {
            self.end_line();
        }
        match token.kind {
            Kind::Sign(Sign::OpenBrace) => self.open(),
            Kind::Sign(Sign::CloseBrace) => self.close(*token),
            Kind::Sign(Sign::Semicolon) => self.end(),
            Kind::Sign(Sign::CloseParen) => {
                self.parens.pop();
                self.statement.push(*token);
            }
            kind => {
                if kind == Kind::Sign(Sign::OpenParen) {
                    self.parens.push(self.statement.len());
                }
                if let [constant] = self.statement[..]
                    && constant.text == "let"
                {
                    self.names.push(token.text);
                }
                self.statement.push(*token);
            }
        }
    }

    /// The line is at its end, and the statement with it, unless it goes on below.
    fn end_line(&mut self) {
        let goes_on = self.statement.last().is_some_and(|t| match t.kind {
            Kind::Sign(Sign::CloseParen | Sign::CloseBrace) => false,
            Kind::Sign(_) => true,
            _ => false,
        });
        if self.parens.is_empty() && !goes_on {
            self.end();
        }
    }

    fn end(&mut self) {
        self.statement.clear();
        self.parens.clear();
    }

    fn open(&mut self) {
        let is_clause = self.statement.iter().any(|t| t.kind == Kind::Sign(Sign::CloseBrace));
        let word = if is_clause { self.statement.last() } else { self.statement.first() };
        let (word, names) = (word.map_or("", |t| t.text), self.names.len());
        if self.frames.is_empty() {
            self.parameters();
        }
        let head = std::mem::take(&mut self.statement);
        self.frames.push(Frame { word, head, names });
        self.parens.clear();
    }

    /// The names behind `(` and `,` of a model's or block's head.
    fn parameters(&mut self) {
        let mut depth = 0;
        for pair in self.statement.windows(2) {
            match pair[0].kind {
                Kind::Sign(Sign::OpenParen) => depth += 1,
                Kind::Sign(Sign::CloseParen) => depth -= 1,
                _ => {}
            }
            let begins = matches!(pair[0].kind, Kind::Sign(Sign::OpenParen | Sign::Comma));
            if depth == 1 && begins && pair[1].kind == Kind::Word {
                self.names.push(pair[1].text);
            }
        }
    }

    fn close(&mut self, brace: Token<'a>) {
        self.end();
        if let Some(frame) = self.frames.pop() {
            self.names.truncate(frame.names);
            self.statement = frame.head;
            self.statement.push(brace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(marked: &str) -> Option<(String, String, String, String)> {
        let offset = marked.find('|').unwrap();
        let text = marked.replacen('|', "", 1);
        let found = context(&text, offset)?;
        let word = text[found.word.clone()].to_owned();
        Some((found.around.join(" "), found.statement.join(" "), found.names.join(" "), word))
    }

    #[test]
    fn surroundings_are_found_in_broken_text() {
        let shown = |a: &str, s: &str, n: &str, w: &str| Some((a.into(), s.into(), n.into(), w.into()));
        for (text, expected) in [
            ("mo|", shown("", "", "", "mo")),
            ("model a(n = 2, m) { let k = 3\n stage s { k o|", shown("model stage", "k", "n m k", "o")),
            ("model a { stem { let k = 3 }\n stage s { 3 of |", shown("model stage", "3 of", "", "")),
            (
                "block b(w) { residual { conv 3x3,\n w, str|ide 2 } }",
                shown("block residual", "conv 3x3 , w ,", "w", "stride"),
            ),
            ("block b { residual { relu } pro| }", shown("block", "residual }", "", "pro")),
            ("block b { residual { relu } projection { re|", shown("block projection", "", "", "re")),
            (
                "model a { stem { conv (3\nblock b(w) { conv max(w, |",
                shown("block", "conv max ( w ,", "w", ""),
            ),
            ("model a { output layer2.0.co|nv", shown("model", "output", "", "layer2.0.conv")),
            ("model a { require n == 2 |", shown("model", "require n == 2", "", "")),
            ("model a { shortcut none\n |", shown("model", "", "", "")),
            ("model a { \"ä\u{1f600}\"; x| }", shown("model", "", "", "x")),
            ("model a { stem { \u{2297} | } }", shown("model stem", "\u{2297}", "", "")),
            ("model a { weights \"x\" \"y |\"", None),
            ("model a { // x|", None),
            ("model a { weights \"x|\"", None),
            ("model a { stem { conv 3|", None),
        ] {
            assert_eq!(at(text), expected, "{text}");
        }
    }
}
