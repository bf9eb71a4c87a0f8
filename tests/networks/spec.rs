//! Random networks as specs.
//!
//! In: a [`Random`]. Out: its text, which the checker must accept. The shapes are counted here as well, by rules of
//! their own, so that what is written fits.

use super::generator::{Blocks, Body, Classes, Projection, Random, Stage};
use super::place::{Place, Shape, Within};
use super::steps::{Groups, Step};

/// A network that was written.
pub struct Written {
    /// The spec.
    pub text: String,
    /// Multiply-accumulates for one image, about.
    pub macs: usize,
}

/// Writes a network, the main model last.
pub fn write(random: &Random) -> Written {
    let mut place = Place { shapes: vec![random.input], stride: 1, ..Place::default() };
    let [channels, height, width] = random.input;
    let mut input = format!("    input image({channels}, {height}, {width})\n");
    if random.is_normalised {
        input += "    normalize mean(0.5, 0.4, 0.3), std(0.2, 0.25, 0.3)\n";
    }
    let outputs = |place: &Place| -> String {
        place.outputs.iter().map(|(path, name)| format!("    output {path} as {name}\n")).collect()
    };
    let mut text = String::new();
    if let [body] = &random.bodies[..] {
        let mut blocks = String::new();
        let parts = write_body(body, body.classes, ("", &mut place), &mut blocks);
        text += &format!("model one {{\n{input}{parts}{}}}\n{blocks}", outputs(&place));
        return Written { text, macs: place.macs };
    }
    let mut members = format!("    ensemble {}\n", random.average);
    for (index, body) in random.bodies.iter().enumerate() {
        let name = format!("member{index}");
        let mut blocks = String::new();
        place.shapes = vec![random.input];
        let classes = common_classes(random, body);
        let parts = write_body(body, Some(classes), (&name, &mut place), &mut blocks);
        text += &format!("model {name} {{\n{input}{parts}}}\n{blocks}");
        members += &format!("    member {name}\n");
    }
    text += &format!("model one {{\n{members}{}}}\n", outputs(&place));
    Written { text, macs: place.macs }
}

/// What a member answers: for as many classes as the others.
fn common_classes(random: &Random, body: &Body) -> Classes {
    let of = |body: &Body| body.classes.unwrap_or(Classes { count: 5, bias: true, softmax: false });
    let softmax = of(body).softmax && random.average == "probabilities";
    Classes { count: of(&random.bodies[0]).count, softmax, ..of(body) }
}

/// The parts of a body; its blocks are written to `blocks`.
fn write_body(
    body: &Body,
    classes: Option<Classes>,
    (member, place): (&str, &mut Place),
    blocks: &mut String,
) -> String {
    let top = if member.is_empty() { String::new() } else { format!("{member}.") };
    place.prefix.clone_from(&top);
    let mut parts = String::new();
    if body.stages.iter().any(|stage| stage.blocks.is_some()) {
        parts += &format!("    shortcut {}\n", body.shortcut);
    }
    let stem = write_steps(&body.stem, place);
    if !stem.is_empty() {
        parts += &format!("    stem {{ {stem} }}\n");
    }
    for (index, stage) in body.stages.iter().enumerate() {
        place.prefix = format!("{top}layer{index}.");
        let block = format!("{member}block{index}");
        let words = write_stage(stage, body.shortcut, (&block, place), blocks);
        parts += &format!("    stage layer{index} {{ {words} }}\n");
        if stage.is_output {
            place.outputs.push((format!("{top}layer{index}"), format!("stage{}", place.outputs.len())));
        }
    }
    place.prefix = top;
    let mut head = vec![write_steps(&body.head, place)];
    if let Some(Classes { count, bias, softmax }) = classes {
        let bias = if bias { "" } else { ", bias false" };
        let softmax = if softmax { "; softmax" } else { "" };
        head.push(format!("global_avg_pool; linear {count}{bias}{softmax}"));
    }
    head.retain(|words| !words.is_empty());
    if head.is_empty() && body.stages.is_empty() && stem.is_empty() {
        head.push("dropout".to_owned());
    }
    if !head.is_empty() {
        parts += &format!("    head {{ {} }}\n", head.join("; "));
    }
    parts
}

/// The words of steps in a part.
fn write_steps(steps: &[Step], place: &mut Place) -> String {
    let words = steps.iter().filter_map(|step| step.words(place, Within::Part));
    words.collect::<Vec<_>>().join("; ")
}

/// The words of a stage; its block is written to `blocks`.
fn write_stage(
    stage: &Stage,
    shortcut: &str,
    (block, place): (&str, &mut Place),
    blocks: &mut String,
) -> String {
    let mut words = vec![write_steps(&stage.steps, place)];
    if let Some(repeated) = &stage.blocks {
        let stride = fitting_stride(repeated, shortcut, place.shapes[0]);
        place.stride = stride;
        *blocks += &write_block(repeated, shortcut, (block, place));
        let stride = if stride == 1 { String::new() } else { format!(", stride {stride}") };
        words.push(format!("{} of {block}(){stride}", repeated.count));
    }
    words.retain(|words| !words.is_empty());
    if words.is_empty() { "dropout".to_owned() } else { words.join("; ") }
}

/// The stride that a block can have on such a map: 1, if the wished one fits no shortcut.
fn fitting_stride(blocks: &Blocks, shortcut: &str, [_, height, width]: Shape) -> usize {
    let stride = blocks.stride;
    let between = |side: usize| side.div_ceil(side.div_ceil(stride));
    let fits = match (shortcut, blocks.projection) {
        // One stride must take both sides to the branch's.
        ("zero_pad", _) => between(height) == between(width),
        ("none", _) | (_, Projection::Usual | Projection::Wide) => true,
        (_, Projection::Pooled) => height.min(width) >= stride,
    };
    if fits && blocks.branch.iter().any(Step::can_stride) { stride } else { 1 }
}

/// A block; the place is then that behind all repetitions.
fn write_block(blocks: &Blocks, shortcut: &str, (name, place): (&str, &mut Place)) -> String {
    let [channels, height, width] = place.shapes[0];
    let branch = fitting_branch(&blocks.branch, shortcut, channels);
    let last = branch.iter().rev().find_map(width_of).unwrap_or(channels);
    let out = [last, height.div_ceil(place.stride), width.div_ceil(place.stride)];
    if blocks.count > 1 {
        place.shapes.push(out);
    }
    place.prefix += "0.";
    let before = place.macs;
    let strided: Vec<usize> = (0..branch.len()).filter(|&index| branch[index].can_stride()).collect();
    let strided = strided.get(blocks.strided % strided.len().max(1)).filter(|_| place.stride > 1);
    let within = |index| if Some(&index) == strided { Within::Strided } else { Within::Branch };
    let mut words: Vec<String> = Vec::new();
    if let Some(activation) = blocks.preactivate {
        let activation = if activation.is_empty() { String::new() } else { format!("; {activation}") };
        words.push(format!("preactivate {{ norm{activation} }}"));
    }
    let steps = branch.iter().enumerate().filter_map(|(index, step)| step.words(place, within(index)));
    words.extend(steps.collect::<Vec<_>>());
    if words.is_empty() {
        words.push("dropout".to_owned());
    }
    // Two repetitions are counted; a third takes as much.
    place.macs += (place.macs - before) / 2 * blocks.count.saturating_sub(2);
    assert!(place.shapes.iter().all(|shape| *shape == out), "{name} gives {:?}, not {out:?}", place.shapes);
    place.shapes = vec![out];
    place.stride = 1;
    let projection = match blocks.projection {
        Projection::Usual => String::new(),
        Projection::Pooled => format!(
            " projection {{ avg_pool size stride, stride, ceil_mode, count_include_pad false; \
             conv 1x1, {last}; norm }}"
        ),
        Projection::Wide => format!(" projection {{ conv 3x3, {last}, stride, bias }}"),
    };
    let activation = if blocks.activation.is_empty() { "" } else { "; " };
    let branch = words.join("; ");
    format!(
        "block {name}() {{\n    residual {{ {branch} }}{projection}{activation}{}\n}}\n",
        blocks.activation
    )
}

/// The channels that a step makes of any.
fn width_of(step: &Step) -> Option<usize> {
    match step {
        Step::Conv(conv) if !matches!(conv.groups, Groups::Depthwise) => conv.width,
        _ => None,
    }
}

/// The branch, made wide enough where a shortcut can only add channels.
fn fitting_branch(branch: &[Step], shortcut: &str, channels: usize) -> Vec<Step> {
    let mut branch = branch.to_vec();
    if shortcut == "zero_pad" {
        let last = branch.iter_mut().rev().find(|step| width_of(step).is_some());
        if let Some(Step::Conv(conv)) = last {
            conv.width = conv.width.map(|width| width.max(channels));
        }
    }
    branch
}
