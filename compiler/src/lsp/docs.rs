//! What the compiler's own tables say of words, and what authors say of their blocks and models.

use crate::model::bind::usage;
use crate::model::catalogue::{ArgSpec, Choice, CommandSpec};
use crate::syntax::ast::Item;
use crate::syntax::signature;

/// A command: what it is, how it is written, its arguments.
pub fn command(spec: &CommandSpec) -> String {
    let args = spec.args.iter().map(|arg| format!("\n- {}", argument(arg)));
    let list: String = args.collect();
    let gap = if list.is_empty() { "" } else { "\n" };
    format!("**{}**: {}\n\n{}{gap}{list}", spec.word, spec.doc, usage(spec))
}

/// An argument in a line.
pub fn argument(arg: &ArgSpec) -> String {
    format!("`{}`: {}", arg.name, arg.doc)
}

/// A word of the grammar, or one that an argument can be.
pub fn choice(choice: &Choice) -> String {
    format!("**{}**: {}", choice.word, choice.doc)
}

/// How a model or block begins, and the comment above it.
pub fn item(item: &Item) -> String {
    let text: Vec<_> = item.lead.comments.iter().map(|c| c.text.trim()).collect();
    format!("```resnet\n{}\n```\n\n{}", signature(item), text.join("\n"))
}
