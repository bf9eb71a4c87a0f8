//! The syntax tree of a described network.
//!
//! Layers of the stem and the head have the checkpoint's names, with `as` where they are not what they
//! would be called anyway. Those of blocks have the language's, and `rename` lines lead to the
//! checkpoint's.

use crate::syntax::ast::{Arg, Body, Clause, Command, Expr, File, ItemKind, Statement, StatementKind};

use super::blocks::{Amount, Form, OwnBlock, ProjectionForm, Repetition, blocks};
use super::description::{Conv, Head, Network, Order, Shortcut, Stage, Stem, StemSize};
use super::names::number;
use super::notes::COLOURS;
use super::words::{
    arg, block, call, command, container, divided, float, ident, inline, int, line, lines, model, named,
    option, parted, quoted, rename, size, statement, truth, tuple, variable,
};

/// Columns of a comment.
const WIDTH: usize = 96;

/// The file with the model `name`, and the blocks that it defines, under comments that are the notes.
pub fn tree(network: &Network, name: &str, notes: &[String]) -> File {
    let found = blocks(network, name);
    let mut statements = settings(network);
    statements.extend(parted(line(vec![stem(network)])));
    for (stage, repetitions) in network.stages.iter().zip(&found.stages) {
        statements.extend(line(vec![self::stage(stage, repetitions)]));
    }
    statements.extend(line(vec![head(network)]));
    let mut items = vec![model(name, &comments(notes), lines(statements))];
    items.extend(found.own.iter().map(|own| block(&own.name, &own.params, &[], self::own(own))));
    File { items, trailing: Vec::new() }
}

/// Adds the model's `rename` lines, before its stem.
pub fn add_renames(file: &mut File, renames: &[(String, String)]) {
    let Some(ItemKind::Model { body, .. }) = file.items.first_mut().map(|item| &mut item.kind) else {
        return;
    };
    let is_part = |s: &Statement| matches!(&s.kind, StatementKind::Command(c) if c.word.text == "stem");
    let place = body.statements.iter().position(is_part).unwrap_or(body.statements.len());
    body.statements.splice(place..place, renames.iter().map(|(from, to)| rename(from, to)));
}

/// The notes as comments, broken into lines.
fn comments(notes: &[String]) -> Vec<String> {
    let mut out =
        vec!["From the names and shapes of a checkpoint. What those cannot tell was decided:".to_owned()];
    for note in notes {
        let mut text = "-".to_owned();
        for word in note.split(' ') {
            if text.chars().count() + 1 + word.chars().count() > WIDTH {
                out.push(std::mem::replace(&mut text, " ".to_owned()));
            }
            text = text + " " + word;
        }
        out.push(text);
    }
    out
}

fn settings(network: &Network) -> Vec<Statement> {
    let input = network.input();
    let mut commands = vec![command("input", vec![arg(tuple("image", input.map(int)))])];
    if input[0] == 3 {
        let side = if network.is_small() { input[1] } else { 256 };
        let [mean, std] = COLOURS;
        commands.push(command("resize", vec![arg(int(side)), arg(variable("bilinear"))]));
        let colours = |name, values: [&str; 3]| arg(tuple(name, values.map(float)));
        commands.push(command("normalize", vec![colours("mean", mean), colours("std", std)]));
    }
    if network.has_imagenet_classes() {
        commands.push(command("labels", vec![option("file", quoted("labels.txt"))]));
    }
    let mode = match network.shortcut {
        Shortcut::ZeroPad => "zero_pad",
        Shortcut::Projection => "projection",
        Shortcut::ProjectionAll => "projection_all",
    };
    commands.push(command("shortcut", vec![arg(variable(mode))]));
    commands.into_iter().flat_map(|command| line(vec![command])).collect()
}

/// Names that the language gives to the layers of the model's top, in the order in which they come.
#[derive(Default)]
struct Names {
    convs: usize,
    norms: usize,
}

impl Names {
    fn conv<'a>(&mut self, path: &'a str) -> Option<&'a str> {
        named_unless(path, "conv", &mut self.convs)
    }

    fn norm<'a>(&mut self, path: &'a str) -> Option<&'a str> {
        named_unless(path, "bn", &mut self.norms)
    }
}

/// The path, unless it is the one that comes next anyway.
fn named_unless<'a>(path: &'a str, word: &str, count: &mut usize) -> Option<&'a str> {
    if path == format!("{word}{}", *count + 1) {
        *count += 1;
        return None;
    }
    Some(path)
}

fn stem(network: &Network) -> Command {
    let Stem { convs, size: stem_size } = &network.stem;
    let mut names = Names::default();
    let mut body: Vec<Vec<Command>> = Vec::new();
    let mut rest = &convs[..];
    while let Some(first) = rest.first() {
        let stride = |conv: &Conv| {
            let is_first = std::ptr::eq(conv, &raw const convs[0]);
            let is_last = convs.last().is_some_and(|last| std::ptr::eq(conv, last));
            match stem_size {
                StemSize::Keep => 1,
                StemSize::StridePool => 1 + usize::from(is_first),
                StemSize::StrideStride => 1 + usize::from(is_first || is_last),
            }
        };
        let (scope, inside) = sequence(rest);
        if inside > 0 {
            let inner = rest[..inside].iter().flat_map(|conv| {
                let own = conv.norm.as_deref().is_some_and(|norm| in_scope(norm, scope));
                let mut commands = vec![stem_conv(conv, stride(conv))];
                commands.extend(
                    own.then(|| [command("norm", vec![]), command("relu", vec![])]).into_iter().flatten(),
                );
                line(commands)
            });
            let inner = inner.collect();
            let inner = if inside == 1 { inline(inner) } else { lines(inner) };
            body.push(vec![container("sequential", vec![arg(variable(scope))], inner)]);
            let last = &rest[inside - 1];
            if let Some(norm) = last.norm.as_deref().filter(|norm| !in_scope(norm, scope)) {
                body.push(vec![named(command("norm", vec![]), names.norm(norm)), command("relu", vec![])]);
            }
            rest = &rest[inside..];
            continue;
        }
        let mut commands = vec![named(stem_conv(first, stride(first)), names.conv(&first.path))];
        if let Some(norm) = &first.norm {
            commands.push(named(command("norm", vec![]), names.norm(norm)));
        }
        if first.norm.is_some() || network.order == Order::Post {
            commands.push(command("relu", vec![]));
        }
        body.push(commands);
        rest = &rest[1..];
    }
    if *stem_size == StemSize::StridePool {
        let mut args = vec![arg(size([3, 3])), option("stride", int(2))];
        if network.ported {
            args.extend([option("pad", int(0)), arg(variable("ceil_mode"))]);
        }
        body.push(vec![command("max_pool", args)]);
    }
    part("stem", vec![], body)
}

/// A part of the model; on one line if it is one line.
fn part(word: &str, args: Vec<Arg>, body: Vec<Vec<Command>>) -> Command {
    let whole = body.len() == 1;
    let statements = body.into_iter().flat_map(line).collect();
    container(word, args, if whole { inline(statements) } else { lines(statements) })
}

fn stem_conv(conv: &Conv, stride: usize) -> Command {
    let mut args = vec![arg(size(conv.kernel)), arg(int(conv.channels))];
    args.extend((stride > 1).then(|| option("stride", int(stride))));
    args.extend(conv.bias.then(|| arg(variable("bias"))));
    command("conv", args)
}

/// How many convolutions are numbered as `sequential` numbers them, and the name before their numbers.
/// The norm of the last may stand behind the sequence.
fn sequence(convs: &[Conv]) -> (&str, usize) {
    let Some((scope, _)) = convs[0].path.rsplit_once('.') else { return ("", 0) };
    let mut place = 0;
    let mut inside = 0;
    for conv in convs {
        if conv.path != format!("{scope}.{place}") {
            break;
        }
        inside += 1;
        match &conv.norm {
            // The activation behind the norm counts too.
            Some(norm) if *norm == format!("{scope}.{}", place + 1) => place += 3,
            _ => break,
        }
    }
    // A single number is a name like others.
    let alone = inside == 1 && !convs[0].norm.as_deref().is_some_and(|norm| in_scope(norm, scope));
    (scope, if alone { 0 } else { inside })
}

/// Whether a path is of a number within a scope.
fn in_scope(path: &str, scope: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(before, last)| before == scope && number(last).is_some())
}

fn stage(stage: &Stage, repetitions: &[Repetition]) -> Command {
    let repeat = |(at, repetition): (usize, &Repetition)| {
        let args = repetition.args.iter().map(|(name, value)| (*name, int(*value))).collect();
        let stride = (at == 0 && stage.stride > 1).then(|| option("stride", int(stage.stride)));
        statement(StatementKind::Repeat {
            count: int(repetition.count),
            block: call(&repetition.name, args),
            args: stride.into_iter().collect(),
        })
    };
    let statements: Vec<Statement> = repetitions.iter().enumerate().map(repeat).collect();
    let body = if statements.len() == 1 { inline(statements) } else { lines(statements) };
    container("stage", vec![arg(variable(&stage.path))], body)
}

fn head(network: &Network) -> Command {
    let Head { norm, linear } = &network.head;
    let mut body = Vec::new();
    if let Some(norm) = norm {
        body.push(vec![named(command("norm", vec![]), Some(norm)), command("relu", vec![])]);
    }
    let mut last = vec![command("global_avg_pool", vec![])];
    if let Some(linear) = linear {
        let mut args = vec![arg(int(linear.features))];
        args.extend((!linear.bias).then(|| option("bias", truth(false))));
        let name = Some(&*linear.path).filter(|path| *path != "fc");
        last.push(named(command("linear", args), name));
    }
    body.push(last);
    part("head", vec![], body)
}

/// The statements of a block that the spec defines.
fn own(block: &OwnBlock) -> Body {
    let OwnBlock { form, .. } = block;
    let mut branch: Vec<Statement> = Vec::new();
    let convs = form.convs.len();
    let norm_relu = |at: usize| {
        let norm = form.convs[at].2.then(|| command("norm", vec![]));
        norm.into_iter().chain([command("relu", vec![])])
    };
    if form.order == Order::Pre {
        branch.extend(line(vec![container("preactivate", vec![], inline(line(norm_relu(0).collect())))]));
    }
    for at in 0..convs {
        let behind: Vec<Command> = match form.order {
            Order::Post if at + 1 < convs => norm_relu(at).collect(),
            Order::Pre if at + 1 < convs => norm_relu(at + 1).collect(),
            Order::Post => form.convs[at].2.then(|| command("norm", vec![])).into_iter().collect(),
            Order::Pre => Vec::new(),
        };
        branch.extend(line([own_conv(block, at)].into_iter().chain(behind).collect()));
    }
    branch
        .extend(block.squeeze.as_ref().map(|squeeze| line(vec![gate(form, squeeze)])).into_iter().flatten());
    let mut residual = container("residual", vec![], lines(branch));
    let body = form.projection.as_ref().map(projection);
    residual.clauses.extend(body.map(|body| Clause { word: ident("projection"), body }));
    let mut statements = line(vec![residual]);
    if form.order == Order::Post {
        statements.extend(line(vec![command("relu", vec![])]));
    }
    lines(statements)
}

fn amount(amount: &Amount) -> Expr {
    match amount {
        Amount::Literal(value) => int(*value),
        Amount::Param(name) => variable(name),
        Amount::Part(name, by) => divided(name, *by),
    }
}

fn own_conv(block: &OwnBlock, at: usize) -> Command {
    let (kernel, bias, _) = block.form.convs[at];
    let [channels, groups] = &block.convs[at];
    let mut args = vec![arg(size(kernel)), arg(amount(channels))];
    args.extend((at == block.strided()).then(|| arg(variable("stride"))));
    args.extend((*groups != Amount::Literal(1)).then(|| match groups {
        Amount::Param(name) if name == "groups" => arg(variable(name)),
        _ => option("groups", amount(groups)),
    }));
    args.extend(bias.then(|| arg(variable("bias"))));
    command("conv", args)
}

/// Squeeze and excitation, as `bottleneck_se` has it.
fn gate(form: &Form, squeeze: &Amount) -> Command {
    let conv = |channels: &Amount, name| {
        let mut args = vec![arg(size([1, 1])), arg(amount(channels))];
        args.extend((form.gate == Some(true)).then(|| arg(variable("bias"))));
        named(command("conv", args), Some(name))
    };
    let width = Amount::Param("width".to_owned());
    let mut inner = line(vec![conv(squeeze, "fc1"), command("relu", vec![])]);
    inner.extend(line(vec![conv(&width, "fc2"), command("sigmoid", vec![])]));
    let mut body = line(vec![command("global_avg_pool", vec![])]);
    body.extend(line(vec![container("scope", vec![arg(variable("se"))], lines(inner))]));
    container("gate", vec![], lines(body))
}

fn projection(form: &ProjectionForm) -> Body {
    let mut commands = Vec::new();
    if form.pooled {
        let args = vec![
            option("size", variable("stride")),
            arg(variable("stride")),
            arg(variable("ceil_mode")),
            option("count_include_pad", truth(false)),
        ];
        commands.push(command("avg_pool", args));
    }
    let mut args = vec![arg(size(form.kernel)), arg(variable("width"))];
    args.extend((!form.pooled).then(|| arg(variable("stride"))));
    args.extend(form.bias.then(|| arg(variable("bias"))));
    commands.push(command("conv", args));
    commands.extend(form.norm.then(|| command("norm", vec![])));
    lines(commands.into_iter().flat_map(|command| line(vec![command])).collect())
}
