//! The loop: messages in, answers and diagnostics out.
//!
//! Every request gets exactly one answer. A mistake of the server's own, a panic, becomes an error
//! that is told, and the next message is met as if nothing had happened: documents change only by
//! notifications that ran to their end.

use std::any::Any;
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError};
use lsp_types::notification::{self as note, Notification as _};
use lsp_types::request::{self as ask, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions,
    HoverProviderCapability, InitializeParams, InitializeResult, MessageType, OneOf,
    PublishDiagnosticsParams, RenameOptions, ServerCapabilities, ServerInfo, ShowMessageParams,
    TextDocumentSyncCapability, TextDocumentSyncKind,
};
use serde_json::{Value, json};

use super::documents::Documents;
use super::frame::{self, Incoming, Malformed};
use super::library::Library;
use super::queue::Queue;
use super::{
    Answer, State, completion, diagnostics, fixes, formatting, hover, inlay, navigation, outline, rename,
};

/// How the server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was shut down, and then told to exit.
    Asked,
    /// It was told to exit, or its input ended, without a shutdown.
    Abruptly,
}

/// Serves a client until it says `exit` or is gone. `cache` is where the compiler's own texts are
/// written for the editor to open.
///
/// # Errors
///
/// If nothing can be written to the client any more.
pub fn serve(
    mut input: impl BufRead + Send + 'static,
    output: impl Write,
    cache: Option<PathBuf>,
) -> io::Result<Ended> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // An error of the stream is its end: there is nobody to tell.
        while let Ok(Some(incoming)) = frame::read(&mut input) {
            if sender.send(incoming).is_err() {
                return;
            }
        }
    });
    let state = State { documents: Documents::default(), library: Library::new(cache), related: false };
    Server { state, phase: Phase::Fresh, output, dispatch }.run(Queue::new(receiver))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before `initialize`.
    Fresh,
    Running,
    /// Behind `shutdown`.
    Ending,
}

struct Server<W> {
    state: State,
    phase: Phase,
    output: W,
    /// Meets requests once the server is running.
    dispatch: fn(&State, Request) -> Outcome,
}

type Outcome = Result<Value, ResponseError>;

impl<W: Write> Server<W> {
    fn run(mut self, mut queue: Queue) -> io::Result<Ended> {
        while let Some(incoming) = queue.next() {
            match incoming {
                Incoming::Message(Message::Request(request)) => {
                    let id = request.id.clone();
                    let outcome = self.request(request);
                    self.answer(id, outcome)?;
                }
                Incoming::Message(Message::Notification(n)) if n.method == note::Exit::METHOD => {
                    return Ok(if self.phase == Phase::Ending { Ended::Asked } else { Ended::Abruptly });
                }
                Incoming::Message(Message::Notification(n)) => self.notification(n)?,
                // The server asks nothing.
                Incoming::Message(Message::Response(_)) => {}
                Incoming::Cancelled(id) => {
                    self.answer(id, Err(error(ErrorCode::RequestCanceled, "cancelled")))?;
                }
                Incoming::Malformed(malformed) => self.malformed(malformed)?,
            }
            if queue.is_idle() {
                self.publish_new()?;
            }
        }
        Ok(Ended::Abruptly)
    }

    fn request(&mut self, request: Request) -> Outcome {
        match (self.phase, request.method.as_str()) {
            (Phase::Fresh, ask::Initialize::METHOD) => self.initialize(request.params),
            (Phase::Fresh, _) => {
                Err(error(ErrorCode::ServerNotInitialized, "the first request is `initialize`"))
            }
            (_, ask::Initialize::METHOD) => Err(error(ErrorCode::InvalidRequest, "`initialize` comes once")),
            (Phase::Ending, _) => Err(error(ErrorCode::InvalidRequest, "the server is shut down")),
            (Phase::Running, ask::Shutdown::METHOD) => {
                self.phase = Phase::Ending;
                Ok(Value::Null)
            }
            (Phase::Running, _) => guarded(|| (self.dispatch)(&self.state, request)).unwrap_or_else(|why| {
                Err(error(ErrorCode::InternalError, &format!("a mistake of resnetc's own: {why}")))
            }),
        }
    }

    fn initialize(&mut self, params: Value) -> Outcome {
        let params: InitializeParams = read(params)?;
        let diagnostics = params.capabilities.text_document.and_then(|t| t.publish_diagnostics);
        self.state.related = diagnostics.and_then(|d| d.related_information) == Some(true);
        self.phase = Phase::Running;
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        Ok(json!(InitializeResult {
            capabilities: capabilities(),
            server_info: Some(ServerInfo { name: "resnetc".to_owned(), version }),
        }))
    }

    fn notification(&mut self, notification: Notification) -> io::Result<()> {
        if self.phase != Phase::Running {
            return Ok(());
        }
        let method = notification.method.clone();
        let told = match guarded(|| follow(&mut self.state, notification)) {
            Ok(Ok(closed)) => match closed {
                Some(gone) => return self.notify::<note::PublishDiagnostics>(gone),
                None => return Ok(()),
            },
            Ok(Err(why)) => format!("{method}: {why}"),
            Err(why) => format!("{method}: a mistake of resnetc's own: {why}"),
        };
        self.tell(told)
    }

    fn publish_new(&mut self) -> io::Result<()> {
        for uri in self.state.documents.take_new() {
            let state = &self.state;
            let found = guarded(|| {
                state.documents.get(&uri).ok().map(|document| diagnostics::publish(state, document))
            });
            match found {
                Ok(Some(params)) => self.notify::<note::PublishDiagnostics>(params)?,
                Ok(None) => {}
                Err(why) => self.tell(format!("a mistake of resnetc's own: {why}"))?,
            }
        }
        Ok(())
    }

    fn malformed(&mut self, malformed: Malformed) -> io::Result<()> {
        let answer = error(malformed.code, &malformed.reason);
        match malformed.id {
            Some(id) => self.answer(id, Err(answer)),
            // The message types have no answer to nobody.
            None => {
                let text = json!({ "jsonrpc": "2.0", "id": null, "error": answer }).to_string();
                write!(self.output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
                self.output.flush()
            }
        }
    }

    fn answer(&mut self, id: RequestId, outcome: Outcome) -> io::Result<()> {
        Message::from(Response { id, response_result: outcome }).write(&mut self.output)
    }

    fn tell(&mut self, message: String) -> io::Result<()> {
        self.notify::<note::ShowMessage>(ShowMessageParams { typ: MessageType::ERROR, message })
    }

    fn notify<N: note::Notification>(&mut self, params: N::Params) -> io::Result<()> {
        let notification = Notification { method: N::METHOD.to_owned(), params: json!(params) };
        Message::from(notification).write(&mut self.output)
    }
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::INCREMENTAL)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([" ", ",", "("].map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        inlay_hint_provider: Some(OneOf::Left(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: Default::default(),
        })),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

/// Meets a request by its feature.
fn dispatch(state: &State, request: Request) -> Outcome {
    let (method, params) = (request.method.as_str(), request.params);
    match method {
        ask::DocumentSymbolRequest::METHOD => {
            by::<ask::DocumentSymbolRequest>(state, params, outline::outline)
        }
        ask::HoverRequest::METHOD => by::<ask::HoverRequest>(state, params, hover::hover),
        ask::Completion::METHOD => by::<ask::Completion>(state, params, completion::complete),
        ask::CodeActionRequest::METHOD => by::<ask::CodeActionRequest>(state, params, fixes::actions),
        ask::InlayHintRequest::METHOD => by::<ask::InlayHintRequest>(state, params, inlay::hints),
        ask::GotoDefinition::METHOD => by::<ask::GotoDefinition>(state, params, navigation::definition),
        ask::References::METHOD => by::<ask::References>(state, params, navigation::references),
        ask::DocumentHighlightRequest::METHOD => {
            by::<ask::DocumentHighlightRequest>(state, params, navigation::highlights)
        }
        ask::PrepareRenameRequest::METHOD => by::<ask::PrepareRenameRequest>(state, params, rename::prepare),
        ask::Rename::METHOD => by::<ask::Rename>(state, params, rename::rename),
        ask::Formatting::METHOD => by::<ask::Formatting>(state, params, formatting::format),
        _ => Err(error(ErrorCode::MethodNotFound, &format!("there is no request `{method}`"))),
    }
}

fn by<R: ask::Request>(
    state: &State,
    params: Value,
    feature: fn(&State, R::Params) -> Answer<R::Result>,
) -> Outcome {
    match feature(state, read(params)?) {
        Ok(result) => Ok(json!(result)),
        Err(refusal) => Err(error(ErrorCode::RequestFailed, &refusal.0)),
    }
}

/// Follows a notification; gives the diagnostics of a document that is gone, which are none.
fn follow(state: &mut State, notification: Notification) -> Result<Option<PublishDiagnosticsParams>, String> {
    let (method, params) = (notification.method.as_str(), notification.params);
    match method {
        note::DidOpenTextDocument::METHOD => {
            let params = parse::<note::DidOpenTextDocument>(params)?;
            state.documents.open(params.text_document);
            Ok(None)
        }
        note::DidChangeTextDocument::METHOD => {
            let params = parse::<note::DidChangeTextDocument>(params)?;
            let document = params.text_document;
            let changed = state.documents.change(&document.uri, document.version, params.content_changes);
            changed.map(|()| None).map_err(|refusal| refusal.0)
        }
        note::DidCloseTextDocument::METHOD => {
            let uri = parse::<note::DidCloseTextDocument>(params)?.text_document.uri;
            state.documents.close(&uri);
            Ok(Some(PublishDiagnosticsParams { uri, diagnostics: Vec::new(), version: None }))
        }
        // What a server does not know, it may ignore.
        _ => Ok(None),
    }
}

fn parse<N: note::Notification>(params: Value) -> Result<N::Params, String> {
    serde_json::from_value(params).map_err(|error| error.to_string())
}

fn read<T: serde::de::DeserializeOwned>(params: Value) -> Result<T, ResponseError> {
    serde_json::from_value(params).map_err(|e| error(ErrorCode::InvalidParams, &e.to_string()))
}

fn error(code: ErrorCode, message: &str) -> ResponseError {
    ResponseError { code: code as i32, message: message.to_owned(), data: None }
}

/// Runs what may panic, and gives what the panic said.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let said = |panic: Box<dyn Any + Send>| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().map_or("a panic", |text| *text).to_owned(),
    };
    catch_unwind(AssertUnwindSafe(run)).map_err(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_and_the_next_request_is_met() {
        let (sender, receiver) = channel();
        for (id, method) in [(1, "initialize"), (2, "fails"), (3, "works")] {
            let message = json!({ "id": id, "method": method, "params": { "capabilities": {} } });
            sender.send(Incoming::Message(serde_json::from_value(message).unwrap())).unwrap();
        }
        drop(sender);
        let state = State { documents: Documents::default(), library: Library::new(None), related: false };
        let dispatch = |_: &State, request: Request| match request.method.as_str() {
            "fails" => unreachable!("no way"),
            _ => Ok(json!("done")),
        };
        let mut output = Vec::new();
        let server = Server { state, phase: Phase::Fresh, output: &mut output, dispatch };
        assert_eq!(server.run(Queue::new(receiver)).unwrap(), Ended::Abruptly);
        let said = String::from_utf8(output).unwrap();
        let [_, fails, works] = said.split("Content-Length").skip(1).collect::<Vec<_>>()[..] else {
            panic!("three answers: {said}")
        };
        assert!(fails.contains("-32603") && fails.contains("no way"), "{fails}");
        assert!(works.contains("done"), "{works}");
    }

    #[test]
    fn a_panic_becomes_what_it_said() {
        assert_eq!(guarded(|| 3), Ok(3));
        assert_eq!(
            guarded(|| -> u8 { unreachable!("no {}", "way") }),
            Err("internal error: entered unreachable code: no way".to_owned())
        );
    }
}
