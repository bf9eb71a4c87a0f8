//! A plan as text: stages, sections, and one line a step. Stable.

use std::fmt::Write;

use resnetc_runtime::plan::winograd::Form;
use resnetc_runtime::plan::{Activation, Algorithm, Conv, Element, Op, Plan, Residual, Split, Step, View};

use crate::model::network::activation_word;

use super::choose;

/// The dump of a plan.
pub fn to_text(plan: &Plan) -> String {
    let mut out = String::new();
    let [c, h, w] = plan.input;
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "plan {}: {c}x{h}x{w}, batch {}{}, arena {} B, weights {} B",
        plan.name,
        plan.batch,
        if plan.images < plan.batch { format!(", {} at once", plan.images) } else { String::new() },
        plan.arena * 4,
        plan.weights * 4
    );
    for stage in plan.stages.iter() {
        let _ = writeln!(out, "{}:", stage.name);
        for section in stage.sections.iter() {
            if section.times > 1 {
                let last = section.first + section.times - 1;
                let _ =
                    writeln!(out, "  * = {}..={last}, weights +{} each:", section.first, section.weight_step);
            }
            for step in section.steps.iter() {
                let indent = if section.times > 1 { "    " } else { "  " };
                let name = match section.times {
                    1 => step.name.replace('*', &section.first.to_string()),
                    _ => step.name.to_string(),
                };
                let _ = writeln!(out, "{indent}{name}: {}", show_step(step, plan));
            }
        }
    }
    for output in plan.outputs.iter() {
        let [c, h, w] = output.shape;
        let _ = writeln!(out, "output {}: {c}x{h}x{w}", output.name);
    }
    out
}

fn show_step(step: &Step, plan: &Plan) -> String {
    let split = match step.split {
        Split::Rows => "by rows",
        Split::Channels => "by channels",
    };
    let what = match &step.op {
        Op::Load { output } => format!("load -> {}", view(output)),
        Op::Conv(c) => format!(
            "conv {}{}x{} /{}x{}{} {} -> {} w@{}{}{}",
            algorithm(c, plan),
            c.kernel[0],
            c.kernel[1],
            c.stride[0],
            c.stride[1],
            if c.groups > 1 { format!(" groups={}", c.groups) } else { String::new() },
            view(&c.input),
            view(&c.output),
            c.weights,
            c.residual.map_or(String::new(), |r| format!(" + {}", residual(&r))),
            then(c.activation)
        ),
        Op::Depthwise(c) => format!(
            "depthwise {}x{} /{}x{} {} -> {} w@{}{}{}",
            c.kernel[0],
            c.kernel[1],
            c.stride[0],
            c.stride[1],
            view(&c.input),
            view(&c.output),
            c.weights,
            c.residual.map_or(String::new(), |r| format!(" + {}", residual(&r))),
            then(c.activation)
        ),
        Op::MaxPool(p) => {
            format!("max_pool {}x{} {} -> {}", p.kernel[0], p.kernel[1], view(&p.input), view(&p.output))
        }
        Op::AvgPool(p) => {
            let p = &p.pool;
            format!("avg_pool {}x{} {} -> {}", p.kernel[0], p.kernel[1], view(&p.input), view(&p.output))
        }
        Op::GlobalAvgPool { input, output } => format!("global_avg_pool {} -> {}", view(input), view(output)),
        Op::BlurPool(b) => {
            format!("blur_pool {} /{} {} -> {}", b.size, b.stride, view(&b.input), view(&b.output))
        }
        Op::Affine { input, output, weights, activation } => {
            format!("affine {} -> {} w@{weights}{}", view(input), view(output), then(*activation))
        }
        Op::Activate { input, output, activation } => {
            format!("activate {} -> {}{}", view(input), view(output), then(*activation))
        }
        Op::Add { input, residual: r, output, activation } => {
            format!("add {} + {} -> {}{}", view(input), residual(r), view(output), then(*activation))
        }
        Op::Gate { input, gate, residual: r, output, activation } => format!(
            "gate {} * {}{} -> {}{}",
            view(input),
            view(gate),
            r.map_or(String::new(), |r| format!(" + {}", residual(&r))),
            view(output),
            then(*activation)
        ),
        Op::PadChannels { residual: r, output } => {
            format!("pad_channels {} -> {}", residual(r), view(output))
        }
        Op::Softmax { input, output } => format!("softmax {} -> {}", view(input), view(output)),
        Op::Store { input, output } => format!("store {} -> output {output}", view(input)),
    };
    format!("{what}, {split}")
}

fn view(v: &View) -> String {
    let b = v.border;
    let border = match [b.top, b.left, b.bottom, b.right] {
        [0, 0, 0, 0] => String::new(),
        [t, l, bo, r] if t == l && t == bo && t == r => format!(" border {t}"),
        sides => format!(" border {sides:?}"),
    };
    let element = match v.element {
        Element::F32 => String::new(),
        Element::Bf16 => " bf16".to_owned(),
        Element::Split { parts } => format!(" bf16x{parts}"),
        // Pixels have one for each channel, which the spec says.
        Element::U8(scale) => match scale.uniform() {
            Some((step, zero)) => format!(" u8 {step}/{zero}"),
            None => " u8 pixels".to_owned(),
        },
    };
    format!("[{}x{}x{}{element} @{}{border}]", v.channels, v.height, v.width, v.offset)
}

fn residual(r: &Residual) -> String {
    if (r.stride, r.channel_offset) == (1, 0) {
        view(&r.view)
    } else {
        format!("{} /{} from channel {}", view(&r.view), r.stride, r.channel_offset)
    }
}

/// The algorithm, and the costs that it was chosen by where there was a choice.
fn algorithm(conv: &Conv, plan: &Plan) -> String {
    let Some((direct, forms)) = choose::costs(conv, plan.images, plan.params) else { return String::new() };
    let forms: Vec<String> = Form::ALL
        .iter()
        .zip(forms)
        .map(|(form, cost)| format!("{0}x{0} {1:.1} M", form.outputs(), cost / 1e6))
        .collect();
    let costs = format!("(costs: direct {:.1} M, {})", direct / 1e6, forms.join(", "));
    match conv.algorithm {
        Algorithm::Direct => format!("direct {costs} "),
        Algorithm::Winograd { form, block } => {
            format!("winograd {0}x{0} by {block} tiles {costs} ", form.outputs())
        }
    }
}

fn then(activation: Activation) -> String {
    match activation {
        Activation::None => String::new(),
        Activation::LeakyRelu(slope) => format!(", leaky_relu({slope})"),
        other => format!(", {}", activation_word(other)),
    }
}
