//! Steps as calls of the runtime's constructors; what is at its default is left out.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use resnetc_runtime::plan::{Activation, Algorithm, Op, Pool, Residual};

use super::network::{Maps, number, pair};

/// The expression that makes an operation.
pub fn emit_op(op: &Op, maps: &mut Maps) -> TokenStream {
    match op {
        Op::Load { output } => {
            let output = maps.name(output);
            quote! { Op::Load { output: #output } }
        }
        Op::Conv(c) => {
            let (input, output, weights) = (maps.name(&c.input), maps.name(&c.output), number(c.weights));
            let mut out = quote! { Conv::new(#input, #output, #weights) };
            if (c.groups, c.group_input) != (1, c.input.pixel) {
                let (groups, width) = (number(c.groups), number(c.group_input));
                out = quote! { #out.groups(#groups, #width) };
            }
            let tail = Tail {
                kernel: c.kernel,
                pad: c.pad,
                stride: c.stride,
                dilation: c.dilation,
                residual: c.residual,
                activation: c.activation,
            };
            let mut out = tail.emit(out, maps);
            if let Algorithm::Winograd { form, block } = c.algorithm {
                let (form, block) = (format_ident!("{form:?}"), number(block));
                out = quote! { #out.by(Algorithm::Winograd { form: winograd::Form::#form, block: #block }) };
            }
            quote! { Op::Conv(#out) }
        }
        Op::Depthwise(c) => {
            let (input, output, weights) = (maps.name(&c.input), maps.name(&c.output), number(c.weights));
            let tail = Tail {
                kernel: c.kernel,
                pad: c.pad,
                stride: c.stride,
                dilation: c.dilation,
                residual: c.residual,
                activation: c.activation,
            };
            let out = tail.emit(quote! { Depthwise::new(#input, #output, #weights) }, maps);
            quote! { Op::Depthwise(#out) }
        }
        Op::MaxPool(pool) => {
            let pool = emit_pool(pool, maps);
            quote! { Op::MaxPool(#pool) }
        }
        Op::AvgPool(avg) => {
            let (pool, end, count) = (emit_pool(&avg.pool, maps), pair(avg.pad_end), avg.count_include_pad);
            quote! { Op::AvgPool(AvgPool::new(#pool, #end, #count)) }
        }
        Op::GlobalAvgPool { input, output } => {
            let (input, output) = (maps.name(input), maps.name(output));
            quote! { Op::GlobalAvgPool { input: #input, output: #output } }
        }
        Op::BlurPool(b) => {
            let (input, output) = (maps.name(&b.input), maps.name(&b.output));
            let [size, stride, pad] = [b.size, b.stride, b.pad].map(number);
            quote! { Op::BlurPool(BlurPool::new(#input, #output, #size, #stride, #pad)) }
        }
        Op::Affine { input, output, weights, activation } => {
            let (input, output, weights) = (maps.name(input), maps.name(output), number(*weights));
            let activation = emit_activation(*activation);
            quote! {
                Op::Affine { input: #input, output: #output, weights: #weights, activation: #activation }
            }
        }
        Op::Activate { input, output, activation } => {
            let (input, output) = (maps.name(input), maps.name(output));
            let activation = emit_activation(*activation);
            quote! { Op::Activate { input: #input, output: #output, activation: #activation } }
        }
        Op::Add { input, residual, output, activation } => {
            let (input, output) = (maps.name(input), maps.name(output));
            let (residual, activation) = (emit_residual(residual, maps), emit_activation(*activation));
            quote! {
                Op::Add { input: #input, residual: #residual, output: #output, activation: #activation }
            }
        }
        Op::Gate { input, gate, residual, output, activation } => {
            let (input, gate, output) = (maps.name(input), maps.name(gate), maps.name(output));
            let activation = emit_activation(*activation);
            let residual = match residual {
                Some(residual) => {
                    let residual = emit_residual(residual, maps);
                    quote! { Some(#residual) }
                }
                None => quote! { None },
            };
            quote! {
                Op::Gate {
                    input: #input,
                    gate: #gate,
                    residual: #residual,
                    output: #output,
                    activation: #activation,
                }
            }
        }
        Op::PadChannels { residual, output } => {
            let (residual, output) = (emit_residual(residual, maps), maps.name(output));
            quote! { Op::PadChannels { residual: #residual, output: #output } }
        }
        Op::Softmax { input, output } => {
            let (input, output) = (maps.name(input), maps.name(output));
            quote! { Op::Softmax { input: #input, output: #output } }
        }
        Op::Store { input, output } => {
            let (input, output) = (maps.name(input), number(*output));
            quote! { Op::Store { input: #input, output: #output } }
        }
    }
}

/// What dense and depthwise convolutions share.
struct Tail {
    kernel: [usize; 2],
    pad: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    residual: Option<Residual>,
    activation: Activation,
}

impl Tail {
    fn emit(&self, mut out: TokenStream, maps: &mut Maps) -> TokenStream {
        if (self.kernel, self.pad) != ([1, 1], [0, 0]) {
            let (kernel, pad) = (pair(self.kernel), pair(self.pad));
            out = quote! { #out.kernel(#kernel, #pad) };
        }
        if self.stride != [1, 1] {
            let stride = pair(self.stride);
            out = quote! { #out.stride(#stride) };
        }
        if self.dilation != [1, 1] {
            let dilation = pair(self.dilation);
            out = quote! { #out.dilation(#dilation) };
        }
        if let Some(residual) = &self.residual {
            let residual = emit_residual(residual, maps);
            out = quote! { #out.add(#residual) };
        }
        if self.activation != Activation::None {
            let activation = emit_activation(self.activation);
            out = quote! { #out.then(#activation) };
        }
        out
    }
}

fn emit_pool(pool: &Pool, maps: &mut Maps) -> TokenStream {
    let (input, output, kernel) = (maps.name(&pool.input), maps.name(&pool.output), pair(pool.kernel));
    let out = quote! { Pool::new(#input, #output, #kernel) };
    if (pool.stride, pool.pad) == (pool.kernel, [0, 0]) {
        return out;
    }
    let (stride, pad) = (pair(pool.stride), pair(pool.pad));
    quote! { #out.stride(#stride, #pad) }
}

fn emit_residual(residual: &Residual, maps: &mut Maps) -> TokenStream {
    let view = maps.name(&residual.view);
    if (residual.stride, residual.channel_offset) == (1, 0) {
        return quote! { Residual::identity(#view) };
    }
    let (stride, offset) = (number(residual.stride), number(residual.channel_offset));
    quote! { Residual::zero_padded(#view, #stride, #offset) }
}

fn emit_activation(activation: Activation) -> TokenStream {
    match activation {
        Activation::None => quote! { Activation::None },
        Activation::Relu => quote! { Activation::Relu },
        Activation::Relu6 => quote! { Activation::Relu6 },
        Activation::LeakyRelu(slope) => {
            let slope = Literal::f32_unsuffixed(slope);
            quote! { Activation::LeakyRelu(#slope) }
        }
        Activation::Silu => quote! { Activation::Silu },
        Activation::Gelu => quote! { Activation::Gelu },
        Activation::Sigmoid => quote! { Activation::Sigmoid },
        Activation::HardSigmoid => quote! { Activation::HardSigmoid },
        Activation::HardSwish => quote! { Activation::HardSwish },
        Activation::Tanh => quote! { Activation::Tanh },
    }
}
