//! Expansion: a model's statements to nodes, blocks unrolled, shapes computed on the way.
//!
//! Checking never stops at the first error: an operation that fails leaves a value of unknown
//! shape, and what reads that is not checked for shapes. The same mistake in a block that is
//! instantiated often is said once, with the place that asked for the block.

use std::collections::HashMap;

use crate::diagnostics::{Code, Diagnostic, Sink, Span, nearest};
use crate::syntax::ast::{
    Arg, Body, Call, Command, Expr, Item, ItemKind, Param, Statement, StatementKind, Text,
};

use super::bind::{Args, bind};
use super::catalogue::{self, COMMANDS, CommandSpec, Family};
use super::eval::{Env, Value};
use super::naming::Naming;
use super::network::{Layer, Node, NodeId, Shape};

/// Operations that a network may have.
const MAX_NODES: usize = 200_000;
/// Blocks within blocks.
const MAX_DEPTH: usize = 32;
/// Activations of one operation, in values.
const MAX_VALUES: usize = 1 << 31;

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
pub type Blocks<'a> = HashMap<&'a str, &'a Item>;

/// The state of one expansion.
pub struct Expander<'a> {
    pub(super) sink: &'a mut Sink,
    blocks: &'a Blocks<'a>,
    pub(super) shortcut: Shortcut,
    pub(super) nodes: Vec<Node>,
    part: usize,
    block: Option<usize>,
    calls: Vec<(&'a str, Span)>,
    full: bool,
}

impl<'a> Expander<'a> {
    /// An expansion that has nothing yet.
    pub fn new(sink: &'a mut Sink, blocks: &'a Blocks<'a>, shortcut: Shortcut) -> Self {
        Self {
            sink,
            blocks,
            shortcut,
            nodes: Vec::new(),
            part: 0,
            block: None,
            calls: Vec::new(),
            full: false,
        }
    }

    /// What was expanded.
    pub fn into_nodes(self) -> Vec<Node> {
        self.nodes
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

    /// Reports, naming the place outside of all blocks that led here.
    pub(super) fn report(&mut self, mut diagnostic: Diagnostic) {
        if let Some(&(name, span)) = self.calls.first()
            && span != diagnostic.primary.span
        {
            diagnostic = diagnostic.with_label(span, format!("in `{name}`, asked for here"));
        }
        self.sink.push(diagnostic);
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
        let too_large = shape.is_some_and(|s| {
            s.iter().try_fold(1usize, |product, &d| product.checked_mul(d)).is_none_or(|p| p > MAX_VALUES)
        });
        if self.nodes.len() >= MAX_NODES || too_large {
            if !self.full {
                let what = if too_large {
                    format!("an operation gives more than {MAX_VALUES} values an image")
                } else {
                    format!("the network has more than {MAX_NODES} operations")
                };
                self.report(Diagnostic::error(Code::R0401, span, what, "this is past the limit"));
            }
            self.full = true;
            return Flow { node: NodeId(0), shape: None };
        }
        let (part, block) = (self.part, self.block);
        let known = shape.unwrap_or([1; 3]);
        self.nodes.push(Node { layer, inputs: inputs.to_vec(), shape: known, path, span, part, block });
        Flow { node, shape }
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
            if self.full {
                break;
            }
            env.channels = Some(flow.shape.map_or(Value::Unknown, |s| Value::Int(s[0] as i64)));
            flow = match &statement.kind {
                StatementKind::Let { name, value } => {
                    let value = env.eval(value, self.sink).unwrap_or(Value::Unknown);
                    env.define(&name.text, value, name.span, self.sink);
                    flow
                }
                StatementKind::Require { condition, message } => {
                    require(condition, message, env, self.sink);
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
                StatementKind::Error => flow.unknown(),
            };
        }
        env.leave(mark);
        env.channels = outer;
        flow
    }

    fn command(&mut self, command: &'a Command, env: &mut Env, flow: Flow, names: &mut Naming) -> Flow {
        let Some(spec) = self.find_command(command) else {
            return flow.unknown();
        };
        match spec.family {
            Family::Setting | Family::Part => {
                self.out_of_place(spec.word, command.word.span, "at the top of a model");
                return flow;
            }
            Family::Container | Family::Operation => {}
        }
        let args = bind(spec, command.word.span, &command.args, env, self.sink);
        if args.broken {
            return flow.unknown();
        }
        for clause in &command.clauses {
            if spec.word != "residual" || clause.word.text != "projection" {
                self.report(
                    Diagnostic::error(
                        Code::R0304,
                        clause.word.span,
                        format!("`{}` has no second body `{}`", spec.word, clause.word.text),
                        "unexpected here",
                    )
                    .with_help("only `residual { … } projection { … }` has one"),
                );
                return flow.unknown();
            }
        }
        match (spec.family, &command.body) {
            (Family::Container, Some(body)) => self.container(spec, command, &args, body, env, flow, names),
            (Family::Container, None) => {
                self.report(
                    Diagnostic::error(
                        Code::R0301,
                        command.word.span,
                        format!("`{}` lacks its body", spec.word),
                        "needs `{ … }` behind it",
                    )
                    .with_help(format!("write `{} {{ … }}` with operations between the braces", spec.word)),
                );
                flow.unknown()
            }
            (_, Some(body)) => {
                self.report(Diagnostic::error(
                    Code::R0304,
                    body.span,
                    format!("`{}` takes no body", spec.word),
                    "unexpected here",
                ));
                flow.unknown()
            }
            (_, None) => self.operation(spec, command, &args, flow, names),
        }
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
            if self.blocks.contains_key(word.text.as_str()) {
                error =
                    error.with_help(format!("`{0}` is a block: write `1 of {0}(…)` in a stage", word.text));
            } else if let Some(known) =
                foreign_word(&word.text).or_else(|| nearest(&word.text, COMMANDS.iter().map(|c| c.word)))
            {
                error = error.with_help(format!("there is `{known}`"));
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
            format!("stands {place}"),
        ));
    }

    fn repeat(
        &mut self,
        count: &'a Expr,
        call: &'a Call,
        args: &'a [Arg],
        env: &Env,
        flow: Flow,
        names: &mut Naming,
    ) -> Flow {
        let times = self.repeat_count(count, env);
        let stride = self.repeat_stride(args, env);
        let Some(item) = self.find_block(call) else { return flow.unknown() };
        let ItemKind::Block { params, body } = &item.kind else {
            unreachable!("only blocks are in the table of blocks")
        };
        let values = bind_params("block", params, call, env, self.sink);
        let (Some(times), Some(stride), Some(values)) = (times, stride, values) else {
            return flow.unknown();
        };
        let mut flow = flow;
        self.calls.push((item.name.text.as_str(), call.span));
        let outer = self.calls.len() == 1;
        for index in 0..times {
            if outer {
                self.block = Some(self.block.map_or(0, |b| b + 1));
            }
            let Some(mut inner) = self.block_env(params, &values) else {
                flow = flow.unknown();
                break;
            };
            inner.set("stride", Value::Int(if index == 0 { stride } else { 1 }), call.span);
            let before = flow.shape.is_some();
            flow = self.body(body, &mut inner, flow, &mut names.next_block());
            if self.full || (before && flow.shape.is_none()) {
                break;
            }
        }
        self.calls.pop();
        flow
    }

    fn block_env(&mut self, params: &[Param], values: &[Option<(Value, Span)>]) -> Option<Env> {
        let mut env = Env::default();
        for (param, value) in params.iter().zip(values) {
            let (value, span) = match (value, &param.default) {
                (Some((value, span)), _) => (value.clone(), *span),
                (None, Some(default)) => (env.eval(default, self.sink)?, param.name.span),
                (None, None) => return None,
            };
            env.set(&param.name.text, value, span);
        }
        Some(env)
    }

    fn repeat_count(&mut self, count: &Expr, env: &Env) -> Option<i64> {
        let times = env.eval_int(count, self.sink)?;
        if !(1..=MAX_NODES as i64).contains(&times) {
            self.report(Diagnostic::error(
                Code::R0303,
                count.span,
                format!("{times} blocks cannot be built"),
                format!("must be from 1 to {MAX_NODES}"),
            ));
            return None;
        }
        Some(times)
    }

    fn repeat_stride(&mut self, args: &'a [Arg], env: &Env) -> Option<i64> {
        const REPEAT: CommandSpec = CommandSpec {
            word: "of",
            family: Family::Operation,
            args: &[catalogue::ArgSpec {
                name: "stride",
                kind: catalogue::ArgKind::Count,
                positional: false,
                required: false,
                doc: "the stride of the first block; 1",
            }],
            doc: "",
        };
        let first = args.first().map_or(Span::default(), |a| a.span);
        let bound = bind(&REPEAT, first, args, env, self.sink);
        (!bound.broken).then(|| bound.count("stride").unwrap_or(1) as i64)
    }

    fn find_block(&mut self, call: &Call) -> Option<&'a Item> {
        let name = call.name.text.as_str();
        let Some(item) = self.blocks.get(name).copied() else {
            let mut error = Diagnostic::error(
                Code::R0101,
                call.name.span,
                format!("there is no block `{name}`"),
                "unknown block",
            );
            if let Some(near) = nearest(name, self.blocks.keys().copied()) {
                error = error.with_help(format!("there is `{near}`"));
            } else {
                let mut known: Vec<_> = self.blocks.keys().map(|k| format!("`{k}`")).collect();
                known.sort();
                error = error.with_note(format!("known: {}", known.join(", ")));
            }
            self.report(error);
            return None;
        };
        if self.calls.len() >= MAX_DEPTH || self.calls.iter().any(|(n, _)| *n == name) {
            self.report(
                Diagnostic::error(
                    Code::R0108,
                    call.name.span,
                    format!("`{name}` contains itself"),
                    "asked for within itself",
                )
                .with_note("a spec has no recursion: it always ends"),
            );
            return None;
        }
        Some(item)
    }
}

/// Checks a `require`.
pub fn require(condition: &Expr, message: &Text, env: &Env, sink: &mut Sink) {
    match env.eval(condition, sink) {
        None | Some(Value::Bool(true) | Value::Unknown) => {}
        Some(Value::Bool(false)) => {
            sink.push(Diagnostic::error(
                Code::R0305,
                condition.span,
                message.text.clone(),
                "this does not hold",
            ));
        }
        Some(other) => sink.push(super::eval::wrong_kind(condition.span, "a truth value", &other)),
    }
}

/// Binds a call's arguments to parameters, in the parameters' order; `None` where the default holds.
/// Reports what does not fit, and gives `None` as a whole then.
pub fn bind_params(
    what: &str,
    params: &[Param],
    call: &Call,
    env: &Env,
    sink: &mut Sink,
) -> Option<Vec<Option<(Value, Span)>>> {
    let mut values: Vec<Option<(Value, Span)>> = vec![None; params.len()];
    let mut whole = true;
    let mut next = 0;
    for arg in &call.args {
        let place = match &arg.name {
            Some(name) => params.iter().position(|p| p.name.text == name.text),
            None => Some(next).filter(|n| *n < params.len()),
        };
        let Some(place) = place else {
            sink.push(misfit(
                what,
                params,
                call,
                arg.name.as_ref().map(|n| (n.text.as_str(), n.span)),
                arg.value.span,
            ));
            whole = false;
            continue;
        };
        if arg.name.is_none() {
            next += 1;
        }
        match env.eval(&arg.value, sink) {
            Some(value) => values[place] = Some((value, arg.value.span)),
            None => whole = false,
        }
    }
    for (param, value) in params.iter().zip(&values) {
        if param.default.is_none() && value.is_none() && whole {
            sink.push(
                Diagnostic::error(
                    Code::R0106,
                    call.span,
                    format!("`{}` needs a value for `{}`", call.name.text, param.name.text),
                    format!("no `{}` is given", param.name.text),
                )
                .with_label(param.name.span, "it has no default"),
            );
            whole = false;
        }
    }
    whole.then_some(values)
}

fn misfit(what: &str, params: &[Param], call: &Call, name: Option<(&str, Span)>, value: Span) -> Diagnostic {
    let names: Vec<_> = params.iter().map(|p| format!("`{}`", p.name.text)).collect();
    let takes = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let note = format!("`{}` takes {takes}", call.name.text);
    match name {
        Some((name, span)) => {
            let error = Diagnostic::error(
                Code::R0105,
                span,
                format!("the {what} `{}` has no parameter `{name}`", call.name.text),
                "unknown parameter",
            );
            match nearest(name, params.iter().map(|p| p.name.text.as_str())) {
                Some(near) => error.with_help(format!("there is `{near}`")),
                None => error.with_note(note),
            }
        }
        None => Diagnostic::error(
            Code::R0107,
            value,
            format!("one value too many for `{}`", call.name.text),
            note,
        ),
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
