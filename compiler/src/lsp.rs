//! A language server for specs: the Language Server Protocol 3.17 over a pair of streams.
//!
//! One thread reads messages (`frame`), the other answers them in order (`server`). All answers
//! about a version of a document come from one `analysis` of it, made when it is first asked for.
//! A file a feature; each is a function of the documents and the request's parameters. The text is
//! as broken as it is while someone types: features rest on what could be read, completion on the
//! tokens before the cursor alone.

mod analysis;
mod completion;
mod diagnostics;
mod docs;
mod documents;
mod fixes;
mod formatting;
mod frame;
mod hover;
mod inlay;
mod instances;
mod library;
mod names;
mod navigation;
mod outline;
mod queue;
mod rename;
mod server;
mod text;
mod uri;

pub use server::{Ended, serve};

use documents::Documents;
use library::Library;

/// What answers are made from.
struct State {
    documents: Documents,
    library: Library,
    /// Whether the client shows places beside a diagnostic's own.
    related: bool,
}

/// Why a request that is understood is not met; told to the user.
struct Refusal(String);

/// What a feature gives.
type Answer<T> = Result<T, Refusal>;
