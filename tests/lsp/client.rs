//! An editor's side: a server's process, its streams, and what it said.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::texts::cursor;

const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/lsp-cache");

/// A server, and what it said.
pub struct Client {
    child: Child,
    input: RefCell<Option<ChildStdin>>,
    output: Receiver<Value>,
    next_id: Cell<i32>,
    /// Notifications that came while an answer was waited for.
    notes: RefCell<Vec<Value>>,
}

impl Client {
    pub fn raw() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_resnetc"))
            .arg("lsp")
            .env("RESNETC_CACHE", CACHE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, output) = channel();
        thread::spawn(move || {
            while let Some(message) = receive(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let input = RefCell::new(child.stdin.take());
        Self { child, input, output, next_id: Cell::new(0), notes: RefCell::default() }
    }

    /// A server that is ready.
    pub fn start() -> Self {
        let client = Self::raw();
        let capabilities = json!({"textDocument": {"publishDiagnostics": {"relatedInformation": true}}});
        client.ask("initialize", json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
        client.tell("initialized", json!({}));
        client
    }

    pub fn send(&self, bytes: &[u8]) {
        let mut input = self.input.borrow_mut();
        let input = input.as_mut().unwrap();
        input.write_all(bytes).and_then(|()| input.flush()).unwrap();
    }

    pub fn write(&self, message: &Value) {
        let text = message.to_string();
        self.send(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    pub fn receive(&self) -> Value {
        self.output.recv_timeout(Duration::from_secs(60)).expect("the server says something")
    }

    pub fn tell(&self, method: &str, params: Value) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request, and gives its id.
    pub fn request(&self, method: &str, params: Value) -> i32 {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The whole answer to a request.
    pub fn answer(&self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        loop {
            let message = self.receive();
            if message["id"] == id {
                return message;
            }
            self.notes.borrow_mut().push(message);
        }
    }

    pub fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub fn open(&self, uri: &str, text: &str) {
        let item = json!({"uri": uri, "languageId": "resnet", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": item}));
    }

    pub fn change(&self, uri: &str, version: i32, changes: Value) {
        let document = json!({"uri": uri, "version": version});
        self.tell("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    /// What is wrong with a version of a document.
    pub fn diagnostics(&self, uri: &str, version: i32) -> Vec<Value> {
        let is_meant = |m: &Value| {
            m["method"] == "textDocument/publishDiagnostics"
                && m["params"]["uri"] == uri
                && m["params"]["version"] == version
        };
        let known = self.notes.borrow().iter().rfind(|m| is_meant(m)).cloned();
        let mut message = known.unwrap_or_else(|| self.receive());
        while !is_meant(&message) {
            message = self.receive();
        }
        message["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// A request about the place of the `|` in a text, which is opened for it.
    pub fn at(&self, method: &str, marked: &str, more: Value) -> Value {
        let (text, position) = cursor(marked);
        let uri = "file:///tmp/at.resnet";
        self.open(uri, &text);
        let mut params = json!({"textDocument": {"uri": uri}, "position": position});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask(method, params)
    }

    pub fn exit_code(mut self) -> Option<i32> {
        self.input.take();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn receive(stream: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).ok()?;
    Some(serde_json::from_slice(&content).unwrap())
}
