//! Values from outside the model: an alias's arguments and the command line's `--set`.
//!
//! Besides a model's parameters two things can always be set: `shortcut`, the mode, and `input`,
//! the image's size.

use crate::diagnostics::{Code, Diagnostic, FileId, Sink, Sources, Span, nearest};
use crate::syntax::ast::{Call, CallArg, ExprKind, Item, ItemKind, Param};

use super::catalogue::SHORTCUT_MODES;
use super::eval::{Env, Value, wrong_kind};
use super::expand::{Shortcut, bind_params};
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
    dims.map_or_else(|_| Value::Text(text.to_owned()), Value::Size)
}

/// Follows aliases to a model with a body, and gathers the values that it is given.
pub(super) fn resolve<'a>(request: &'a Request, item: &'a Item, sink: &mut Sink) -> Option<Resolved<'a>> {
    let mut given: Vec<Given> = Vec::new();
    let mut at = item;
    let mut calls = Vec::new();
    let (params, body) = loop {
        match &at.kind {
            ItemKind::Model { params, body } => break (params, body),
            ItemKind::Alias { base } => {
                if calls.len() >= MAX_ALIASES {
                    sink.push(Diagnostic::error(
                        Code::R0108,
                        base.name.span,
                        format!("`{}` is an alias of itself", item.name.text),
                        "leads back here",
                    ));
                    return None;
                }
                calls.push(base);
                at = find_base(request, base, sink)?;
            }
            ItemKind::Block { .. } => unreachable!("blocks are not models"),
        }
    };
    // The innermost call is bound by place; the outer ones can only override by name.
    let mut values = vec![None; params.len()];
    for (depth, call) in calls.iter().rev().enumerate() {
        let (own, rest) = split_call(call);
        if depth > 0 && own.args.iter().any(|a| a.name.is_none()) {
            sink.push(
                Diagnostic::error(Code::R0107, call.span, "an alias's own parameters are given by name", "")
                    .with_help("write `NAME = VALUE`"),
            );
            return None;
        }
        for (slot, value) in values.iter_mut().zip(bind_params("model", params, &own, &Env::default(), sink)?)
        {
            *slot = value.or(slot.take());
        }
        given.extend(rest);
    }
    for setting in request.settings {
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
    for (param, value) in params.iter().zip(&values) {
        if let Some((value @ (Value::Text(_) | Value::Size(_)), span)) = value {
            sink.push(
                wrong_kind(*span, "a whole number", value).with_label(param.name.span, "for this parameter"),
            );
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
fn split_call(call: &Call) -> (Call, Vec<Given>) {
    let is_setting =
        |a: &CallArg| a.name.as_ref().is_some_and(|n| matches!(n.text.as_str(), "shortcut" | "input"));
    let (settings, own): (Vec<_>, Vec<_>) = call.args.iter().cloned().partition(is_setting);
    let given = settings.into_iter().filter_map(|arg| {
        let value = match arg.value.kind {
            ExprKind::Path(word) => Value::Text(word.text),
            ExprKind::Int(side) => Value::Int(side),
            ExprKind::Size(size) => Value::Size(size),
            _ => return None,
        };
        Some(Given { name: arg.name?.text, value, span: arg.value.span })
    });
    (Call { args: own, ..call.clone() }, given.collect())
}

fn find_base<'a>(request: &'a Request, base: &Call, sink: &mut Sink) -> Option<&'a Item> {
    let files = std::iter::once(request.file).chain(request.library);
    let models: Vec<&Item> =
        files.flat_map(|f| &f.items).filter(|i| !matches!(i.kind, ItemKind::Block { .. })).collect();
    let found = models.iter().find(|i| i.name.text == base.name.text);
    if found.is_none() {
        let name = &base.name;
        let mut error = Diagnostic::error(
            Code::R0101,
            name.span,
            format!("there is no model `{}`", name.text),
            "unknown model",
        );
        if let Some(near) = nearest(&name.text, models.iter().map(|i| i.name.text.as_str())) {
            error = error.with_help(format!("there is `{near}`"));
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
        None => {
            let all = names.map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
            error.with_note(format!("it can be given {all}"))
        }
    }
}

fn apply(resolved: &mut Resolved, given: Given, sink: &mut Sink) {
    match (given.name.as_str(), &given.value) {
        ("shortcut", Value::Text(word)) if Shortcut::from_word(word).is_some() => {
            resolved.shortcut = Shortcut::from_word(word).map(|s| (s, given.span));
        }
        ("shortcut", other) => {
            let word = if let Value::Text(t) = other { t.as_str() } else { "" };
            let all = SHORTCUT_MODES.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
            let mut error = Diagnostic::error(Code::R0302, given.span, "this is no shortcut mode", "")
                .with_note(format!("known: {all}"));
            if let Some(near) = nearest(word, SHORTCUT_MODES.iter().copied()) {
                error = error.with_help(format!("there is `{near}`"));
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
                    Diagnostic::error(Code::R0302, given.span, "this is no input size", "")
                        .with_help("write a side (`320`), height x width (`320x240`) or `3x320x240`"),
                );
            } else {
                let dims = dims.into_iter().map(|d| d as usize).collect();
                resolved.input = Some((dims, given.span));
            }
        }
    }
}
