//! Text to syntax tree and back.
//!
//! [`parse()`] reads a file and reports every mistake in it; [`format()`] writes a tree in the one
//! canonical layout. The text goes through `lex` (nom over characters) to tokens, and through
//! `parse`, `statement` and `expr` (nom over tokens) to the tree.

pub mod ast;
pub mod context;
mod expr;
mod format;
mod lex;
mod log;
mod parse;
mod recover;
mod statement;
mod tokens;

pub use format::{format, signature};
pub use parse::parse;

#[cfg(test)]
mod tests;
