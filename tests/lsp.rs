//! The language server as an editor has it: a process, its streams, real text.
//!
//! In a test's text `|` marks the cursor; it is removed before the text is sent.

#[path = "lsp/client.rs"]
mod client;
#[path = "lsp/protocol.rs"]
mod protocol;
#[path = "lsp/reading.rs"]
mod reading;
#[path = "lsp/texts.rs"]
mod texts;
#[path = "lsp/writing.rs"]
mod writing;
