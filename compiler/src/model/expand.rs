//! Expansion: a model's statements to nodes, blocks unrolled, shapes computed on the way.
//!
//! Checking never stops at the first error: an operation that fails leaves a value of unknown
//! shape, and what reads that is not checked for shapes. The same mistake in a block that is
//! instantiated often is said once, with the place that asked for the block.

use std::collections::HashMap;

use crate::diagnostics::{Code, Diagnostic, Label, Sink, Span, nearest};
use crate::syntax::ast::{Body, Command, Expr, Item, Statement, StatementKind, Text};

use super::bind::{Args, bind, usage};
use super::catalogue::{self, COMMANDS, CommandSpec, Family};
use super::eval::{Env, Value, wrong_kind};
use super::limits::{Budget, SMALLER, cost};
use super::naming::Naming;
use super::network::{Layer, Node, NodeId, Shape};
use super::residual::show;
use super::trace::{Step, Trace};

/// How a residual's shortcut is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// No addition.
    None,
    /// Option A.
    ZeroPad,
    /// Option B.
    Projection,
    /// Option C.
    ProjectionAll,
}

impl Shortcut {
    /// The mode of a word; the catalogue has the words.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "zero_pad" => Some(Self::ZeroPad),
            "projection" => Some(Self::Projection),
            "projection_all" => Some(Self::ProjectionAll),
            _ => None,
        }
    }
}

/// The value that statements pass on: a node, and its shape unless something went wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// The node.
    pub node: NodeId,
    /// What it gives.
    pub shape: Option<Shape>,
}

impl Flow {
    /// The same node, its shape no longer known.
    pub fn unknown(self) -> Self {
        Self { shape: None, ..self }
    }
}

/// The blocks that a model can name.
#[derive(Default)]
pub struct Blocks<'a> {
    /// Each by its name.
    pub items: HashMap<&'a str, &'a Item>,
    /// Whether there is text that could not be read, which may have defined any block.
    pub incomplete: bool,
}

/// The state of one expansion.
pub struct Expander<'a> {
    pub(super) sink: &'a mut Sink,
    pub(super) blocks: &'a Blocks<'a>,
    pub(super) budget: &'a Budget,
    pub(super) shortcut: Shortcut,
    pub(super) nodes: Vec<Node>,
    part: usize,
    pub(super) block: Option<usize>,
    /// The blocks that are being expanded, from the outermost, and where each is asked for.
    pub(super) calls: Vec<(&'a str, Span)>,
    pub(super) trace: Trace,
}

impl<'a> Expander<'a> {
    /// An expansion that has nothing yet.
    pub fn new(sink: &'a mut Sink, blocks: &'a Blocks<'a>, budget: &'a Budget, shortcut: Shortcut) -> Self {
        Self {
            sink,
            blocks,
            budget,
            shortcut,
            nodes: Vec::new(),
            part: 0,
            block: None,
            calls: Vec::new(),
            trace: Trace::default(),
        }
    }

    /// What was expanded, and how.
    pub fn into_parts(self) -> (Vec<Node>, Trace) {
        (self.nodes, self.trace)
    }

    /// Notes that a statement ran; `before` is how many nodes there were, and what it read.
    pub(super) fn record(&mut self, span: Span, before: (usize, Flow), after: Flow) {
        self.trace.steps.push(Step::new(span, before.0..self.nodes.len(), before.1, after));
    }

    /// Expands a part: the stem, a stage or the head.
    pub fn part(
        &mut self,
        part: usize,
        body: &'a Body,
        env: &mut Env,
        flow: Flow,
        names: &mut Naming,
    ) -> Flow {
        (self.part, self.block) = (part, None);
        self.body(body, env, flow, names)
    }

    /// Reports, naming the places that led here. An error in a standard block is reported where the
    /// block is asked for, which is what its user can change.
    pub(super) fn report(&mut self, mut diagnostic: Diagnostic) {
        let (Some(&outer), Some(&inner)) = (self.calls.first(), self.calls.last()) else {
            return self.sink.push(diagnostic);
        };
        if outer.1.file != diagnostic.primary.span.file {
            let here = Label { span: outer.1, text: diagnostic.primary.text.clone() };
            let inside = std::mem::replace(&mut diagnostic.primary, here);
            let text = format!("here in `{}`", inner.0);
            diagnostic.secondary.insert(0, Label { text, ..inside });
        }
        for (name, span) in if outer == inner { vec![outer] } else { vec![inner, outer] } {
            let primary = diagnostic.primary.span;
            let shown = span.start <= primary.start && primary.end <= span.end;
            if !(shown && span.file == primary.file) {
                diagnostic = diagnostic.with_label(span, format!("in `{name}`, asked for here"));
            }
        }
        self.sink.push_once(diagnostic);
    }

    /// Runs what reports to a sink, and names the places that led here.
    pub(super) fn reporting<T>(&mut self, run: impl FnOnce(&mut Sink) -> T) -> T {
        let mut sink = Sink::default();
        let result = run(&mut sink);
        sink.into_sorted().into_iter().for_each(|d| self.report(d));
        result
    }

    /// Adds a node. The shape is unknown after an error; the node is then a place holder.
    pub(super) fn push(
        &mut self,
        layer: Layer,
        inputs: &[NodeId],
        shape: Option<Shape>,
        path: String,
        span: Span,
    ) -> Flow {
        let node = NodeId(self.nodes.len() as u32);
        let too_large = shape.and_then(|shape| Some((shape, self.budget.holds(shape).err()?)));
        if let Some((shape, what)) = &too_large {
            let label = format!("gives {}", show(*shape));
            let help = self.budget.limits().help("use fewer channels, a smaller input or a greater stride");
            self.report(Diagnostic::error(Code::R0401, span, what.clone(), label).with_help(help));
        }
        let shape = shape.filter(|_| too_large.is_none());
        let channels_in = inputs.first().map_or(0, |input| self.nodes[input.0 as usize].shape[0]);
        let taken = self.budget.take_node(&layer, channels_in, shape);
        if let Err(what) = taken.and_then(|()| self.budget.take_text(path.len())) {
            self.fill(span, what, SMALLER);
            return Flow { node: NodeId(0), shape: None };
        }
        let (part, block) = (self.part, self.block);
        let known = shape.unwrap_or([1; 3]);
        self.nodes.push(Node { layer, inputs: inputs.to_vec(), shape: known, path, span, part, block });
        Flow { node, shape }
    }

    /// Says once that the network is past a limit, and what would be smaller; nothing is added to it then.
    pub(super) fn fill(&mut self, span: Span, what: String, smaller: &str) {
        if self.budget.fill() {
            let error = Diagnostic::error(Code::R0401, span, what, "the limit is passed here");
            self.report(error.with_help(self.budget.limits().help(smaller)));
        }
    }

    /// Takes so many bytes of the budget's text; false, and told, if it has no more.
    pub(super) fn take_text(&mut self, bytes: usize, span: Span, smaller: &str) -> bool {
        let taken = self.budget.take_text(bytes);
        taken.map_err(|what| self.fill(span, what, smaller)).is_ok()
    }

    /// Expands the statements between braces.
    pub(super) fn body(&mut self, body: &'a Body, env: &mut Env, flow: Flow, names: &mut Naming) -> Flow {
        self.statements(&body.statements, env, flow, names)
    }

    /// Expands statements, one after the other.
    pub(super) fn statements(
        &mut self,
        statements: &'a [Statement],
        env: &mut Env,
        mut flow: Flow,
        names: &mut Naming,
    ) -> Flow {
        let mark = env.enter();
        let outer = env.channels.take();
        for statement in statements {
            self.take_text(cost(statement, env), statement.span, SMALLER);
            if self.budget.is_full() {
                break;
            }
            env.channels = Some(flow.shape.map_or(Value::Unknown, |s| Value::Int(s[0] as i64)));
            let before = (self.nodes.len(), flow);
            flow = match &statement.kind {
                StatementKind::Let { name, value } => {
                    let value = self.reporting(|sink| env.define_let(name, value, sink));
                    self.take_text(value.bytes(), name.span, SMALLER);
                    self.trace.values.push((name.span, value));
                    flow
                }
                StatementKind::Require { condition, message } => {
                    self.reporting(|sink| require(condition, message, env, sink));
                    flow
                }
                StatementKind::Rename { from, .. } => {
                    self.out_of_place("rename", from.span, "at the top of a model");
                    flow
                }
                StatementKind::Repeat { count, block, args } => {
                    self.repeat(count, block, args, env, flow, names)
                }
                StatementKind::Command(command) => self.command(command, env, flow, names),
                StatementKind::Error => {
                    env.incomplete = true;
                    flow.unknown()
                }
            };
            if matches!(statement.kind, StatementKind::Repeat { .. } | StatementKind::Command(_)) {
                self.record(statement.span, before, flow);
            }
        }
        env.leave(mark);
        env.channels = outer;
        flow
    }

    fn command(&mut self, command: &'a Command, env: &mut Env, flow: Flow, names: &mut Naming) -> Flow {
        let Some(spec) = self.find_command(command) else {
            if let Some(body) = &command.body {
                self.body(body, env, flow, names);
            }
            return flow.unknown();
        };
        if matches!(spec.family, Family::Setting | Family::Part) {
            self.out_of_place(spec.word, command.word.span, "at the top of a model");
            return flow;
        }
        let well_formed = self.check_form(spec, command);
        let args = self.reporting(|sink| bind(spec, command.word.span, &command.args, env, sink));
        args.distrusted.iter().for_each(|expr| env.distrust(expr));
        if args.broken || !well_formed {
            // What is in its braces is still worth checking.
            if let (Family::Container, Some(body)) = (spec.family, &command.body) {
                self.body(body, env, flow, names);
            }
            return flow.unknown();
        }
        match &command.body {
            Some(body) => self.container(spec, command, &args, body, env, flow, names),
            None => self.operation(spec, command, &args, flow, names),
        }
    }

    /// Checks which braces a command has, and whether it can have a name.
    pub(super) fn check_form(&mut self, spec: &CommandSpec, command: &Command) -> bool {
        let word = spec.word;
        let braces = matches!(spec.family, Family::Part | Family::Container);
        let mut errors = Vec::new();
        let error = |code, span, message: String, label| Diagnostic::error(code, span, message, label);
        for (place, clause) in command.clauses.iter().enumerate() {
            let (span, second) = (clause.word.span, &clause.word.text);
            if word != "residual" || second != "projection" {
                let message = format!("`{word}` has no second body `{second}`");
                errors.push(
                    error(Code::R0304, span, message, "unexpected here")
                        .with_help("only `residual { … } projection { … }` has one"),
                );
            } else if place > 0 {
                errors.push(
                    error(Code::R0307, span, "`projection` is given twice".to_owned(), "given again")
                        .with_label(command.clauses[0].word.span, "given here"),
                );
            }
        }
        match &command.body {
            Some(body) if !braces => errors.push(
                error(Code::R0304, body.span, format!("`{word}` takes no body"), "unexpected here")
                    .with_help(usage(spec)),
            ),
            None if braces => errors.push(
                error(
                    Code::R0301,
                    command.word.span,
                    format!("`{word}` lacks its body"),
                    "needs `{ … }` behind it",
                )
                .with_help(usage(spec)),
            ),
            Some(_) | None => {}
        }
        if let Some(name) = &command.name
            && spec.family != Family::Operation
            && !matches!(word, "output" | "member")
        {
            let message = format!("`{word}` takes no name behind `as`");
            errors.push(
                error(Code::R0304, name.span, message, "unexpected here")
                    .with_help("`as` names an operation or an output"),
            );
        }
        let well_formed = errors.is_empty();
        errors.into_iter().for_each(|e| self.report(e));
        well_formed
    }

    #[allow(clippy::too_many_arguments, reason = "one statement with all that is in force around it")]
    fn container(
        &mut self,
        spec: &CommandSpec,
        command: &'a Command,
        args: &Args,
        body: &'a Body,
        env: &mut Env,
        flow: Flow,
        names: &mut Naming,
    ) -> Flow {
        let span = command.word.span;
        match spec.word {
            "residual" => self.residual(command, body, env, flow, names),
            "gate" => self.gate(span, body, env, flow, names),
            "preactivate" => {
                self.out_of_place("preactivate", span, "first in a `residual`");
                flow.unknown()
            }
            "sequential" | "scope" => {
                let prefix = names.join(&args.text("name").unwrap_or_default());
                self.take_text(prefix.len(), span, SMALLER);
                let mut inner =
                    if spec.word == "scope" { Naming::kinds(prefix) } else { Naming::positions(prefix) };
                self.body(body, env, flow, &mut inner)
            }
            other => unreachable!("the catalogue has no container {other}"),
        }
    }

    /// The catalogue's entry for a command's word, or an error with the nearest one.
    pub(super) fn find_command(&mut self, command: &Command) -> Option<&'static CommandSpec> {
        let word = &command.word;
        let found = catalogue::find(&word.text);
        if found.is_none() {
            let mut error = Diagnostic::error(
                Code::R0104,
                word.span,
                format!("there is no command `{}`", word.text),
                "unknown command",
            );
            if self.blocks.items.contains_key(word.text.as_str()) {
                error =
                    error.with_help(format!("`{0}` is a block: write `1 of {0}(…)` in a stage", word.text));
            } else if let Some(known) =
                foreign_word(&word.text).or_else(|| nearest(&word.text, COMMANDS.iter().map(|c| c.word)))
            {
                error = error.with_nearest(word.span, known);
            }
            self.report(error);
        }
        found
    }

    /// Reports a command that stands where it cannot.
    pub(super) fn out_of_place(&mut self, word: &str, span: Span, place: &str) {
        self.report(Diagnostic::error(
            Code::R0304,
            span,
            format!("`{word}` is out of place"),
            format!("belongs {place}"),
        ));
    }
}

/// Checks a `require`. The names in a condition that does not hold mean nothing from there on, so
/// that what follows from their values is not reported as well.
pub fn require(condition: &Expr, message: &Text, env: &mut Env, sink: &mut Sink) {
    match env.eval(condition, sink) {
        None | Some(Value::Bool(true) | Value::Unknown) => {}
        Some(Value::Bool(false)) => {
            let error =
                Diagnostic::error(Code::R0305, condition.span, message.text.clone(), "this does not hold");
            sink.push(env.explain(error, condition));
            env.distrust(condition);
        }
        Some(other) => sink.push(wrong_kind(condition.span, "a truth value", &other)),
    }
}

/// What other tools call a command.
fn foreign_word(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "conv2d" | "convolution" => "conv",
        "batchnorm" | "batch_norm" | "batchnorm2d" | "bn" => "norm",
        "maxpool" | "maxpool2d" => "max_pool",
        "avgpool" | "avgpool2d" => "avg_pool",
        "gap" | "globalavgpool" | "adaptive_avg_pool" | "adaptiveavgpool2d" => "global_avg_pool",
        "fc" | "dense" | "fully_connected" => "linear",
        "swish" => "silu",
        "hardswish" => "hard_swish",
        "hardsigmoid" => "hard_sigmoid",
        "se" | "squeeze_excite" => "gate",
        "normalise" => "normalize",
        "layer" => "stage",
        "stochastic_depth" => "drop_path",
        _ => return None,
    })
}
