//! What an editor sends to the language server: every request has one answer, and the server ends when it is told to.
//!
//! Bytes that begin with `Content-` are the stream as it is. Those that begin with `{` are messages, one a line, each of
//! which gets its header. All others are a spec's text, then a NUL, then what a user does in it.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use lsp_server::Message;
use resnetc::lsp::{Ended, serve};
use serde_json::{Value, json};

const URI: &str = "file:///nonexistent/fuzzed.resnet";
/// Steps of a session.
const MOST_STEPS: usize = 32;

/// Where something is asked for.
#[derive(Arbitrary, Clone, Copy)]
struct At {
    line: u8,
    character: u8,
}

/// What a user does.
#[derive(Arbitrary)]
enum Step {
    Hover(At),
    Complete(At),
    Define(At),
    Refer(At, bool),
    Highlight(At),
    PrepareRename(At),
    Rename(At, String),
    Outline,
    Format,
    Hints(At, At),
    Fix(At, At),
    Change(At, At, String),
    ChangeAll(String),
    Close,
    Open(String),
}

impl At {
    fn json(self) -> Value {
        json!({ "line": self.line, "character": self.character })
    }
}

impl Step {
    /// The method, and what it is about besides the document.
    fn message(self) -> (&'static str, Value) {
        let at = |at: At| json!({ "position": at.json() });
        let range = |from: At, to: At| json!({ "start": from.json(), "end": to.json() });
        match self {
            Self::Hover(place) => ("textDocument/hover", at(place)),
            Self::Complete(place) => ("textDocument/completion", at(place)),
            Self::Define(place) => ("textDocument/definition", at(place)),
            Self::Refer(place, own) => (
                "textDocument/references",
                json!({ "position": place.json(), "context": { "includeDeclaration": own } }),
            ),
            Self::Highlight(place) => ("textDocument/documentHighlight", at(place)),
            Self::PrepareRename(place) => ("textDocument/prepareRename", at(place)),
            Self::Rename(place, name) => {
                ("textDocument/rename", json!({ "position": place.json(), "newName": name }))
            }
            Self::Outline => ("textDocument/documentSymbol", json!({})),
            Self::Format => {
                ("textDocument/formatting", json!({ "options": { "tabSize": 4, "insertSpaces": true } }))
            }
            Self::Hints(from, to) => ("textDocument/inlayHint", json!({ "range": range(from, to) })),
            Self::Fix(from, to) => (
                "textDocument/codeAction",
                json!({ "range": range(from, to), "context": { "diagnostics": [] } }),
            ),
            Self::Change(from, to, text) => (
                "textDocument/didChange",
                json!({ "contentChanges": [{ "range": range(from, to), "text": text }] }),
            ),
            Self::ChangeAll(text) => {
                ("textDocument/didChange", json!({ "contentChanges": [{ "text": text }] }))
            }
            Self::Close => ("textDocument/didClose", json!({})),
            Self::Open(text) => ("textDocument/didOpen", json!({ "textDocument": { "text": text } })),
        }
    }
}

/// The messages of a session over a text.
fn session(text: &str, steps: &[u8]) -> Vec<String> {
    let mut steps = Unstructured::new(steps);
    let mut told = vec![Step::Open(text.to_owned())];
    while !steps.is_empty() && told.len() <= MOST_STEPS {
        let Ok(step) = Step::arbitrary(&mut steps) else { break };
        told.push(step);
    }
    let message = |(number, step): (usize, Step)| {
        let (method, mut params) = step.message();
        params["textDocument"]["uri"] = URI.into();
        params["textDocument"]["version"] = number.into();
        params["textDocument"]["languageId"] = "resnet".into();
        let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        if !method.contains("/did") {
            message["id"] = number.into();
        }
        message.to_string()
    };
    told.into_iter().enumerate().map(message).collect()
}

/// The messages with a first and two last ones, as a stream; how many answers they ask for, none behind an `exit`; and
/// how the server is to end.
fn framed(messages: &[String]) -> (String, usize, Ended) {
    let first =
        json!({ "id": "first", "method": "initialize", "params": { "capabilities": {} } }).to_string();
    let last =
        [json!({ "id": "last", "method": "shutdown" }), json!({ "method": "exit" })].map(|m| m.to_string());
    let (mut stream, mut answers, mut ended) = (String::new(), 0, Ended::Abruptly);
    for text in [&first].into_iter().chain(messages).chain(&last) {
        stream += &format!("Content-Length: {}\r\n\r\n{text}", text.len());
        match serde_json::from_str::<Value>(text).ok().and_then(|value| serde_json::from_value(value).ok()) {
            Some(Message::Notification(note)) if note.method == "exit" => break,
            Some(Message::Notification(_) | Message::Response(_)) => {}
            Some(Message::Request(request)) => {
                answers += 1;
                if request.method == "shutdown" {
                    ended = Ended::Asked;
                }
            }
            // What is no message is answered too.
            None => answers += 1,
        }
    }
    (stream, answers, ended)
}

/// What the server says to a stream, and how it ends.
fn answer(stream: Vec<u8>) -> (Vec<Value>, Ended) {
    let mut output = Vec::new();
    let ended = serve(Cursor::new(stream), &mut output, None).expect("a vector takes all");
    let mut rest = &output[..];
    let mut said = Vec::new();
    while !rest.is_empty() {
        let header = rest.windows(4).position(|four| four == b"\r\n\r\n").expect("a header");
        let text = str::from_utf8(&rest[..header]).expect("a header is text");
        let length: usize = text.trim_start_matches("Content-Length: ").parse().expect("a length");
        let (content, behind) = rest[header + 4..].split_at(length);
        said.push(serde_json::from_slice(content).expect("JSON"));
        rest = behind;
    }
    (said, ended)
}

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"Content-") {
        answer(data.to_vec());
        return;
    }
    let messages = match data.split(|&byte| byte == 0).next() {
        Some([b'{', ..]) => String::from_utf8_lossy(data).lines().map(str::to_owned).collect(),
        text => {
            let text = text.unwrap_or_default();
            let steps = data.get(text.len() + 1..).unwrap_or_default();
            session(&String::from_utf8_lossy(text), steps)
        }
    };
    let (stream, expected, end) = framed(&messages);
    let (said, ended) = answer(stream.into_bytes());
    let answers = said.iter().filter(|message| message.get("method").is_none()).count();
    assert_eq!((answers, ended), (expected, end), "after {messages:?}: {said:?}");
});
