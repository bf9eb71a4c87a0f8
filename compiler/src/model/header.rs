//! The first walk over a model: its names and settings.
//!
//! In: the statements at a model's top. Out: a [`Header`], and the parts, members and outputs for the second
//! walk.

use std::collections::HashMap;

use resnetc_runtime::plan::Filter;

use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::ast::{Command, StatementKind};

use super::bind::{Args, bind};
use super::catalogue::Family;
use super::eval::Env;
use super::expand::{Expander, Shortcut, require};
use super::limits::{SMALLER, cost};
use super::network::Shape;
use super::{Checker, Resolved};

/// Channels, rows and columns of an input, each at most.
const MAX_SIDE: usize = 1 << 16;
/// Parts, outputs and members of a model, each of which is compared with all others.
const MOST_PARTS: usize = 4096;

/// What the settings of a model say.
#[derive(Default)]
pub(super) struct Header {
    pub input: Option<Shape>,
    pub shortcut: Option<Shortcut>,
    pub mean: Option<[f32; 3]>,
    pub std: Option<[f32; 3]>,
    pub resize: Option<(usize, Filter)>,
    pub labels: Vec<String>,
    pub weights: Option<String>,
    pub renames: Vec<(String, String)>,
    /// What an ensemble averages.
    pub average: Option<String>,
    /// The settings that are given.
    pub seen: HashMap<&'static str, Span>,
    /// Whether there are statements that no one knows the meaning of.
    pub unread: bool,
}

impl<'a> Checker<'a, '_> {
    /// The first walk over a model: names and settings. Parts and outputs are left for the second.
    pub(super) fn header(&mut self, model: &Resolved<'a>, env: &mut Env) -> (Header, Vec<&'a Command>) {
        let mut header = Header::default();
        let mut parts = Vec::new();
        for statement in &model.body.statements {
            if !self.take_text(cost(statement, env), statement.span, SMALLER) {
                header.unread = true;
                break;
            }
            match &statement.kind {
                StatementKind::Let { name, value } => {
                    let value = env.define_let(name, value, self.sink);
                    self.take_text(value.bytes(), name.span, SMALLER);
                    self.trace.values.push((name.span, value));
                }
                StatementKind::Require { condition, message } => require(condition, message, env, self.sink),
                StatementKind::Rename { from, to } => {
                    header.renames.push((from.text.clone(), to.text.clone()));
                }
                StatementKind::Repeat { block, .. } => {
                    self.out_of_place(&block.name.text, block.span, "in a stage");
                }
                StatementKind::Command(command) => self.setting(command, env, &mut header, &mut parts),
                StatementKind::Error => (header.unread, env.incomplete) = (true, true),
            }
            if parts.len() > MOST_PARTS {
                let message = format!("the model has more than {MOST_PARTS} parts, outputs and members");
                let error = Diagnostic::error(Code::R0401, statement.span, message, "not read from here on");
                self.sink.push(error.with_help("split it into models"));
                parts.truncate(MOST_PARTS);
                header.unread = true;
                break;
            }
        }
        if let Some((shortcut, _)) = model.shortcut {
            header.shortcut = Some(shortcut);
        }
        if let (Some((dims, span)), Some(input)) = (&model.input, &mut header.input) {
            match *dims.as_slice() {
                [side] => (input[1], input[2]) = (side, side),
                [h, w] => (input[1], input[2]) = (h, w),
                [c, h, w] => *input = [c, h, w],
                _ => self.sink.push(Diagnostic::error(
                    Code::R0302,
                    *span,
                    "an input is a side, height x width, or channels x height x width",
                    "none of these",
                )),
            }
        }
        (header, parts)
    }

    fn setting(
        &mut self,
        command: &'a Command,
        env: &mut Env,
        header: &mut Header,
        parts: &mut Vec<&'a Command>,
    ) {
        let span = command.word.span;
        let mut probe = Expander::new(self.sink, self.blocks, self.request.budget, Shortcut::None);
        let Some(spec) = probe.find_command(command) else {
            header.unread = true;
            parts.extend(command.body.is_some().then_some(command));
            return;
        };
        match spec.family {
            Family::Part => return parts.push(command),
            Family::Container | Family::Operation => {
                return self.out_of_place(spec.word, span, "in `stem`, a `stage`, `head` or a block");
            }
            Family::Setting if matches!(spec.word, "output" | "member") => return parts.push(command),
            Family::Setting => _ = probe.check_form(spec, command),
        }
        if let Some(first) = header.seen.insert(spec.word, span) {
            self.sink.push(
                Diagnostic::error(
                    Code::R0307,
                    span,
                    format!("`{}` is given twice", spec.word),
                    "given again",
                )
                .with_label(first, "given here"),
            );
        }
        let args = bind(spec, span, &command.args, env, self.sink);
        args.distrusted.iter().for_each(|expr| env.distrust(expr));
        if args.broken {
            return;
        }
        match spec.word {
            "input" => header.input = self.input(&args),
            "normalize" => (header.mean, header.std) = (args.colours("mean"), args.colours("std")),
            "resize" => {
                let bicubic = args.text("filter").is_some_and(|f| f == "bicubic");
                let filter = if bicubic { Filter::Bicubic } else { Filter::Bilinear };
                header.resize = args.count("shorter_side").map(|side| (side, filter));
            }
            "labels" => header.labels = self.labels(&args),
            "shortcut" => header.shortcut = args.text("mode").as_deref().and_then(Shortcut::from_word),
            "weights" => header.weights = args.text("file"),
            "ensemble" => header.average = args.text("average"),
            other => unreachable!("the catalogue has no setting {other}"),
        }
    }

    fn input(&mut self, args: &Args) -> Option<Shape> {
        let (dims, place) = (args.dims("image")?, args.get("image")?.1);
        if let Some(side) = dims.iter().find(|d| **d > MAX_SIDE) {
            let message = format!("an input of {side} channels or pixels a side");
            let label = format!("at most {MAX_SIDE} each");
            self.sink.push(Diagnostic::error(Code::R0401, place, message, label));
            return None;
        }
        Some(dims)
    }

    /// Takes so many bytes of the budget's text; false, and told, if it has no more.
    pub(super) fn take_text(&mut self, bytes: usize, span: Span, smaller: &str) -> bool {
        let mut probe = Expander::new(self.sink, self.blocks, self.request.budget, Shortcut::None);
        probe.take_text(bytes, span, smaller)
    }

    fn labels(&mut self, args: &Args) -> Vec<String> {
        let Some((_, span)) = args.get("file") else {
            let Some((_, span)) = args.get("names") else { return Vec::new() };
            let names = args.texts("names").unwrap_or_default();
            return self.own(|| names.iter().map(|name| &**name), span);
        };
        let name = args.text("file").unwrap_or_default();
        match (self.request.read)(&name) {
            Ok(text) => self.own(|| text.lines().map(str::trim).filter(|label| !label.is_empty()), span),
            Err(why) => {
                self.sink.push(
                    Diagnostic::error(
                        Code::R0303,
                        span,
                        format!("cannot read the labels: {why}"),
                        "this file",
                    )
                    .with_help("the path is relative to the spec"),
                );
                Vec::new()
            }
        }
    }

    /// Copies labels, if the budget has room for them.
    fn own<'t, L: Iterator<Item = &'t str>>(&mut self, labels: impl Fn() -> L, span: Span) -> Vec<String> {
        let bytes = labels().map(|label| size_of::<String>() + label.len()).sum();
        let room = self.take_text(bytes, span, "use fewer labels, or shorter ones");
        if room { labels().map(str::to_owned).collect() } else { Vec::new() }
    }

    fn out_of_place(&mut self, word: &str, span: Span, place: &str) {
        self.sink.push(Diagnostic::error(
            Code::R0304,
            span,
            format!("`{word}` is out of place"),
            format!("belongs {place}"),
        ));
    }
}
