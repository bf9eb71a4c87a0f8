//! Operations: bound arguments to layers, and the shape that each gives.

use resnetc_runtime::plan::Activation;

use crate::diagnostics::{Code, Diagnostic, Edit, Span};
use crate::syntax::ast::Command;

use super::bind::{Args, Bound};
use super::catalogue::CommandSpec;
use super::expand::{Expander, Flow};
use super::naming::Naming;
use super::network::{Conv, Layer, Pad, Shape, Window};
use super::residual::show;
use super::window::{Axis, axes, same};

impl Expander<'_> {
    /// Expands one operation.
    pub(super) fn operation(
        &mut self,
        spec: &'static CommandSpec,
        command: &Command,
        args: &Args,
        flow: Flow,
        names: &mut Naming,
    ) -> Flow {
        let span = command.word.span;
        let path = names.next(spec.word, command.name.as_ref().map(|n| n.text.as_str()));
        let layer = match spec.word {
            "conv" => Layer::Conv(conv(args, flow.shape)),
            "max_pool" => Layer::MaxPool(window(args, flow.shape, true)),
            "avg_pool" => Layer::AvgPool {
                window: window(args, flow.shape, false),
                count_include_pad: args.flag("count_include_pad").unwrap_or(true),
            },
            "norm" => Layer::BatchNorm { eps: args.number("eps").unwrap_or(1e-5) },
            "linear" => Layer::Linear {
                features: args.count("features").unwrap_or(1),
                bias: args.flag("bias").unwrap_or(true),
            },
            "blur_pool" => {
                let (size, stride) = (args.count("size").unwrap_or(3), args.count("stride").unwrap_or(2));
                // As timm has it: the output is the input over the stride.
                Layer::BlurPool { size, stride, pad: (stride - 1 + size - 1) / 2 }
            }
            "zero_pad_channels" => Layer::ZeroPad {
                stride: args.count("stride").unwrap_or(1),
                before: match (args.count("channels"), flow.shape) {
                    (Some(wide), Some([c, _, _])) => wide.saturating_sub(c) / 2,
                    _ => 0,
                },
            },
            "global_avg_pool" => Layer::GlobalAvgPool,
            "softmax" => Layer::Softmax,
            "dropout" | "drop_path" => {
                self.check_rate(spec.word, args);
                Layer::Dropout
            }
            "relu" => Layer::Activation(Activation::Relu),
            "relu6" => Layer::Activation(Activation::Relu6),
            "leaky_relu" => {
                Layer::Activation(Activation::LeakyRelu(args.number("slope").unwrap_or(0.01) as f32))
            }
            "silu" => Layer::Activation(Activation::Silu),
            "gelu" => Layer::Activation(Activation::Gelu),
            "sigmoid" => Layer::Activation(Activation::Sigmoid),
            "tanh" => Layer::Activation(Activation::Tanh),
            "hard_sigmoid" => Layer::Activation(Activation::HardSigmoid),
            "hard_swish" => Layer::Activation(Activation::HardSwish),
            other => unreachable!("the catalogue has no operation {other}"),
        };
        let shape = flow.shape.and_then(|input| self.shape(&layer, input, args, span));
        self.push(layer, &[flow.node], shape, path, span)
    }

    /// The shape that a layer gives, or an error that says why it gives none.
    fn shape(&mut self, layer: &Layer, input: Shape, args: &Args, span: Span) -> Option<Shape> {
        let [channels, height, width] = input;
        match layer {
            Layer::Conv(c) => {
                self.check_groups(c, channels, args, span)?;
                let axes = axes(c.kernel, c.stride, c.dilation, c.pad);
                let [h, w] = self.windows(&axes, input, false, span)?;
                Some([c.channels, h, w])
            }
            Layer::MaxPool(window) | Layer::AvgPool { window, .. } => {
                self.check_pool_pad(window, args)?;
                let axes = axes(window.kernel, window.stride, [1, 1], window.pad);
                let [h, w] = self.windows(&axes, input, window.ceil_mode, span)?;
                Some([channels, h, w])
            }
            Layer::GlobalAvgPool => Some([channels, 1, 1]),
            Layer::Linear { features, .. } => {
                if [height, width] != [1, 1] {
                    self.report(
                        Diagnostic::error(
                            Code::R0203,
                            span,
                            "a linear layer takes a vector, not a map",
                            format!("reads {}", show(input)),
                        )
                        .with_fix(
                            "put `global_avg_pool` before it",
                            span.before(),
                            "global_avg_pool; ",
                        ),
                    );
                    return None;
                }
                Some([*features, 1, 1])
            }
            Layer::ZeroPad { stride, .. } => {
                let wide = args.count("channels").unwrap_or(channels);
                if wide < channels {
                    let place = args.get("channels").map_or(span, |(_, s)| s);
                    let message = format!("padding cannot take {channels} channels to {wide}");
                    self.report(
                        Diagnostic::error(Code::R0303, place, message, format!("fewer than {channels}"))
                            .with_help("it only adds channels; a 1x1 convolution gives fewer"),
                    );
                    return None;
                }
                Some([wide, height.div_ceil(*stride), width.div_ceil(*stride)])
            }
            Layer::BlurPool { size, stride, pad } => {
                if *pad >= height || *pad >= width {
                    let message = format!("a blur of {size} taps does not fit a {height} x {width} map");
                    self.report(
                        Diagnostic::error(Code::R0201, span, message, format!("reads {}", show(input)))
                            .with_note(format!(
                                "it mirrors {pad} rows and columns at each edge, and needs more than that"
                            ))
                            .with_help("use fewer taps, or fewer strides before it"),
                    );
                    return None;
                }
                let pad = Pad { top: *pad, left: *pad, bottom: *pad, right: *pad };
                let axes = axes([*size; 2], [*stride; 2], [1, 1], pad);
                let [h, w] = self.windows(&axes, input, false, span)?;
                Some([channels, h, w])
            }
            Layer::BatchNorm { eps } => {
                if !eps.is_finite() || *eps < 0.0 {
                    self.report(Diagnostic::error(
                        Code::R0303,
                        args.get("eps").map_or(span, |(_, s)| s),
                        "`eps` is added to a variance, so it is not negative",
                        "out of range",
                    ));
                    return None;
                }
                Some(input)
            }
            Layer::Input
            | Layer::Activation(_)
            | Layer::Add
            | Layer::Average
            | Layer::Mul
            | Layer::Softmax
            | Layer::Dropout => Some(input),
        }
    }

    fn windows(&mut self, axes: &[Axis; 2], input: Shape, ceil: bool, span: Span) -> Option<[usize; 2]> {
        let [_, height, width] = input;
        let (h, w) = (axes[0].outputs(height, ceil), axes[1].outputs(width, ceil));
        if h.is_none() || w.is_none() {
            let [y, x] = axes;
            self.report(
                Diagnostic::error(
                    Code::R0201,
                    span,
                    format!("a {} x {} window does not fit a {height} x {width} map", y.extent(), x.extent()),
                    format!("reads {} x {height} x {width}", input[0]),
                )
                .with_note(format!(
                    "with its padding the map has {} x {}",
                    height + y.before + y.after,
                    width + x.before + x.after
                ))
                .with_help("use a smaller window, more padding, or fewer strides before it"),
            );
        }
        Some([h?, w?])
    }

    fn check_groups(&mut self, c: &Conv, channels: usize, args: &Args, span: Span) -> Option<()> {
        if channels.is_multiple_of(c.groups) && c.channels.is_multiple_of(c.groups) {
            return Some(());
        }
        let (side, count) =
            if channels.is_multiple_of(c.groups) { ("output", c.channels) } else { ("input", channels) };
        let place = args.get("groups").map_or(span, |(_, s)| s);
        let fits = common_divisors(channels, c.channels);
        let edit = |literal| move |groups: &usize| Edit { span: literal, text: groups.to_string() };
        let edits = args.literal("groups").map(|literal| fits.iter().map(edit(literal)).collect::<Vec<_>>());
        let edits = edits.unwrap_or_default();
        self.report(
            Diagnostic::error(
                Code::R0202,
                place,
                format!("{} groups do not divide {count} {side} channels", c.groups),
                format!("{channels} channels in, {} out", c.channels),
            )
            .with_fixes(groups_help(channels, c.channels), edits),
        );
        None
    }

    fn check_rate(&mut self, word: &str, args: &Args) {
        let (Some(rate), Some((_, span))) = (args.number("rate"), args.get("rate")) else { return };
        if !(0.0..=1.0).contains(&rate) {
            let message = format!("`rate` of `{word}` cannot be {rate}");
            self.report(Diagnostic::error(Code::R0303, span, message, "must be from 0 to 1"));
        }
    }

    fn check_pool_pad(&mut self, window: &Window, args: &Args) -> Option<()> {
        let Some((Bound::Pad([v, h]), span)) = args.get("pad") else { return Some(()) };
        if v * 2 <= window.kernel[0] && h * 2 <= window.kernel[1] {
            return Some(());
        }
        let [height, width] = window.kernel;
        self.report(
            Diagnostic::error(
                Code::R0303,
                span,
                format!("padding of a {height} x {width} pool is at most {} x {}", height / 2, width / 2),
                "some windows would see nothing but padding",
            )
            .with_help("leave it out, or use a larger window"),
        );
        None
    }
}

fn common_divisors(a: usize, b: usize) -> Vec<usize> {
    (1..=a.min(b)).filter(|g| a.is_multiple_of(*g) && b.is_multiple_of(*g)).collect()
}

/// The groups that two numbers of channels allow.
fn groups_help(a: usize, b: usize) -> String {
    let mut fits: Vec<_> = common_divisors(a, b).iter().map(usize::to_string).collect();
    if fits.len() > 8 {
        fits.splice(6..fits.len() - 1, ["…".to_owned()]);
    }
    match fits.len() {
        1 => format!("{a} and {b} channels allow only 1 group"),
        _ => format!("{a} and {b} channels allow {} groups", fits.join(", ")),
    }
}

fn conv(args: &Args, input: Option<Shape>) -> Conv {
    let kernel = args.pair("size").unwrap_or([1, 1]);
    let stride = args.pair("stride").unwrap_or([1, 1]);
    let dilation = args.pair("dilation").unwrap_or([1, 1]);
    Conv {
        channels: args.count("channels").unwrap_or(1),
        kernel,
        stride,
        dilation,
        pad: pad(args, kernel, stride, dilation, input),
        groups: args.count("groups").unwrap_or(1),
        bias: args.flag("bias").unwrap_or(false),
    }
}

/// A pool's window. A maximum is centred on its output unless told; a mean that saw padding would
/// be another mean, so it has none unless told.
fn window(args: &Args, input: Option<Shape>, centred: bool) -> Window {
    let kernel = args.pair("size").unwrap_or([1, 1]);
    let stride = args.pair("stride").unwrap_or(kernel);
    Window {
        kernel,
        stride,
        pad: match centred || args.get("pad").is_some() {
            true => pad(args, kernel, stride, [1, 1], input),
            false => Pad::default(),
        },
        ceil_mode: args.flag("ceil_mode").unwrap_or(false),
    }
}

fn pad(
    args: &Args,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    input: Option<Shape>,
) -> Pad {
    match (args.get("pad"), input) {
        (Some((Bound::PadSame, _)), Some([_, height, width])) => {
            let (top, bottom) = same(height, kernel[0], stride[0], dilation[0]);
            let (left, right) = same(width, kernel[1], stride[1], dilation[1]);
            Pad { top, left, bottom, right }
        }
        (Some((Bound::Pad([v, h]), _)), _) => Pad { top: *v, left: *h, bottom: *v, right: *h },
        _ => {
            let [v, h] = [0, 1].map(|i| (kernel[i] - 1) / 2 * dilation[i]);
            Pad { top: v, left: h, bottom: v, right: h }
        }
    }
}
