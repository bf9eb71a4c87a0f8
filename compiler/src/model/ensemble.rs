//! Ensembles: a model of several networks that read one picture, and whose answers are averaged.
//!
//! In: a model's `member` lines. Out: one network, with the members' operations one behind the other, each
//! under its member's name.

use std::ops::Range;

use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::ast::{Command, StatementKind};

use super::bind::bind;
use super::catalogue;
use super::eval::Env;
use super::expand::{Expander, Shortcut};
use super::network::{self, Layer, Network, Node, NodeId, Output};
use super::trace::{Trace, Traced};
use super::{Checker, Header, Known, Request, Resolved, settings};

/// A member that was checked by itself.
struct Member {
    name: String,
    place: Span,
    network: Network,
    weights: Option<String>,
}

impl Member {
    /// The operation that answers.
    fn answer(&self) -> Option<NodeId> {
        self.network.outputs.first().map(|output| output.node)
    }

    /// Whether it ends with a softmax.
    fn gives_probabilities(&self) -> bool {
        self.answer().is_some_and(|id| *self.network.deciding(id) == Layer::Softmax)
    }
}

impl<'a> Checker<'a, '_> {
    /// Checks the members and joins their networks.
    pub(super) fn ensemble(
        mut self,
        model: &Resolved<'a>,
        header: Header,
        parts: &[&'a Command],
        env: &Env,
    ) -> Option<Traced> {
        for command in parts.iter().filter(|c| !matches!(c.word.text.as_str(), "member" | "output")) {
            self.beside_members(&command.word.text, command.word.span);
        }
        for word in ["input", "normalize", "resize", "shortcut"] {
            if let Some(span) = header.seen.get(word) {
                self.beside_members(word, *span);
            }
        }
        // What an alias or a setting from outside says is no less ignored.
        let outside =
            [("shortcut", model.shortcut.map(|s| s.1)), ("input", model.input.as_ref().map(|i| i.1))];
        for (word, span) in outside.into_iter().filter_map(|(word, span)| Some((word, span?))) {
            self.beside_members(word, span);
        }
        let lines: Vec<_> = parts.iter().filter(|c| c.word.text == "member").collect();
        let mut members: Vec<Member> = Vec::new();
        for command in &lines {
            // The members have one budget, and what passed it is told.
            if self.request.budget.is_full() {
                return None;
            }
            let member = self.member(command, env, &members);
            members.extend(member);
        }
        if members.len() < lines.len() {
            return None;
        }
        if members.len() < 2 {
            let label = if members.is_empty() { "it has none" } else { "it has one" };
            let message = "an ensemble has at least two members";
            self.sink.push(
                Diagnostic::error(Code::R0310, model.span, message, label)
                    .with_help("name each with a line `member MODEL`"),
            );
            return None;
        }
        let probabilities = header.average.as_deref() != Some("logits");
        let before = self.sink.errors();
        self.compare(&members);
        self.check_answers(&members, probabilities);
        if self.sink.errors() > before {
            return None;
        }
        let place = header.seen.get("labels").copied().unwrap_or(model.span);
        let mut network = join(model, header, members, probabilities);
        let known = ends(&network, model.span);
        let known = Known { parts: &known, is_all: true, nameless: false };
        for command in parts.iter().filter(|c| c.word.text == "output") {
            self.output(command, env, &known, &mut network);
        }
        self.check_tensor_names(&network);
        self.check_labels(&network, place);
        Some(Traced { network, trace: self.trace })
    }

    fn beside_members(&mut self, word: &str, span: Span) {
        let message = format!("`{word}` beside members");
        self.sink.push(
            Diagnostic::error(Code::R0310, span, message, "belongs in the members' own models")
                .with_help("an ensemble has members, and nothing that computes or prepares a picture"),
        );
    }

    /// Checks the model that a line names.
    fn member(&mut self, command: &'a Command, env: &Env, before: &[Member]) -> Option<Member> {
        let spec = catalogue::find("member")?;
        Expander::new(self.sink, self.blocks, self.request.budget, Shortcut::None).check_form(spec, command);
        let args = bind(spec, command.word.span, &command.args, env, self.sink);
        let (of, span) = (args.text("of")?, args.get("of")?.1);
        let (name, place) = command.name.as_ref().map_or((of.clone(), span), |n| (n.text.clone(), n.span));
        if let Some(first) = before.iter().find(|member| member.name == name) {
            let message = format!("a member is already called `{name}`");
            self.sink.push(
                Diagnostic::error(Code::R0103, place, message, "called the same")
                    .with_label(first.place, "the first")
                    .with_help("name it otherwise with `as NAME`"),
            );
            return None;
        }
        let item = settings::find_model(self.request, &of, span, self.sink)?;
        let request = Request { model: None, settings: &[], ..*self.request };
        let resolved = settings::resolve(&request, item, self.sink)?;
        let is_member = |kind: &StatementKind| match kind {
            StatementKind::Command(command) => command.word.text == "member",
            _ => false,
        };
        if resolved.body.statements.iter().any(|statement| is_member(&statement.kind)) {
            let message = format!("`{of}` is an ensemble itself");
            let error = Diagnostic::error(Code::R0310, span, message, "not a network");
            self.sink.push(error.with_help("name its members here"));
            return None;
        }
        let errors = self.sink.errors();
        let checker =
            Checker { request: &request, blocks: self.blocks, sink: self.sink, trace: Trace::default() };
        let network = checker.model(&resolved)?.network;
        // What its own text says wrong is told already.
        if self.sink.errors() > errors || network.outputs.is_empty() {
            return None;
        }
        // Each of its operations, its parts and both sides of its renames get this name.
        let copies = network.nodes.len() + network.parts.len() + 2 * network.renames.len();
        if !self.take_text(name.len().saturating_mul(copies), place, "give the member a shorter name") {
            return None;
        }
        let weights = args.text("weights").or_else(|| network.weights.clone());
        Some(Member { name, place, network, weights })
    }

    /// Members read the same picture, and answer with as many numbers.
    fn compare(&mut self, members: &[Member]) {
        let Some((first, others)) = members.split_first() else { return };
        let input = |member: &Member| member.network.nodes.first().map(|node| node.shape);
        let answer = |member: &Member| member.answer().map(|id| member.network.node(id).shape);
        for other in others {
            let (own, its) = (&first.network.labels, &other.network.labels);
            let differs = [
                (input(first) != input(other), "input"),
                (first.network.preprocess != other.network.preprocess, "`normalize` or `resize`"),
                (answer(first) != answer(other), "number of classes"),
                (!own.is_empty() && !its.is_empty() && own != its, "labels"),
            ];
            for (_, what) in differs.iter().filter(|(differs, _)| *differs) {
                let message = format!("`{}` and `{}` differ in their {what}", first.name, other.name);
                self.sink.push(
                    Diagnostic::error(Code::R0310, other.place, message, "differs")
                        .with_label(first.place, "from this one")
                        .with_help("members read the same picture, and answer for the same classes"),
                );
            }
        }
    }

    fn check_answers(&mut self, members: &[Member], probabilities: bool) {
        for member in members.iter().filter(|_| !probabilities) {
            if member.gives_probabilities() {
                let message = format!("`{}` has no logits: it ends with a softmax", member.name);
                let error = Diagnostic::error(Code::R0310, member.place, message, "answers by probabilities");
                self.sink.push(error.with_help("average probabilities: `ensemble probabilities`"));
            }
        }
    }
}

/// The parts, each with its last operation.
fn ends(network: &Network, span: Span) -> Vec<(String, NodeId, Span)> {
    let last = |part| network.nodes.iter().rposition(|node| node.part == part);
    let parts = network.parts.iter().enumerate();
    parts.filter_map(|(index, name)| Some((name.clone(), NodeId(last(index)? as u32), span))).collect()
}

/// One network of the members.
fn join(model: &Resolved, header: Header, members: Vec<Member>, probabilities: bool) -> Network {
    let first = &members[0].network;
    let mut network = Network {
        name: model.name.to_owned(),
        nodes: first.nodes[..1].to_vec(),
        parts: Vec::new(),
        outputs: Vec::new(),
        preprocess: first.preprocess.clone(),
        labels: if header.labels.is_empty() { first.labels.clone() } else { header.labels },
        weights: header.weights,
        renames: header.renames,
        members: Vec::new(),
        limits: first.limits,
    };
    // Where each answers, and whether that is what is averaged.
    let mut answers: Vec<(NodeId, bool)> = Vec::new();
    for member in members {
        let is_ready = !probabilities || member.gives_probabilities();
        answers.extend(append(&mut network, member).map(|answer| (answer, is_ready)));
    }
    network.parts.push("ensemble".to_owned());
    let part = network.parts.len() - 1;
    let mut push = |layer: Layer, inputs: Vec<NodeId>, path: String| {
        let shape = network.node(inputs[0]).shape;
        network.nodes.push(Node { layer, inputs, shape, path, span: model.span, part, block: None });
        NodeId(network.nodes.len() as u32 - 1)
    };
    let answers = answers.into_iter().enumerate().map(|(index, (answer, is_ready))| {
        if is_ready { answer } else { push(Layer::Softmax, vec![answer], format!("softmax.{index}")) }
    });
    let answers: Vec<NodeId> = answers.collect();
    let node = push(Layer::Average, answers, "average".to_owned());
    let name = if probabilities { "probabilities" } else { "logits" };
    network.outputs.push(Output { name: name.to_owned(), node });
    network
}

/// Appends a member's operations behind the picture; gives the one that answers.
fn append(network: &mut Network, member: Member) -> Option<NodeId> {
    let answer = member.answer()?;
    let Member { name, network: own, weights, .. } = member;
    let (nodes, parts) = (network.nodes.len() as u32, network.parts.len());
    // The first operation of each is the picture, which all share.
    let moved = |id: NodeId| NodeId(if id.0 == 0 { 0 } else { nodes + id.0 - 1 });
    network.parts.extend(own.parts.iter().map(|part| format!("{name}.{part}")));
    network.nodes.extend(own.nodes.into_iter().skip(1).map(|node| Node {
        inputs: node.inputs.into_iter().map(moved).collect(),
        path: format!("{name}.{}", node.path),
        part: parts + node.part,
        ..node
    }));
    let within = |pattern: &str| format!("{name}.{pattern}");
    network.renames.extend(own.renames.iter().map(|(from, to)| (within(from), within(to))));
    let range: Range<usize> = nodes as usize..network.nodes.len();
    network.members.push(network::Member { name, nodes: range, weights });
    Some(moved(answer))
}
