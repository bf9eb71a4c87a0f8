//! What authors say of their blocks and models.

use crate::syntax::ast::Item;
use crate::syntax::signature;

/// How a model or block begins, and the comment above it.
pub fn item(item: &Item) -> String {
    let text: Vec<_> = item.lead.comments.iter().map(|c| c.text.trim()).collect();
    format!("```resnet\n{}\n```\n\n{}", signature(item), text.join("\n"))
}
