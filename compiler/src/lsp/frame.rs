//! Messages on a stream, each behind a header with its length.
//!
//! `lsp_server` has the messages' types, but its reader ends at the first message that it cannot read.
//! This one says what is wrong and goes on behind it.

use std::io::{self, BufRead, Read};

use lsp_server::{ErrorCode, Message, RequestId};
use serde_json::Value;

/// Bytes of a header's line.
const MAX_LINE: u64 = 1 << 12;
/// Bytes of a message: well above the largest spec.
const MAX_MESSAGE: u64 = 64 << 20;

/// What came.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Message),
    /// A request that was cancelled before its turn.
    Cancelled(RequestId),
    /// Something that is none.
    Malformed(Malformed),
}

/// What could not be read.
#[derive(Debug)]
pub struct Malformed {
    /// Of the request that it was to be, if that much could be read.
    pub id: Option<RequestId>,
    /// The protocol's number for it.
    pub code: ErrorCode,
    /// In words.
    pub reason: String,
}

/// The next message; `None` at the end of the stream.
///
/// # Errors
///
/// Those of the stream itself.
pub fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let length = match read_header(input)? {
        Header::End => return Ok(None),
        Header::Length(length) if length <= MAX_MESSAGE => length,
        Header::Length(length) => {
            io::copy(&mut input.take(length), &mut io::sink())?;
            let reason = format!("a message of {length} bytes; at most {MAX_MESSAGE} are read");
            return Ok(Some(malformed(None, ErrorCode::ParseError, reason)));
        }
        Header::None => {
            let reason = "a header without Content-Length".to_owned();
            return Ok(Some(malformed(None, ErrorCode::ParseError, reason)));
        }
    };
    let mut content = Vec::new();
    if input.take(length).read_to_end(&mut content)? < length as usize {
        return Ok(None);
    }
    Ok(Some(parse(&content)))
}

enum Header {
    Length(u64),
    None,
    End,
}

fn read_header(input: &mut impl BufRead) -> io::Result<Header> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(Header::End);
        }
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            return Ok(length.map_or(Header::None, Header::Length));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
}

fn parse(content: &[u8]) -> Incoming {
    let value: Value = match serde_json::from_slice(content) {
        Ok(value) => value,
        Err(error) => return malformed(None, ErrorCode::ParseError, format!("no JSON: {error}")),
    };
    let id = value.get("id").and_then(|id| serde_json::from_value(id.clone()).ok());
    match serde_json::from_value(value) {
        Ok(message) => Incoming::Message(message),
        Err(_) => {
            let reason = "neither a request, nor a notification, nor an answer".to_owned();
            malformed(id, ErrorCode::InvalidRequest, reason)
        }
    }
}

fn malformed(id: Option<RequestId>, code: ErrorCode, reason: String) -> Incoming {
    Incoming::Malformed(Malformed { id, code, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<Incoming> {
        std::iter::from_fn(|| read(&mut bytes).unwrap()).collect()
    }

    fn framed(content: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{content}", content.len())
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_next_message_is_read() {
        let good = framed(r#"{"jsonrpc":"2.0","id":1,"method":"shutdown"}"#);
        for (bad, code) in [
            (framed("{"), ErrorCode::ParseError),
            (framed("\u{0}"), ErrorCode::ParseError),
            (framed(r#"{"id":7,"method":3}"#), ErrorCode::InvalidRequest),
            ("Content-Length: -5\r\n\r\n".to_owned(), ErrorCode::ParseError),
            ("garbage\r\n\r\n".to_owned(), ErrorCode::ParseError),
        ] {
            let found = all(format!("{bad}{good}").as_bytes());
            let [Incoming::Malformed(first), Incoming::Message(Message::Request(next))] = &found[..] else {
                panic!("{bad}: {found:?}")
            };
            assert_eq!((first.code as i32, next.id.clone()), (code as i32, 1.into()), "{bad}");
            assert_eq!(first.id, bad.contains("\"id\":7").then(|| 7.into()));
        }
    }

    #[test]
    fn a_message_that_is_cut_off_or_of_any_claimed_length_ends_quietly() {
        assert!(all(b"Content-Length: 40\r\n\r\n{\"id\"").is_empty());
        let [Incoming::Malformed(_)] = &all(b"Content-Length: 9999999999999999\r\n\r\n{}")[..] else {
            panic!("a message too long is told")
        };
    }
}
