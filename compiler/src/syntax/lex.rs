//! Text to tokens and comments.
//!
//! Layout is kept as facts on each token (is it first on its line, does a blank line come before
//! it), because whether a new line ends a statement is for the grammar to say. What cannot be a
//! token is reported here and becomes [`Kind::Bad`], which the parser does not report again.

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take, take_till, take_while, take_while1};
use nom::character::complete::{anychar, char, digit1, none_of, one_of, satisfy};
use nom::combinator::{map_opt, not, opt, recognize, value};
use nom::error::ParseError;
use nom::multi::{many0_count, many1_count, separated_list1};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use super::log::Log;
use crate::diagnostics::{Code, Diagnostic, Edit};

/// A file's tokens, the last of which is [`Kind::End`], and its comments, both in order.
#[derive(Debug)]
pub(super) struct Lexed<'a> {
    pub tokens: Vec<Token<'a>>,
    pub comments: Vec<RawComment<'a>>,
}

/// A word, number, string or sign, and how it stands in its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub start: u32,
    /// Lines before its own.
    pub line: u32,
    /// Characters of space that its line begins with.
    pub indent: u32,
    /// Whether it is the first of its line.
    pub newline: bool,
    /// Whether a blank line comes right before it.
    pub blank: bool,
}

impl Token<'_> {
    /// One behind the last byte.
    pub fn end(&self) -> u32 {
        self.start + self.text.len() as u32
    }
}

/// A comment, and how it stands in its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawComment<'a> {
    /// Everything behind the slashes, trailing space removed.
    pub text: &'a str,
    pub start: u32,
    /// Whether something else comes before it on its line.
    pub behind: bool,
    /// Whether a blank line comes right before it.
    pub blank: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, digits and underscores, a digit not first.
    Word,
    /// Words and numbers joined by dots.
    Path,
    Int,
    Float,
    /// `3x3`
    Size,
    /// With its quotes.
    Text,
    Sign(Sign),
    /// Already reported.
    Bad,
    /// Stands for a line's end where that ends a statement; never in a token.
    LineEnd,
    /// The end of the file.
    End,
}

macro_rules! signs {
    ($($name:ident $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Sign {
            $($name,)*
        }

        impl Sign {
            fn of(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The sign in backquotes.
            pub fn quoted(self) -> &'static str {
                match self { $(Self::$name => concat!("`", $text, "`"),)* }
            }
        }
    };
}

signs! {
    OpenParen "(", CloseParen ")", OpenBrace "{", CloseBrace "}",
    Comma ",", Semicolon ";", Assign "=", Arrow "->",
    Mul "*", Div "/", Rem "%", Add "+", Sub "-", Not "!",
    Eq "==", Ne "!=", Lt "<", Le "<=", Gt ">", Ge ">=", And "&&", Or "||",
}

/// What the text begins with, once space is skipped.
#[derive(Clone, Copy)]
enum Lexeme {
    Comment,
    /// `#` or `/*`, which begin comments in other languages.
    ForeignComment,
    Token(Kind),
    /// A string that its line's end cuts off.
    OpenText,
    /// A number with letters behind it.
    RunOn,
    /// Characters that begin nothing.
    Stray,
}

/// Splits a text; mistakes go to the log.
pub(super) fn lex<'a>(text: &'a str, log: &Log) -> Lexed<'a> {
    let mut lexed = Lexed { tokens: Vec::with_capacity(text.len() / 4), comments: Vec::new() };
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut line, mut indent, mut first) = (0, 0, true);
    let mut stray_line = None;
    let last_block_end = text.rfind("*/");
    loop {
        let after = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let gap = &rest[..rest.len() - after.len()];
        let newlines = gap.matches('\n').count() as u32;
        if newlines > 0 || first {
            line += newlines;
            indent = gap.rsplit('\n').next().unwrap_or_default().chars().count() as u32;
        }
        let (newline, blank) = (newlines > 0 || first, newlines > 1);
        first = false;
        let start = (text.len() - after.len()) as u32;
        let token = |kind, text| Token { kind, text, start, line, indent, newline, blank };
        let Ok((behind, (lexeme, slice))) = lexeme(after) else {
            lexed.tokens.push(token(Kind::End, ""));
            return lexed;
        };
        rest = behind;
        match lexeme {
            Lexeme::Comment => {
                let text = slice[2..].trim_end();
                lexed.comments.push(RawComment { text, start, behind: !newline, blank });
            }
            Lexeme::Token(kind) if slice.len() > most_bytes(kind) => {
                report_long(kind, slice, start, log);
                lexed.tokens.push(token(Kind::Bad, slice));
            }
            Lexeme::Token(kind) => {
                if kind == Kind::Text {
                    check_escapes(slice, start, log);
                }
                lexed.tokens.push(token(kind, slice));
            }
            Lexeme::ForeignComment => {
                report_foreign_comment(slice, start, log);
                let is_block = slice == "/*" && last_block_end.is_some_and(|end| end > start as usize);
                let (after, skipped) = foreign_comment(rest, is_block);
                line += skipped.matches('\n').count() as u32;
                rest = after;
            }
            Lexeme::OpenText => {
                report_open_text(slice.trim_end(), start, log);
                // Any quote of the line may be the one without a partner.
                let on_line = |t: &Token| t.line == line && t.kind == Kind::Text;
                let from = lexed.tokens.iter().rposition(|t| t.line != line).map_or(0, |at| at + 1);
                let first = lexed.tokens[from..].iter().position(on_line).map(|at| from + at);
                let begin = first.map_or(token(Kind::Bad, slice), |at| lexed.tokens[at]);
                lexed.tokens.truncate(first.unwrap_or(lexed.tokens.len()));
                lexed.tokens.push(Token { kind: Kind::Bad, ..begin });
            }
            Lexeme::RunOn => {
                report_run_on(slice, start, log);
                lexed.tokens.push(token(Kind::Bad, slice));
            }
            Lexeme::Stray => {
                if stray_line.replace(line) != Some(line) {
                    report_stray(slice, start, log);
                }
                lexed.tokens.push(token(Kind::Bad, slice));
            }
        }
    }
}

/// The next lexeme and its text; fails at the end of the input only.
fn lexeme(input: &str) -> IResult<&str, (Lexeme, &str)> {
    let line = || take_till(|c| c == '\n');
    let token = |kind| move |text| (Lexeme::Token(kind), text);
    alt((
        word,
        number,
        recognize((tag("//"), line())).map(|text| (Lexeme::Comment, text)),
        alt((tag("/*"), tag("#"))).map(|text| (Lexeme::ForeignComment, text)),
        recognize((char('"'), text_inside, char('"'))).map(token(Kind::Text)),
        recognize((char('"'), line())).map(|text| (Lexeme::OpenText, text)),
        map_opt(take(2usize), signed),
        map_opt(take(1usize), signed),
        take_while1(|c: char| !c.is_ascii()).map(|text| (Lexeme::Stray, text)),
        recognize(anychar).map(|text| (Lexeme::Stray, text)),
    ))
    .parse(input)
}

fn signed(text: &str) -> Option<(Lexeme, &str)> {
    Sign::of(text).map(|sign| (Lexeme::Token(Kind::Sign(sign)), text))
}

fn is_word_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn plain_word(input: &str) -> IResult<&str, &str> {
    let start = satisfy(|c| c.is_ascii_alphabetic() || c == '_');
    recognize((start, take_while(is_word_part))).parse(input)
}

fn digits(input: &str) -> IResult<&str, &str> {
    terminated(digit1, not(satisfy(is_word_part))).parse(input)
}

/// `.0.blocks`
fn path_tail(input: &str) -> IResult<&str, usize> {
    many1_count((char('.'), alt((plain_word, digits)))).parse(input)
}

fn word(input: &str) -> IResult<&str, (Lexeme, &str)> {
    let path = recognize((plain_word, path_tail)).map(|text| (Lexeme::Token(Kind::Path), text));
    let word = plain_word.map(|text| (Lexeme::Token(Kind::Word), text));
    alt((path, word)).parse(input)
}

fn number(input: &str) -> IResult<&str, (Lexeme, &str)> {
    let end = || not(alt((satisfy(is_word_part), preceded(char('.'), satisfy(is_word_part)))));
    let size = recognize((digit1, many1_count((char('x'), digit1))));
    let fraction = || (char('.'), digit1);
    let exponent = || (one_of("eE"), opt(one_of("+-")), digit1);
    let float = recognize((digit1, alt((recognize((fraction(), opt(exponent()))), recognize(exponent())))));
    let run_on = recognize((digit1, take_while(|c| is_word_part(c) || c == '.')));
    let kind = |kind| value(Lexeme::Token(kind), end());
    let token = alt((
        (size, kind(Kind::Size)),
        (float, kind(Kind::Float)),
        (digit1, kind(Kind::Int)),
        (recognize((digits, path_tail)), kind(Kind::Path)),
    ))
    .map(|(text, lexeme)| (lexeme, text));
    alt((token, run_on.map(|text| (Lexeme::RunOn, text)))).parse(input)
}

fn text_inside<'a, E: ParseError<&'a str>>(input: &'a str) -> IResult<&'a str, usize, E> {
    many0_count(alt((is_not("\"\\\n"), recognize((char('\\'), none_of("\n")))))).parse(input)
}

/// The numbers of a size token, as text.
pub(super) fn split_size(text: &str) -> Vec<&str> {
    separated_list1(char::<_, ()>('x'), digit1).parse(text).map_or(Vec::new(), |(_, parts)| parts)
}

/// A string token's characters: no quotes, and escapes resolved.
pub(super) fn unescape(text: &str) -> String {
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let mut out = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

fn check_escapes(text: &str, start: u32, log: &Log) {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        let Some((_, escaped)) = escaped.filter(|(_, e)| !matches!(e, '"' | '\\')) else {
            continue;
        };
        let at = start + at as u32;
        let span = log.span(at, at + 1 + escaped.len_utf8() as u32);
        let message = format!("strings have no escape `\\{}`", escaped.escape_debug());
        log.say(
            Diagnostic::error(Code::R0006, span, message, "only `\\\"` and `\\\\` are escapes")
                .with_help("write `\\\\` for a backslash; paths are written with `/`"),
        );
    }
}

/// What is behind a foreign comment, and its text: up to `*/`, or the rest of the line.
fn foreign_comment(input: &str, is_block: bool) -> (&str, &str) {
    let end = if is_block { input.find("*/").map(|at| at + 2) } else { input.find('\n') };
    let (comment, rest) = input.split_at(end.unwrap_or(input.len()));
    (rest, comment)
}

fn report_foreign_comment(sign: &str, start: u32, log: &Log) {
    let span = log.span(start, start + sign.len() as u32);
    // What begins with `/*` also ends somewhere.
    let edit = (sign == "#").then(|| Edit { span, text: "//".to_owned() });
    log.say(
        Diagnostic::error(Code::R0001, span, format!("`{sign}` begins nothing in a spec"), "not a comment")
            .with_fixes("a comment begins with `//` and goes to the end of its line", edit),
    );
}

fn report_open_text(text: &str, start: u32, log: &Log) {
    let span = log.span(start, start + text.len() as u32);
    log.say(
        Diagnostic::error(Code::R0005, span, "a string that does not end", "the line ends before the string")
            .with_help("a string ends on its own line; a `\"` is missing here or earlier on the line"),
    );
}

/// The most bytes of a token: each operation of a network may have a copy.
fn most_bytes(kind: Kind) -> usize {
    if kind == Kind::Text { 4 << 10 } else { 256 }
}

fn report_long(kind: Kind, text: &str, start: u32, log: &Log) {
    let span = log.span(start, start + text.len() as u32);
    let what = if kind == Kind::Text { "a string" } else { "a name or a number" };
    let message = format!("{what} of more than {} bytes", most_bytes(kind));
    log.say(Diagnostic::error(Code::R0401, span, message, "too long"));
}

fn report_run_on(text: &str, start: u32, log: &Log) {
    let span = log.span(start, start + text.len() as u32);
    let digits = text.trim_end_matches('x');
    let message = format!("`{text}` is neither a number nor a name");
    let d = Diagnostic::error(Code::R0002, span, message, "a number that runs into letters");
    log.say(if text.ends_with('x') && digits.bytes().all(|b| b.is_ascii_digit()) {
        d.with_help(format!("a size is written without spaces: `{digits}x{digits}`"))
    } else if text.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        let plain = text.replace('_', "");
        d.with_fix(format!("digits are written without underscores: `{plain}`"), span, plain)
    } else {
        d.with_help("put a space or an operator behind the number; a name begins with a letter")
    });
}

fn report_stray(text: &str, start: u32, log: &Log) {
    let span = log.span(start, start + text.len() as u32);
    let first = text.chars().next().unwrap_or_default();
    let shown = first.escape_debug();
    let d =
        Diagnostic::error(Code::R0001, span, format!("`{shown}` begins nothing in a spec"), "not expected");
    let edit = meant(first).map(|text| Edit { span: log.span(start, start + first.len_utf8() as u32), text });
    log.say(match way_out(first) {
        Some(help) => d.with_fixes(help, edit),
        None => d,
    });
}

/// What stands for a character that only looks like it.
fn meant(stray: char) -> Option<String> {
    let text = match stray {
        '\u{d7}' => "x",
        '\u{2192}' => "->",
        '\u{2212}' | '\u{2013}' => "-",
        '\u{2264}' => "<=",
        '\u{2265}' => ">=",
        '\u{2260}' => "!=",
        '\u{a0}' | '\u{3000}' => " ",
        '\u{feff}' | '\u{200b}' => "",
        '&' => "&&",
        '|' => "||",
        _ => return None,
    };
    Some(text.to_owned())
}

fn way_out(stray: char) -> Option<&'static str> {
    Some(match stray {
        '\'' | '`' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}' => "strings stand between `\"`",
        '\u{d7}' => "a size is written with the letter x: `3x3`",
        '\u{2192}' => "an arrow is written `->`",
        '\u{2212}' | '\u{2013}' => "minus is written `-`",
        '\u{2264}' => "write `<=`",
        '\u{2265}' => "write `>=`",
        '\u{2260}' => "write `!=`",
        '\u{a0}' | '\u{feff}' | '\u{200b}' | '\u{3000}' => {
            "this is a space of another kind; replace it by a plain one"
        }
        '[' | ']' => "several values stand in parentheses: `(3, 1)`",
        '&' => "\"and\" is written `&&`",
        '|' => "\"or\" is written `||`",
        '.' => "a number has a digit before its point: `0.5`; in a path no space stands around a dot",
        ':' => "an option's value stands behind its name, without a sign: `stride 2`",
        c if c.is_alphabetic() => "names are made of the letters a to z, digits and `_`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::FileId;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        let log = Log::new(FileId(0));
        let lexed = lex(text, &log);
        lexed.tokens.iter().map(|t| (t.kind, t.text)).collect()
    }

    #[test]
    fn numbers_sizes_and_paths_are_told_apart() {
        use Kind::*;
        for (kind, texts) in [
            (Size, ["3x224x224", "3x3"]),
            (Int, ["42", "0"]),
            (Float, ["1e-5", "2.5E+3"]),
            (Path, ["stages.0.blocks", "0.conv1"]),
            (Word, ["x3", "conv_2d"]),
        ] {
            for text in texts {
                assert_eq!(kinds(text), [(kind, text), (End, "")]);
            }
        }
    }

    #[test]
    fn a_number_that_runs_into_letters_is_one_bad_token() {
        for text in ["3x", "1_000", "12abc", "3x3x", "1.5conv"] {
            assert_eq!(kinds(text), [(Kind::Bad, text), (Kind::End, "")]);
        }
    }

    #[test]
    fn layout_is_kept_with_each_token() {
        let log = Log::new(FileId(0));
        let lexed = lex("\u{feff}a b\r\n\r\n\tc // r \n// own\n\nd", &log);
        let facts: Vec<_> = lexed.tokens.iter().map(|t| (t.text, t.newline, t.blank, t.line)).collect();
        let expected =
            [("a", true, false, 0), ("b", false, false, 0), ("c", true, true, 2), ("d", true, true, 5)];
        assert_eq!(facts[..4], expected);
        let comments: Vec<_> = lexed.comments.iter().map(|c| (c.text, c.behind, c.blank)).collect();
        assert_eq!(comments, [(" r", true, false), (" own", false, false)]);
    }

    #[test]
    fn strings_keep_what_their_escapes_stand_for() {
        assert_eq!(unescape(r#""a\"b\\""#), r#"a"b\"#);
        assert_eq!(unescape(r#""\\\"""#), r#"\""#);
    }
}
