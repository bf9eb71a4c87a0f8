//! Constructors for plans that are written as constants: what emitted code is made of.

use std::borrow::Cow;

use super::{
    Activation, Algorithm, AvgPool, BlurPool, Conv, Depthwise, Op, Output, Pool, Residual, Section, Split,
    Stage, Step, View,
};

/// The first `N` lines of a text, empty ones where there are fewer: class names from a file that is
/// included when a program is compiled.
pub const fn lines<const N: usize>(text: &'static str) -> [Cow<'static, str>; N] {
    let mut lines = [const { Cow::Borrowed("") }; N];
    let (mut rest, mut at, mut line) = (text, 0, 0);
    while line < N && at < rest.len() {
        if rest.as_bytes()[at] == b'\n' {
            let (before, behind) = rest.split_at(at);
            // A constant function drops nothing, and there is nothing to drop in a borrowed line.
            std::mem::forget(std::mem::replace(&mut lines[line], Cow::Borrowed(before)));
            (_, rest) = behind.split_at(1);
            (line, at) = (line + 1, 0);
        } else {
            at += 1;
        }
    }
    if line < N && !rest.is_empty() {
        std::mem::forget(std::mem::replace(&mut lines[line], Cow::Borrowed(rest)));
    }
    lines
}

impl Stage {
    /// A part of the network, and its sections in order.
    pub const fn new(name: &'static str, sections: &'static [Section]) -> Self {
        Self { name: Cow::Borrowed(name), sections: Cow::Borrowed(sections) }
    }
}

impl Section {
    /// Steps that run once.
    pub const fn once(steps: &'static [Step]) -> Self {
        Self { times: 1, first: 0, weight_step: 0, steps: Cow::Borrowed(steps) }
    }

    /// Steps that run `times` over, for the blocks from `first` on.
    pub const fn repeat(times: usize, first: usize, weight_step: usize, steps: &'static [Step]) -> Self {
        Self { times, first, weight_step, steps: Cow::Borrowed(steps) }
    }
}

impl Step {
    /// A named kernel call.
    pub const fn new(name: &'static str, split: Split, op: Op) -> Self {
        Self { name: Cow::Borrowed(name), op, split }
    }
}

impl Output {
    /// A named result of `[channels, height, width]`.
    pub const fn new(name: &'static str, shape: [usize; 3]) -> Self {
        Self { name: Cow::Borrowed(name), shape }
    }
}

impl Residual {
    /// An identity shortcut.
    pub const fn identity(view: View) -> Self {
        Self { view, stride: 1, channel_offset: 0 }
    }

    /// An option A shortcut: every `stride`-th pixel, to the channels from `channel_offset` on.
    pub const fn zero_padded(view: View, stride: usize, channel_offset: usize) -> Self {
        Self { view, stride, channel_offset }
    }
}

impl Conv {
    /// A dense 1 x 1 convolution.
    pub const fn new(input: View, output: View, weights: usize) -> Self {
        Self {
            input,
            output,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            pad: [0, 0],
            groups: 1,
            group_input: input.pixel,
            weights,
            residual: None,
            activation: Activation::None,
            algorithm: Algorithm::Direct,
        }
    }

    /// With this algorithm.
    #[must_use]
    pub const fn by(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// With as many groups, of `group_input` channels each.
    #[must_use]
    pub const fn groups(self, groups: usize, group_input: usize) -> Self {
        Self { groups, group_input, ..self }
    }
}

impl Depthwise {
    /// A 1 x 1 depthwise convolution.
    pub const fn new(input: View, output: View, weights: usize) -> Self {
        Self {
            input,
            output,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            pad: [0, 0],
            weights,
            residual: None,
            activation: Activation::None,
        }
    }
}

macro_rules! convolution {
    ($type:ident) => {
        impl $type {
            /// With a kernel of this height and width, and the padding before it.
            #[must_use]
            pub const fn kernel(self, kernel: [usize; 2], pad: [usize; 2]) -> Self {
                Self { kernel, pad, ..self }
            }

            /// With a vertical and a horizontal stride.
            #[must_use]
            pub const fn stride(self, stride: [usize; 2]) -> Self {
                Self { stride, ..self }
            }

            /// With a vertical and a horizontal dilation.
            #[must_use]
            pub const fn dilation(self, dilation: [usize; 2]) -> Self {
                Self { dilation, ..self }
            }

            /// Plus a shortcut.
            #[must_use]
            pub const fn add(self, residual: Residual) -> Self {
                Self { residual: Some(residual), ..self }
            }

            /// With an activation at the end.
            #[must_use]
            pub const fn then(self, activation: Activation) -> Self {
                Self { activation, ..self }
            }
        }
    };
}

convolution!(Conv);
convolution!(Depthwise);

impl Pool {
    /// A window of this height and width, that moves by as much.
    pub const fn new(input: View, output: View, kernel: [usize; 2]) -> Self {
        Self { input, output, kernel, stride: kernel, pad: [0, 0] }
    }

    /// With a stride and the padding before the map.
    #[must_use]
    pub const fn stride(self, stride: [usize; 2], pad: [usize; 2]) -> Self {
        Self { stride, pad, ..self }
    }
}

impl AvgPool {
    /// A mean over the pool's windows.
    pub const fn new(pool: Pool, pad_end: [usize; 2], count_include_pad: bool) -> Self {
        Self { pool, pad_end, count_include_pad }
    }
}

impl BlurPool {
    /// A blur of `size` taps a side.
    pub const fn new(input: View, output: View, size: usize, stride: usize, pad: usize) -> Self {
        Self { input, output, size, stride, pad }
    }
}
