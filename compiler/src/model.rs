//! From syntax to a checked network.
//!
//! In: the parsed file of a spec, the model that is asked for, and settings from outside. Out: a
//! [`Network`] with blocks expanded and every shape known, or diagnostics.

pub mod bind;
pub mod catalogue;
mod ensemble;
pub mod eval;
pub mod expand;
mod header;
pub mod limits;
mod naming;
pub mod network;
mod operations;
pub mod receptive;
pub mod reference;
mod repeat;
pub mod residual;
mod settings;
pub mod shipped;
pub mod trace;
pub mod window;

use std::collections::HashMap;

use resnetc_runtime::plan::{Filter, Preprocess};

use crate::diagnostics::{Code, Diagnostic, Sink, Span, nearest};
use crate::syntax::ast::{self, Body, Command, Expr, File, Item, ItemKind, Param};

use bind::{bind, quoted};
use eval::{Env, Value};
use expand::{Blocks, Expander, Shortcut};
use header::Header;
use limits::Budget;
pub use limits::Limits;
use naming::Naming;
pub use network::{Layer, Network, Node, NodeId, Output, Shape};
use repeat::whole;
pub use settings::Setting;
use trace::{Trace, Traced, braced};

/// Reads a text file that a spec names, relative to the spec.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// What a spec is checked with.
pub struct Request<'a> {
    /// The spec.
    pub file: &'a File,
    /// Files whose blocks, and models as bases of aliases, the spec can use: the standard ones.
    pub library: &'a [File],
    /// Which model of the file; `None` takes the only one.
    pub model: Option<&'a str>,
    /// Values from outside: `depth=110`, `shortcut=none`, `input=320`.
    pub settings: &'a [Setting],
    /// Reads what `labels file` names.
    pub read: ReadFile<'a>,
    /// How large the network may become.
    pub budget: &'a Budget,
}

/// Checks a model and expands it. `None` if anything was reported as an error.
pub fn check(request: &Request, sink: &mut Sink) -> Option<Network> {
    let traced = trace(request, sink);
    traced.map(|t| t.network).filter(|_| !sink.has_errors())
}

/// Checks a model and expands what can be read of it, mistakes or not. `None` if not even its input
/// is known.
pub fn trace(request: &Request, sink: &mut Sink) -> Option<Traced> {
    let blocks = collect_blocks(request, sink);
    let item = choose_model(request, blocks.incomplete, sink)?;
    let model = settings::resolve(request, item, sink)?;
    Checker { request, blocks: &blocks, sink, trace: Trace::default() }.model(&model)
}

/// Checks a block of the file by itself, for what needs no shapes and no values of its parameters.
pub fn check_block(request: &Request, item: &Item, sink: &mut Sink) {
    let ItemKind::Block { params, body } = &item.kind else { return };
    let blocks = collect_blocks(request, sink);
    Expander::new(sink, &blocks, request.budget, Shortcut::Projection).block_alone(params, body);
}

/// The names of a file's models, in order.
pub fn model_names(file: &File) -> Vec<&str> {
    let models = file.items.iter().filter(|i| !matches!(i.kind, ItemKind::Block { .. }));
    models.map(|i| i.name.text.as_str()).collect()
}

fn collect_blocks<'a>(request: &'a Request, sink: &mut Sink) -> Blocks<'a> {
    let mut blocks = HashMap::new();
    let standard = request.library.iter().flat_map(|f| &f.items);
    blocks.extend(
        standard.filter(|i| matches!(i.kind, ItemKind::Block { .. })).map(|i| (i.name.text.as_str(), i)),
    );
    let outside = |span: Span| {
        let within = |i: &Item| i.span.start <= span.start && span.end <= i.span.end;
        !request.file.items.iter().any(within)
    };
    // What is reported before any name is looked at is of the syntax.
    let incomplete = sink.iter().any(|d| outside(d.primary.span));
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for item in &request.file.items {
        if let Some(first) = seen.insert(&item.name.text, item.name.span) {
            sink.push(
                Diagnostic::error(
                    Code::R0103,
                    item.name.span,
                    format!("`{}` is already defined", item.name.text),
                    "defined again",
                )
                .with_label(first, "first defined here"),
            );
        }
        if matches!(item.kind, ItemKind::Block { .. }) {
            blocks.insert(item.name.text.as_str(), item);
        }
    }
    Blocks { items: blocks, incomplete }
}

fn choose_model<'a>(request: &Request<'a>, incomplete: bool, sink: &mut Sink) -> Option<&'a Item> {
    let models: Vec<_> =
        request.file.items.iter().filter(|i| !matches!(i.kind, ItemKind::Block { .. })).collect();
    let names = models.iter().map(|i| format!("`{}`", i.name.text)).collect::<Vec<_>>().join(", ");
    let place = request.file.items.first().map_or(request.file.span(), |i| i.name.span);
    match (request.model, models.as_slice()) {
        // The model that is meant may be what could not be read.
        (None, []) if incomplete => None,
        (Some(wanted), all) if incomplete && all.iter().all(|i| i.name.text != wanted) => None,
        (_, []) => {
            sink.push(
                Diagnostic::error(Code::R0101, place, "this file defines no model", "this is a block")
                    .with_help("a model is written `model NAME { … }`"),
            );
            None
        }
        (None, [only]) => Some(only),
        (None, [first, ..]) => {
            sink.push(
                Diagnostic::error(
                    Code::R0101,
                    first.name.span,
                    "this file defines several models",
                    "one of them",
                )
                .with_note(format!("its models: {names}"))
                .with_help("say which, as in `FILE.resnet:NAME`"),
            );
            None
        }
        (Some(wanted), all) => {
            let found = all.iter().find(|i| i.name.text == wanted);
            if found.is_none() {
                let message = format!("this file has no model `{wanted}`");
                let first = all.first().map_or(place, |i| i.name.span);
                let mut error = Diagnostic::error(Code::R0101, first, message, "this is another")
                    .with_note(format!("its models: {names}"));
                if let Some(near) = nearest(wanted, all.iter().map(|i| i.name.text.as_str())) {
                    error = error.with_help(format!("there is `{near}`"));
                }
                sink.push(error);
            }
            found.copied()
        }
    }
}

/// A model with the values that its alias and the settings give it.
pub(crate) struct Resolved<'a> {
    /// The name that was asked for.
    name: &'a str,
    span: Span,
    params: &'a [Param],
    values: Vec<Option<(Value, Span)>>,
    body: &'a Body,
    shortcut: Option<(Shortcut, Span)>,
    input: Option<(Vec<usize>, Span)>,
}

struct Checker<'a, 'b> {
    request: &'a Request<'a>,
    blocks: &'a Blocks<'a>,
    sink: &'b mut Sink,
    trace: Trace,
}

impl<'a> Checker<'a, '_> {
    fn model(mut self, model: &Resolved<'a>) -> Option<Traced> {
        let mut env = Env::default();
        for (param, value) in model.params.iter().zip(&model.values) {
            let span = value.as_ref().map_or(param.name.span, |(_, given)| *given);
            let value = match (value, &param.default) {
                (Some((value, _)), _) => value.clone(),
                (None, Some(default)) => self.default(param, default, &env),
                (None, None) => {
                    self.sink.push(
                        Diagnostic::error(
                            Code::R0106,
                            param.name.span,
                            format!("`{}` has no value", param.name.text),
                            "it has no default",
                        )
                        .with_help(format!("give one, as in `--set {}=1`", param.name.text)),
                    );
                    Value::Unknown
                }
            };
            self.trace.values.push((param.name.span, value.clone()));
            env.define(&param.name.text, value, param.name.span, self.sink);
            env.given_at(span);
        }
        let (header, parts) = self.header(model, &mut env);
        if parts.iter().any(|c| c.word.text == "member") || header.seen.contains_key("ensemble") {
            return self.ensemble(model, header, &parts, &env);
        }
        if header.input.is_none() && !header.seen.contains_key("input") && !header.unread {
            self.sink.push(
                Diagnostic::error(Code::R0308, model.span, "this model has no input", "takes no picture yet")
                    .with_help("begin it with `input image(3, 224, 224)`"),
            );
        }
        self.expand(model, header, parts, &mut env)
    }

    /// The value of a parameter's default.
    fn default(&mut self, param: &Param, default: &Expr, env: &Env) -> Value {
        let value = env.eval(default, self.sink);
        let fits = |v: &Value| whole(v, default.span, param.name.span, self.sink);
        value.filter(fits).unwrap_or(Value::Unknown)
    }

    fn expand(
        mut self,
        model: &Resolved<'a>,
        header: Header,
        parts: Vec<&'a Command>,
        env: &mut Env,
    ) -> Option<Traced> {
        let shortcut = header.shortcut.unwrap_or(Shortcut::Projection);
        let mut expander = Expander::new(self.sink, self.blocks, self.request.budget, shortcut);
        let place = header.seen.get("input").copied().unwrap_or(model.span);
        let mut flow = expander.push(Layer::Input, &[], header.input, "input".to_owned(), place);
        let mut names = Naming::kinds("");
        let mut found: Vec<(String, NodeId, Span)> = Vec::new();
        // Whether a part's name could not be read, so that what is no part's name may yet be one.
        let mut nameless = false;
        for command in parts.iter().copied().filter(|c| c.word.text != "output") {
            let name = part_name(&mut expander, command, env, &found);
            nameless |= name.is_none();
            let mut inner = Naming::kinds(name.as_ref().map_or("unnamed", |(name, _)| name));
            let scope = if command.word.text == "stage" { &mut inner } else { &mut names };
            let before = (expander.nodes.len(), flow);
            flow = match &command.body {
                Some(body) => expander.part(found.len(), body, env, flow, scope),
                None => flow.unknown(),
            };
            expander.record(braced(command), before, flow);
            found.extend(name.map(|(name, place)| (name, flow.node, place)));
        }
        let (nodes, trace) = expander.into_parts();
        self.trace.steps.extend(trace.steps);
        self.trace.values.extend(trace.values);
        if nodes.len() < 2 && !self.sink.has_errors() {
            self.sink.push(
                Diagnostic::error(
                    Code::R0309,
                    model.span,
                    "this model computes nothing",
                    "has no operations",
                )
                .with_help("give it a `stem`, a `stage` or a `head` with operations in it"),
            );
        }
        let mut network = Network {
            name: model.name.to_owned(),
            nodes,
            parts: found.iter().map(|(n, _, _)| n.clone()).collect(),
            outputs: Vec::new(),
            preprocess: Preprocess {
                resize: header.resize.map(|(side, _)| side),
                filter: header.resize.map_or(Filter::Bilinear, |(_, f)| f),
                mean: header.mean.unwrap_or([0.0; 3]),
                std: header.std.unwrap_or([1.0; 3]),
            },
            labels: header.labels,
            weights: header.weights,
            renames: header.renames,
            members: Vec::new(),
            limits: *self.request.budget.limits(),
        };
        if flow.shape.is_some() {
            let name = main_output_name(network.deciding(flow.node));
            network.outputs.push(Output { name: name.to_owned(), node: flow.node });
        }
        let known = Known { parts: &found, is_all: flow.shape.is_some(), nameless };
        for command in parts.iter().copied().filter(|c| c.word.text == "output") {
            self.output(command, env, &known, &mut network);
        }
        if flow.shape.is_some() && !self.sink.has_errors() {
            self.check_tensor_names(&network);
            self.check_labels(&network, header.seen.get("labels").copied().unwrap_or(model.span));
        }
        header.input.map(|_| Traced { network, trace: self.trace })
    }

    /// `output layer2 as c3`
    fn output(&mut self, command: &Command, env: &Env, known: &Known, network: &mut Network) {
        let Some(spec) = catalogue::find("output") else { return };
        Expander::new(self.sink, self.blocks, self.request.budget, Shortcut::None).check_form(spec, command);
        let args = bind(spec, command.word.span, &command.args, env, self.sink);
        let (Some(of), Some((_, span))) = (args.text("of"), args.get("of")) else { return };
        let part = known.parts.iter().find(|(n, _, _)| *n == of).map(|(_, node, _)| *node);
        let node = part.or_else(|| {
            let place = network.nodes.iter().position(|n| n.path == of)?;
            Some(NodeId(place as u32))
        });
        let Some(node) = node else {
            // What could not be expanded may have had that name.
            if known.nameless || (!known.is_all && of.contains('.')) {
                return;
            }
            let parts = known.parts.iter().map(|(n, _, _)| n.as_str());
            let paths = network.nodes.iter().map(|n| n.path.as_str());
            let message = format!("nothing is called `{of}`");
            let error = Diagnostic::error(Code::R0109, span, message, "no part and no operation");
            return self.sink.push(match nearest(&of, parts.clone().chain(paths)) {
                Some(near) => error.with_nearest(span, near),
                None => error.with_note(format!("its parts: {}", quoted(parts))),
            });
        };
        let (name, place) = command.name.as_ref().map_or((of, span), |n| (n.text.clone(), n.span));
        if network.outputs.iter().any(|o| o.name == name) {
            let message = format!("an output is already called `{name}`");
            return self.sink.push(
                Diagnostic::error(Code::R0103, place, message, "called the same")
                    .with_help("name it otherwise with `as NAME`"),
            );
        }
        network.outputs.push(Output { name, node });
    }

    fn check_tensor_names(&mut self, network: &Network) {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for node in network.nodes.iter().filter(|n| !network.tensors(n).is_empty()) {
            if let Some(first) = seen.insert(&node.path, node.span) {
                let message = format!("two operations keep their tensors under `{}`", node.path);
                let error = Diagnostic::error(Code::R0110, node.span, message, "the second of them");
                let error = if first == node.span { error } else { error.with_label(first, "the first") };
                self.sink.push(error.with_help("give one of them another name with `as NAME`"));
            }
        }
    }

    fn check_labels(&mut self, network: &Network, span: Span) {
        let Some(last) = network.outputs.first().map(|o| network.node(o.node)) else { return };
        let (labels, classes) = (network.labels.len(), last.shape[0]);
        if labels != 0 && labels != classes {
            let message = format!("{labels} labels for {classes} classes: they are left out");
            self.sink.push(
                Diagnostic::warning(Code::R0303, span, message, format!("gives {labels} labels"))
                    .with_label(last.span, format!("gives {classes} classes"))
                    .with_help("give as many labels as the last layer has features"),
            );
        }
    }
}

/// What an `output` can name.
struct Known<'a> {
    parts: &'a [(String, NodeId, Span)],
    /// Whether the network was expanded to its end.
    is_all: bool,
    /// Whether a part's name could not be read.
    nameless: bool,
}

/// Checks a part, and gives its name and where that stands, if it can be read.
fn part_name(
    expander: &mut Expander,
    command: &Command,
    env: &mut Env,
    found: &[(String, NodeId, Span)],
) -> Option<(String, Span)> {
    // An unknown command was reported when the settings were read.
    let spec = catalogue::find(&command.word.text)?;
    let span = command.word.span;
    expander.check_form(spec, command);
    let args = bind(spec, span, &command.args, env, expander.sink);
    let (name, place) = match args.get("name") {
        Some((_, place)) => (args.text("name")?, place),
        None if args.broken => return None,
        None => (spec.word.to_owned(), span),
    };
    if let Some((_, _, first)) = found.iter().find(|(n, _, _)| *n == name) {
        let message = format!("`{name}` is already defined");
        let error = Diagnostic::error(Code::R0103, place, message, "defined again");
        expander.sink.push(error.with_label(*first, "first defined here"));
    }
    Some((name, place))
}

fn main_output_name(layer: &Layer) -> &'static str {
    match layer {
        Layer::Linear { .. } => "logits",
        Layer::Softmax => "probabilities",
        _ => "features",
    }
}

impl ast::File {
    /// The begin of the file, for what is to be said of all of it.
    fn span(&self) -> Span {
        self.items.first().map_or(Span::default(), |i| i.span)
    }
}
