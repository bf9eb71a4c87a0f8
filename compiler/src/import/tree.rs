//! The syntax tree of a described network.
//!
//! Layers of the stem and the head have the checkpoint's names, with `as` where they are not what they
//! would be called anyway. Those of blocks have the language's, and `rename` lines lead to the
//! checkpoint's.

mod ends;
mod own;

use crate::syntax::ast::{Command, File, ItemKind, Statement, StatementKind};

use super::blocks::{Repetition, blocks};
use super::description::{Network, Shortcut, Stage};
use super::notes::COLOURS;
use super::words::{
    arg, block, call, command, container, float, inline, int, line, lines, model, option, parted, quoted,
    rename, statement, tuple, variable,
};

/// Columns of a comment.
const WIDTH: usize = 96;

/// The file with the model `name`, and the blocks that it defines, under comments that are the notes.
pub fn tree(network: &Network, name: &str, notes: &[String]) -> File {
    let found = blocks(network, name);
    let mut statements = settings(network);
    statements.extend(parted(line(vec![ends::stem(network)])));
    for (stage, repetitions) in network.stages.iter().zip(&found.stages) {
        statements.extend(line(vec![self::stage(stage, repetitions)]));
    }
    statements.extend(line(vec![ends::head(network)]));
    let mut items = vec![model(name, &comments(notes), lines(statements))];
    items.extend(found.own.iter().map(|own| block(&own.name, &own.params, &[], own::own(own))));
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
