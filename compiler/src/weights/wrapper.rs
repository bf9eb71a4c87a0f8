//! The state dict within what a training script saved.
//!
//! In: the object of a PyTorch checkpoint. Out: names and tensors of its state dict. Scripts wrap it in
//! a dict with the epoch, the optimiser and more, under one of a few keys, at times twice. The first of
//! [`WRAPPERS`] under which there is a dict with tensors wins; then the dict itself, if it has tensors;
//! then the only one of its dicts, the optimiser's apart, that has any.

use std::collections::HashSet;

use super::MAX_NAME;
use super::error::{Problem, quote};
use super::object::{Id, Object, Value, View};

/// Keys under which scripts put a state dict, the one to prefer first: the trained weights, then their
/// moving average.
const WRAPPERS: [&str; 13] = [
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "net",
    "network",
    "net_state_dict",
    "weights",
    "params",
    "model_ema",
    "state_dict_ema",
    "ema_state_dict",
    "ema",
];
/// How many dicts can lie around a state dict.
const MAX_LEVELS: usize = 3;

/// The tensors of the state dict in `object`, in its order.
pub(super) fn find_tensors<'a>(object: &'a Object<'a>) -> Result<Vec<(&'a str, &'a View)>, Problem> {
    let missing = || Problem::NoStateDict { keys: list_keys(object, object.root) };
    let mut search = Search { object, seen: HashSet::new() };
    let dict = search.find_dict(object.root, MAX_LEVELS).ok_or_else(missing)?;
    let mut names = HashSet::new();
    let mut tensors = Vec::new();
    for &(key, value) in items(object, dict) {
        let (Some(name), Value::Tensor(view)) = (object.text(key), object.value(value)) else { continue };
        if name.len() > MAX_NAME {
            return Err(Problem::Limit { what: "bytes in a tensor's name", limit: MAX_NAME });
        }
        if !names.insert(name) {
            return Err(Problem::Tensor { name: quote(name), what: "occurs twice".into() });
        }
        tensors.push((name, &**view));
    }
    Ok(tensors)
}

fn items<'a>(object: &'a Object<'_>, id: Id) -> &'a [(Id, Id)] {
    match object.value(id) {
        Value::Dict(items) => items,
        _ => &[],
    }
}

/// A search that looks into each dict once, however often it is referred to.
struct Search<'a> {
    object: &'a Object<'a>,
    seen: HashSet<Id>,
}

impl Search<'_> {
    fn find_dict(&mut self, id: Id, levels: usize) -> Option<Id> {
        let levels = levels.checked_sub(1)?;
        if !self.seen.insert(id) {
            return None;
        }
        let object = self.object;
        let entries = items(object, id);
        for wrapper in WRAPPERS {
            let inner = entries.iter().find(|&&(key, _)| object.text(key) == Some(wrapper));
            if let Some(found) = inner.and_then(|&(_, inner)| self.find_dict(inner, levels)) {
                return Some(found);
            }
        }
        if has_tensors(object, id) {
            return Some(id);
        }
        let is_training = |key: Id| object.text(key).is_none_or(|key| key.contains("optim"));
        let others = entries.iter().filter(|&&(key, _)| !is_training(key));
        let mut found = others.filter_map(|&(_, inner)| self.find_dict(inner, levels));
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

fn has_tensors(object: &Object<'_>, id: Id) -> bool {
    let is_tensor = |&(key, value): &(Id, Id)| {
        object.text(key).is_some() && matches!(object.value(value), Value::Tensor(_))
    };
    items(object, id).iter().any(is_tensor)
}

fn list_keys(object: &Object<'_>, id: Id) -> Vec<String> {
    items(object, id).iter().filter_map(|&(key, _)| object.text(key)).take(8).map(quote).collect()
}
