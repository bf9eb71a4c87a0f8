//! What a step costs: its multiply-accumulates, the bytes that it moves, and the kernel that does it.
//!
//! In: an [`Op`] of a plan that [`Plan::verify`](super::Plan::verify) accepted, and a number of images.
//! Out: counts that depend on the plan alone. Work is counted as the network has it, traffic as the
//! memory has it: padded channels move but do not multiply. Both saturate rather than overflow.

use super::{Algorithm, Conv, Depthwise, Element, Op, Pool, Residual, View};

/// Bytes of one value.
const VALUE: u64 = size_of::<f32>() as u64;

impl Op {
    /// Multiply-accumulates for `n` images: those of convolutions and linear layers, without the
    /// channels that are padding, so that a network's sum is [`Plan::macs`](super::Plan::macs). Of
    /// convolutions whose groups were merged when packed, each output channel counts the whole merged
    /// group, zeros included. All other steps have none.
    pub fn macs(&self, n: usize) -> u64 {
        match self {
            Self::Conv(conv) => {
                let in_group = conv.input.element.channels(conv.group_input);
                let channels = if conv.groups == 1 { conv.input.channels } else { in_group };
                let View { height, width, channels: outputs, .. } = conv.output;
                product(&[n, height, width, outputs, conv.kernel[0], conv.kernel[1], channels])
            }
            Self::Depthwise(Depthwise { output, kernel, .. }) => {
                product(&[n, output.height, output.width, output.channels, kernel[0], kernel[1]])
            }
            Self::Load { .. }
            | Self::MaxPool(_)
            | Self::AvgPool(_)
            | Self::GlobalAvgPool { .. }
            | Self::BlurPool(_)
            | Self::Affine { .. }
            | Self::Activate { .. }
            | Self::Add { .. }
            | Self::Gate { .. }
            | Self::PadChannels { .. }
            | Self::Softmax { .. }
            | Self::Store { .. } => 0,
        }
    }

    /// Products that the kernel makes for `n` images, among them those with padded channels: fewer than
    /// [`Op::macs`] where Winograd's algorithm saves them, and several for each of values in parts.
    pub fn products(&self, n: usize) -> u64 {
        if let Self::Conv(Conv { algorithm: Algorithm::Winograd { form, .. }, input, output, .. }) = self {
            let tiles = [output.height, output.width].map(|side| side.div_ceil(form.outputs()));
            product(&[n, tiles[0], tiles[1], form.points(), input.pixel, output.pixel])
        } else if let Self::Conv(conv) = self {
            self.macs(n).saturating_mul(conv.terms().len() as u64)
        } else {
            self.macs(n)
        }
    }

    /// Bytes for `n` images that memory moves at least: activations that are read and written, and
    /// weights that are read, each counted once however often a kernel comes back to it. Padded
    /// channels count, as does the border that is written; what a window steps over does not.
    pub fn bytes(&self, n: usize) -> u64 {
        let activations = self.read(n).saturating_add(self.written(n));
        activations.saturating_add(self.weights_read()).saturating_mul(VALUE)
    }

    /// Values that are read from the arena, or from the caller's images.
    fn read(&self, n: usize) -> u64 {
        match self {
            Self::Load { output } => product(&[n, output.channels, output.height, output.width]),
            Self::Conv(Conv { input, output, kernel, stride, residual, .. })
            | Self::Depthwise(Depthwise { input, output, kernel, stride, residual, .. }) => windows(
                n, input, output, *kernel, *stride,
            )
            .saturating_add(summand(n, residual.as_ref(), output)),
            Self::MaxPool(pool) => pooled(n, pool),
            Self::AvgPool(avg) => pooled(n, &avg.pool),
            Self::BlurPool(blur) => windows(n, &blur.input, &blur.output, [blur.size; 2], [blur.stride; 2]),
            Self::GlobalAvgPool { input, .. }
            | Self::Affine { input, .. }
            | Self::Activate { input, .. }
            | Self::Softmax { input, .. }
            | Self::Store { input, .. } => map(n, input),
            Self::Add { input, residual, output, .. } => {
                map(n, input).saturating_add(summand(n, Some(residual), output))
            }
            Self::Gate { input, gate, residual, output, .. } => map(n, input)
                .saturating_add(map(n, gate))
                .saturating_add(summand(n, residual.as_ref(), output)),
            Self::PadChannels { residual, output } => summand(n, Some(residual), output),
        }
    }

    /// Values that are written to the arena, or to the caller's results.
    fn written(&self, n: usize) -> u64 {
        match self {
            Self::Store { input, .. } => product(&[n, input.channels, input.height, input.width]),
            Self::Load { .. }
            | Self::Conv(_)
            | Self::Depthwise(_)
            | Self::MaxPool(_)
            | Self::AvgPool(_)
            | Self::GlobalAvgPool { .. }
            | Self::BlurPool(_)
            | Self::Affine { .. }
            | Self::Activate { .. }
            | Self::Add { .. }
            | Self::Gate { .. }
            | Self::PadChannels { .. }
            | Self::Softmax { .. } => product(&[n, self.extent().image()]),
        }
    }

    /// Packed weights that are read, biases included.
    fn weights_read(&self) -> u64 {
        match self {
            Self::Conv(conv) => conv.packed_weights().map_or(u64::MAX, |weights| weights as u64),
            Self::Depthwise(Depthwise { output, kernel, .. }) => {
                product(&[output.pixel, kernel[0], kernel[1]]).saturating_add(output.pixel as u64)
            }
            Self::Affine { output, .. } => product(&[2, output.pixel]),
            Self::Load { .. }
            | Self::MaxPool(_)
            | Self::AvgPool(_)
            | Self::GlobalAvgPool { .. }
            | Self::BlurPool(_)
            | Self::Activate { .. }
            | Self::Add { .. }
            | Self::Gate { .. }
            | Self::PadChannels { .. }
            | Self::Softmax { .. }
            | Self::Store { .. } => 0,
        }
    }

    /// The kernel that computes it, such as `direct 3x3`.
    pub fn kernel(&self) -> String {
        let name = match self {
            Self::Conv(conv) => return conv_kernel(conv),
            Self::Depthwise(_) => "depthwise",
            Self::Load { .. } => "load",
            Self::MaxPool(_) => "max_pool",
            Self::AvgPool(_) => "avg_pool",
            Self::GlobalAvgPool { .. } => "global_avg_pool",
            Self::BlurPool(_) => "blur_pool",
            Self::Affine { .. } => "affine",
            Self::Activate { .. } => "activate",
            Self::Add { .. } => "add",
            Self::Gate { .. } => "gate",
            Self::PadChannels { .. } => "pad_channels",
            Self::Softmax { .. } => "softmax",
            Self::Store { .. } => "store",
        };
        name.to_owned()
    }
}

/// A convolution's algorithm and kernel, and its precision if that is not f32.
fn conv_kernel(conv: &Conv) -> String {
    let name = match conv.algorithm {
        _ if conv.kernel == [1, 1] && (conv.input.height, conv.input.width) == (1, 1) => "linear".to_owned(),
        Algorithm::Direct => format!("direct {}x{}", conv.kernel[0], conv.kernel[1]),
        Algorithm::Winograd { form, .. } => format!("winograd {0}x{0}", form.outputs()),
    };
    match conv.input.element {
        Element::F32 => name,
        element => format!("{name} {}", element.precision()),
    }
}

fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1, |product: u64, &factor| product.saturating_mul(factor as u64))
}

/// A whole map.
fn map(n: usize, view: &View) -> u64 {
    product(&[n, view.height, view.width, view.pixel])
}

/// What windows touch of a map: rows and columns that lie between windows are left out.
fn windows(n: usize, input: &View, output: &View, kernel: [usize; 2], stride: [usize; 2]) -> u64 {
    let touched = |axis: usize, outputs: usize, inputs: usize| {
        let steps = outputs.saturating_sub(1).saturating_mul(kernel[axis].min(stride[axis]));
        steps.saturating_add(kernel[axis]).min(inputs)
    };
    let (rows, columns) = (touched(0, output.height, input.height), touched(1, output.width, input.width));
    product(&[n, rows, columns, input.pixel])
}

fn pooled(n: usize, pool: &Pool) -> u64 {
    windows(n, &pool.input, &pool.output, pool.kernel, pool.stride)
}

/// What a sum reads of its shortcut.
fn summand(n: usize, residual: Option<&Residual>, output: &View) -> u64 {
    residual.map_or(0, |residual| {
        let words = match residual.view.element {
            Element::F32 => residual.view.pixel.min(output.lanes()),
            _ => residual.view.pixel,
        };
        product(&[n, output.height, output.width, words])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::winograd::Form;
    use crate::plan::{Activation, Border};

    #[test]
    fn padded_channels_move_and_do_not_multiply() {
        let conv = Conv::new(View::new(0, [20, 4, 4]), View::new(0, [10, 4, 4]), 0);
        let op = Op::Conv(conv.kernel([3, 3], [1, 1]));
        assert_eq!(op.macs(2), 2 * 16 * 10 * 9 * 20);
        assert_eq!(op.bytes(2), 4 * (2 * 16 * (32 + 16) + 16 * (9 * 32 + 1)));
    }

    #[test]
    fn winograd_saves_products_and_not_macs() {
        let view = View::new(0, [16, 8, 8]).bordered(Border::all(1));
        let conv = Conv::new(view, view, 0).kernel([3, 3], [1, 1]);
        let fast = conv.clone().by(Algorithm::Winograd { form: Form::F4x4, block: 4 });
        let (direct, fast) = (Op::Conv(conv), Op::Conv(fast));
        assert_eq!((direct.macs(2), fast.macs(2)), (294_912, 294_912));
        assert_eq!((direct.products(2), fast.products(2)), (294_912, 2 * 4 * 36 * 256));
    }

    #[test]
    fn a_merged_group_counts_whole() {
        let view = View::new(0, [64, 2, 2]);
        let op = Op::Conv(Conv::new(view, view, 0).kernel([3, 3], [1, 1]).groups(4, 16));
        assert_eq!(op.macs(1), 4 * 64 * 9 * 16);
        assert_eq!(op.bytes(1), 4 * (2 * 4 * 64 + 64 * (9 * 16 + 1)));
    }

    #[test]
    fn depthwise_multiplies_each_channel_by_its_own_kernel() {
        let view = View::new(0, [20, 5, 5]);
        let op = Op::Depthwise(Depthwise::new(view, view, 0).kernel([3, 5], [1, 2]));
        assert_eq!(op.macs(3), 3 * 25 * 20 * 15);
        assert_eq!(op.bytes(3), 4 * (2 * 3 * 25 * 32 + 16 * 32));
    }

    #[test]
    fn a_narrow_window_steps_over_what_it_does_not_read() {
        let (input, output) = (View::new(0, [16, 8, 8]), View::new(0, [16, 4, 4]));
        let op = |kernel| Op::Conv(Conv::new(input, output, 0).kernel([kernel; 2], [0, 0]).stride([2, 2]));
        assert_eq!(op(1).read(1), 16 * 16);
        assert_eq!(op(2).read(1), 64 * 16);
        assert_eq!(op(3).read(1), 64 * 16, "no more than there is");
    }

    #[test]
    fn shortcuts_are_read_and_borders_are_written() {
        let (input, small) = (View::new(0, [16, 4, 4]), View::new(0, [16, 8, 8]));
        let output = input.bordered(Border::all(1));
        let residual = Residual::zero_padded(small, 2, 0);
        let op = Op::Add { input, residual, output, activation: Activation::None };
        assert_eq!(op.bytes(1), 4 * 16 * (16 + 16 + 36));
        assert_eq!(op.macs(1), 0);
    }

    #[test]
    fn what_comes_in_and_goes_out_has_no_padding_outside() {
        let view = View::new(0, [3, 2, 2]);
        assert_eq!(Op::Load { output: view }.bytes(1), 4 * (12 + 64));
        assert_eq!(Op::Store { input: view, output: 0 }.bytes(1), 4 * (12 + 64));
    }

    #[test]
    fn kernels_have_names() {
        let view = |side| View::new(0, [16, side, side]);
        let conv = |side, kernel| Op::Conv(Conv::new(view(side), view(side), 0).kernel(kernel, [0, 0]));
        assert_eq!(conv(4, [3, 5]).kernel(), "direct 3x5");
        assert_eq!(conv(4, [1, 1]).kernel(), "direct 1x1");
        assert_eq!(conv(1, [1, 1]).kernel(), "linear");
        assert_eq!(Op::MaxPool(Pool::new(view(4), view(2), [2, 2])).kernel(), "max_pool");
    }
}
