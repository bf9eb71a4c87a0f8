//! Values from outside the model: an alias's arguments and the command line's `--set`.
//!
//! Besides a model's parameters two things can always be set: `shortcut`, the mode, and `input`,
//! the image's size.

use crate::diagnostics::{Code, Diagnostic, FileId, Sink, Sources, Span, nearest};
use crate::syntax::ast::{Call, CallArg, ExprKind, Item, ItemKind, Param};

use super::bind::quoted;
use super::catalogue::SHORTCUT_MODES;
use super::eval::{Env, Value, wrong_kind};
use super::expand::Shortcut;
use super::repeat::{Callee, bind_params, whole};
use super::{Request, Resolved};

/// Aliases of aliases.
const MAX_ALIASES: usize = 16;

/// One `--set NAME=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The parameter, `shortcut` or `input`.
    pub name: String,
    /// Its value: a whole number, `true`, `false`, `224x224`, or a word.
    pub value: Value,
    /// Where the setting is among the sources.
    pub span: Span,
}

impl Setting {
    /// Reads `NAME=VALUE`, and adds it to the sources so that errors can show it.
    pub fn parse(text: &str, sources: &mut Sources) -> Result<Self, String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(format!("`{text}` is no setting: write NAME=VALUE, as in `depth=56`"));
        };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || value.is_empty() {
            return Err(format!("`{text}` is no setting: write NAME=VALUE, as in `depth=56`"));
        }
        let file = sources.add("--set", text);
        let span = Span { file, start: 0, end: text.len() as u32 };
        Ok(Self { name: name.to_owned(), value: parse_value(value), span })
    }

    /// A setting that comes from a program, not from text.
    pub fn new(name: impl Into<String>, value: Value) -> Self {
        Self { name: name.into(), value, span: Span { file: FileId(0), start: 0, end: 0 } }
    }
}

fn parse_value(text: &str) -> Value {
    if let Ok(number) = text.parse() {
        return Value::Int(number);
    }
    if let Ok(truth) = text.parse() {
        return Value::Bool(truth);
    }
    let dims: Result<Vec<i64>, _> = text.split('x').map(str::parse).collect();
    dims.map_or_else(|_| Value::Text(text.into()), Value::Size)
}

/// Follows aliases to a model with a body, and gathers the values that it is given.
pub(super) fn resolve<'a>(request: &'a Request, item: &'a Item, sink: &mut Sink) -> Option<Resolved<'a>> {
    let mut given: Vec<Given> = Vec::new();
    let mut at = item;
    let mut calls: Vec<&Call> = Vec::new();
    let (params, body) = loop {
        match &at.kind {
            ItemKind::Model { params, body } => break (params, body),
            ItemKind::Alias { base } => {
                if base.name.text == item.name.text || calls.len() >= MAX_ALIASES {
                    let message = format!("`{}` is an alias of itself", item.name.text);
                    let error = Diagnostic::error(Code::R0108, base.name.span, message, "leads back");
                    sink.push(match calls.is_empty() {
                        true => error.with_help("name the alias otherwise than the model it stands for"),
                        false => error.with_label(item.name.span, "to here"),
                    });
                    return None;
                }
                calls.push(base);
                at = find_model(request, &base.name.text, base.name.span, sink)?;
            }
            ItemKind::Block { .. } => unreachable!("blocks are not models"),
        }
    };
    // The innermost call is bound by place; the outer ones can only override by name.
    let mut values = vec![None; params.len()];
    for (depth, call) in calls.iter().rev().enumerate() {
        let (own, rest) = split_call(call, sink);
        if depth > 0 && own.args.iter().any(|a| a.name.is_none()) {
            sink.push(
                Diagnostic::error(Code::R0107, call.span, "an alias of an alias takes no value by place", {
                    "which parameter it is for is not clear"
                })
                .with_help("write `NAME = VALUE`"),
            );
            return None;
        }
        // What is still without a value may get one from an outer alias or a setting, and is
        // reported by whoever needs it.
        let bound = bind_params(Callee::Model, params, &own, &Env::default(), sink);
        for (slot, value) in values.iter_mut().zip(bound) {
            *slot = value.or(slot.take());
        }
        given.extend(rest);
    }
    for (place, setting) in request.settings.iter().enumerate() {
        if let Some(first) = request.settings[..place].iter().find(|s| s.name == setting.name) {
            let message = format!("`{}` is set twice", setting.name);
            let error = Diagnostic::error(Code::R0307, setting.span, message, "set again");
            sink.push(error.with_label(first.span, "set here"));
        }
        if let Some(place) = params.iter().position(|p| p.name.text == setting.name) {
            values[place] = Some((setting.value.clone(), setting.span));
        } else if matches!(setting.name.as_str(), "shortcut" | "input") {
            given.push(Given {
                name: setting.name.clone(),
                value: setting.value.clone(),
                span: setting.span,
            });
        } else {
            sink.push(unknown_setting(setting, &item.name.text, params));
        }
    }
    for (param, slot) in params.iter().zip(&mut values) {
        if let Some((value, span)) = slot
            && !whole(value, *span, param.name.span, sink)
        {
            *value = Value::Unknown;
        }
    }
    let mut resolved = Resolved {
        name: &item.name.text,
        span: item.name.span,
        params,
        values,
        body,
        shortcut: None,
        input: None,
    };
    for given in given {
        apply(&mut resolved, given, sink);
    }
    Some(resolved)
}

struct Given {
    name: String,
    value: Value,
    span: Span,
}

/// Parts a call's arguments from `shortcut = …` and `input = …`.
fn split_call(call: &Call, sink: &mut Sink) -> (Call, Vec<Given>) {
    let is_setting =
        |a: &CallArg| a.name.as_ref().is_some_and(|n| matches!(n.text.as_str(), "shortcut" | "input"));
    let (settings, own): (Vec<_>, Vec<_>) = call.args.iter().cloned().partition(is_setting);
    let mut given: Vec<Given> = Vec::new();
    for arg in settings {
        let Some(name) = arg.name else { continue };
        let span = arg.value.span;
        let value = match arg.value.kind {
            ExprKind::Path(word) => Value::Text(word.text.into()),
            ExprKind::Text(text) => {
                let found = Value::Text(text.as_str().into());
                let error = wrong_kind(span, "a word", &found);
                sink.push(error.with_fix(format!("write `{text}` without quotes"), span, &text));
                continue;
            }
            _ => match Env::default().eval(&arg.value, sink) {
                Some(value) => value,
                None => continue,
            },
        };
        if let Some(first) = given.iter().find(|g| g.name == name.text) {
            let error = Diagnostic::error(
                Code::R0307,
                span,
                format!("`{}` is given twice", name.text),
                "given again",
            );
            sink.push(error.with_label(first.span, "given here"));
            continue;
        }
        given.push(Given { name: name.text, value, span });
    }
    (Call { args: own, ..call.clone() }, given)
}

/// The model of that name, of the file or shipped.
pub(super) fn find_model<'a>(
    request: &Request<'a>,
    name: &str,
    span: Span,
    sink: &mut Sink,
) -> Option<&'a Item> {
    let files = std::iter::once(request.file).chain(request.library);
    let models: Vec<&Item> =
        files.flat_map(|f| &f.items).filter(|i| !matches!(i.kind, ItemKind::Block { .. })).collect();
    let found = models.iter().find(|i| i.name.text == name);
    if found.is_none() {
        let message = format!("there is no model `{name}`");
        let mut error = Diagnostic::error(Code::R0101, span, message, "unknown model");
        let blocks = request.library.iter().chain([request.file]).flat_map(|f| &f.items);
        let is_block = |i: &Item| i.name.text == name && matches!(i.kind, ItemKind::Block { .. });
        if blocks.into_iter().any(is_block) {
            error = error.with_note("what is wanted is a model, and this is a block");
        } else if let Some(near) = nearest(name, models.iter().map(|i| i.name.text.as_str())) {
            error = error.with_nearest(span, near);
        }
        sink.push(error);
    }
    found.copied()
}

fn unknown_setting(setting: &Setting, model: &str, params: &[Param]) -> Diagnostic {
    let names = params.iter().map(|p| p.name.text.as_str()).chain(["shortcut", "input"]);
    let error = Diagnostic::error(
        Code::R0105,
        setting.span,
        format!("`{model}` has no parameter `{}`", setting.name),
        "unknown parameter",
    );
    match nearest(&setting.name, names.clone()) {
        Some(near) => error.with_help(format!("there is `{near}`")),
        None => error.with_note(format!("it can be given {}", quoted(names))),
    }
}

fn apply(resolved: &mut Resolved, given: Given, sink: &mut Sink) {
    match (given.name.as_str(), &given.value) {
        ("shortcut", Value::Text(word)) if Shortcut::from_word(word).is_some() => {
            resolved.shortcut = Shortcut::from_word(word).map(|s| (s, given.span));
        }
        ("shortcut", other) => {
            let word = if let Value::Text(t) = other { t } else { "" };
            let shown = if word.is_empty() { other.describe() } else { format!("`{word}`") };
            let message = format!("{shown} is no shortcut mode");
            let mut error = Diagnostic::error(Code::R0302, given.span, message, "unknown mode")
                .with_note(format!("known: {}", quoted(SHORTCUT_MODES.iter().map(|m| m.word))));
            if let Some(near) = nearest(word, SHORTCUT_MODES.iter().map(|m| m.word)) {
                error = error.with_nearest(given.span, near);
            }
            sink.push(error);
        }
        (_, value) => {
            let dims = match value {
                Value::Int(side) => vec![*side],
                Value::Size(dims) => dims.clone(),
                _ => Vec::new(),
            };
            let fits = |d: &i64| (1..=1 << 16).contains(d);
            if dims.is_empty() || dims.len() > 3 || !dims.iter().all(fits) {
                sink.push(
                    Diagnostic::error(
                        Code::R0302,
                        given.span,
                        "this is no input size",
                        "sides are from 1 to 65536",
                    )
                    .with_help("write a side (`320`), height x width (`320x240`) or `3x320x240`"),
                );
            } else {
                let dims = dims.into_iter().map(|d| d as usize).collect();
                resolved.input = Some((dims, given.span));
            }
        }
    }
}
