//! Weights in the order in which kernels read them, one blob for the whole network.
//!
//! The layouts are those that [`resnetc_runtime::plan`] documents: panels of [`LANES`] output
//! channels, `[ky][kx][word][LANES]`, then biases; floats here, other words in `words.rs`. Narrow groups
//! are merged, with zeros between.

use resnetc_runtime::plan::winograd::{Form, packed_at};
use resnetc_runtime::plan::{Element, LANES, View};

use crate::graph::Constant;
use crate::model::limits::Limits;
use crate::model::network;

use super::words::Weights;
use super::{PlanError, past_limit};

/// Packed weights so far.
pub struct Packer {
    /// How much there may be; past it nothing is packed any more.
    limits: Limits,
    length: usize,
    values: Option<Vec<f32>>,
    /// Whether all that was packed since it was last asked is finite.
    finite: bool,
    /// Whether there was no memory for the values, which are then only counted.
    full: bool,
}

/// The groups of a convolution as they are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// How many.
    pub count: usize,
    /// Input channels of each, padding included.
    pub input: usize,
}

/// What a word can have the channels of.
const IN_WORD: usize = 4;

impl Groups {
    /// As they are if they fill panels, or panels them; else merged until each fills its panels; one
    /// group if that cannot be.
    ///
    /// Of several values a word, a group's words are its own, and its outputs whole panels.
    pub fn merge(conv: &network::Conv, input: &View) -> Self {
        let (channels, lanes) = (input.channels, input.lanes());
        let floats = input.element == Element::F32;
        let (wide_in, wide_out) = (channels / conv.groups, conv.channels / conv.groups);
        let alike = wide_in == wide_out && LANES.is_multiple_of(wide_out);
        if conv.groups > 1 && alike && floats && [channels, conv.channels] == [lanes; 2] {
            return Self { count: conv.groups, input: wide_in };
        }
        let whole = |m: usize| floats || (m * wide_in).is_multiple_of(IN_WORD);
        let merged = (1..=conv.groups)
            .find(|m| conv.groups.is_multiple_of(*m) && (m * wide_out).is_multiple_of(LANES) && whole(*m))
            .filter(|_| channels == lanes && conv.groups > 1);
        match merged {
            Some(m) => Self { count: conv.groups / m, input: m * wide_in },
            None => Self { count: 1, input: lanes },
        }
    }
}

impl Packer {
    /// Nothing packed yet, and so much at most.
    pub fn new(limits: Limits) -> Self {
        Self { limits, length: 0, values: Some(Vec::new()), finite: true, full: false }
    }

    /// How much is packed so far.
    pub fn length(&self) -> usize {
        self.length
    }

    /// How much was packed, and the values if all were known.
    ///
    /// # Errors
    ///
    /// [`PlanError::PastLimit`] if it was too much, and [`PlanError::Memory`].
    pub fn finish(self) -> Result<(usize, Option<Vec<f32>>), PlanError> {
        if self.length > self.limits.words() {
            let smaller = "use fewer or narrower layers, and groups that fill panels of 16 channels";
            return Err(past_limit(&self.limits, "packed weights", smaller));
        }
        if self.full {
            return Err(PlanError::Memory(self.length.saturating_mul(size_of::<f32>())));
        }
        Ok((self.length, self.values))
    }

    /// Whether all that was packed since the last question is finite.
    pub fn was_finite(&mut self) -> bool {
        std::mem::replace(&mut self.finite, true)
    }

    /// Makes room for `length` values, and fills it if the values are known; gives its offset.
    fn append(&mut self, length: usize, fill: Option<impl FnOnce(&mut [f32])>) -> usize {
        let offset = self.append_words(length, fill);
        let packed = self.values.as_ref().map_or(&[][..], |values| &values[offset..]);
        self.finite &= packed.iter().all(|value| value.is_finite());
        offset
    }

    /// The same for words that may be anything.
    fn append_words(&mut self, length: usize, fill: Option<impl FnOnce(&mut [f32])>) -> usize {
        let offset = self.length;
        self.length = offset.saturating_add(length);
        match (&mut self.values, fill) {
            (Some(values), Some(fill)) if self.length <= self.limits.words() => {
                self.full |= values.try_reserve(length).is_err();
                if self.full {
                    self.values = None;
                    return offset;
                }
                values.resize(self.length, 0.0);
                fill(&mut values[offset..]);
            }
            (values, _) => *values = None,
        }
        offset
    }

    /// Packs a convolution's `[out, in / groups, kh, kw]` weights and its bias for an input of several
    /// values a word.
    fn words(
        &mut self,
        conv: &network::Conv,
        weight: &Constant,
        bias: Option<&Constant>,
        (groups, element): (Groups, Element),
    ) -> usize {
        let known = known(weight, bias);
        let (values, bias) = known.unwrap_or_default();
        let weights = Weights {
            values,
            bias,
            taps: conv.kernel[0] * conv.kernel[1],
            wide_in: weight.shape[1],
            wide_out: conv.channels / conv.groups,
            groups,
            channels: conv.channels,
        };
        self.finite &= values.iter().chain(bias).all(|value| value.is_finite());
        let mut finite = true;
        let fill = known.map(|_| |out: &mut [f32]| finite = weights.pack(element, out));
        let offset = self.append_words(weights.length(element), fill);
        self.finite &= finite;
        offset
    }

    /// Packs a convolution's weights and its bias for an input of such elements.
    pub fn dense(
        &mut self,
        conv: &network::Conv,
        weight: &Constant,
        bias: Option<&Constant>,
        (groups, element): (Groups, Element),
    ) -> usize {
        match element {
            Element::F32 => self.conv(conv, weight, bias, groups),
            Element::Bf16 | Element::Split { .. } | Element::U8(_) => {
                self.words(conv, weight, bias, (groups, element))
            }
        }
    }

    /// Packs a convolution's `[out, in / groups, kh, kw]` weights and its bias.
    fn conv(
        &mut self,
        conv: &network::Conv,
        weight: &Constant,
        bias: Option<&Constant>,
        groups: Groups,
    ) -> usize {
        let [kh, kw] = conv.kernel;
        let panels = conv.channels.div_ceil(LANES);
        let panel = product(&[kh, kw, groups.input, LANES]);
        let biases = panels * LANES;
        let (wide_in, wide_out) = (weight.shape[1], conv.channels / conv.groups);
        let known = known(weight, bias);
        self.append(
            product(&[panels, panel]).saturating_add(biases),
            known.map(|(w, b)| {
                move |out: &mut [f32]| {
                    let (packed, bias_out) = out.split_at_mut(panels * panel);
                    for (channel, kernel) in w.chunks(wide_in * kh * kw).enumerate() {
                        let merged = channel / (conv.channels / groups.count).max(1);
                        // Where this channel's own inputs begin among those that its panel reads.
                        let first = (channel / wide_out) * wide_in - merged * groups.input;
                        let to = &mut packed[channel / LANES * panel + channel % LANES..];
                        for (c, taps) in kernel.chunks(kh * kw).enumerate() {
                            for (tap, value) in taps.iter().enumerate() {
                                to[(tap * groups.input + first + c) * LANES] = *value;
                            }
                        }
                    }
                    bias_out[..b.len()].copy_from_slice(b);
                }
            }),
        )
    }

    /// Packs a 3 x 3 convolution's weights at the points of Winograd's algorithm, and its bias.
    pub fn winograd(
        &mut self,
        form: Form,
        weight: &Constant,
        bias: Option<&Constant>,
        pixel: usize,
    ) -> usize {
        let [channels, inputs] = [weight.shape[0], weight.shape[1]];
        let panels = channels.div_ceil(LANES);
        let panel = product(&[form.points(), pixel, LANES]);
        let filter = form.filter();
        self.append(
            product(&[panels, panel + LANES]),
            known(weight, bias).map(|(w, b)| {
                move |out: &mut [f32]| {
                    let (packed, bias_out) = out.split_at_mut(panels * panel);
                    for (index, kernel) in w.chunks(9).enumerate() {
                        let (channel, c) = (index / inputs, index % inputs);
                        for (point, value) in filter.weights(kernel).enumerate() {
                            packed[packed_at(form, [pixel, channels], channel, point, c)] = value;
                        }
                    }
                    bias_out[..b.len()].copy_from_slice(b);
                }
            }),
        )
    }

    /// Packs a linear layer as the 1 x 1 convolution that it is.
    pub fn linear(&mut self, weight: &Constant, bias: Option<&Constant>, input: &View) -> usize {
        let [features, inputs] = [weight.shape[0], weight.shape[1]];
        let conv = network::Conv {
            channels: features,
            kernel: [1, 1],
            stride: [1, 1],
            pad: network::Pad::default(),
            dilation: [1, 1],
            groups: 1,
            bias: false,
        };
        let weight = Constant { shape: vec![features, inputs, 1, 1], values: weight.values.clone() };
        self.dense(&conv, &weight, bias, (Groups { count: 1, input: input.lanes() }, input.element))
    }

    /// Packs a depthwise convolution's `[c, 1, kh, kw]` weights, and its bias.
    pub fn depthwise(&mut self, weight: &Constant, bias: Option<&Constant>, pixel: usize) -> usize {
        let taps = weight.shape[2] * weight.shape[3];
        self.append(
            product(&[taps + 1, pixel]),
            known(weight, bias).map(|(w, b)| {
                move |out: &mut [f32]| {
                    for (channel, kernel) in w.chunks(taps).enumerate() {
                        for (tap, value) in kernel.iter().enumerate() {
                            out[tap * pixel + channel] = *value;
                        }
                    }
                    out[taps * pixel..][..b.len()].copy_from_slice(b);
                }
            }),
        )
    }

    /// Packs a scale and a shift.
    pub fn affine(&mut self, scale: &Constant, shift: &Constant, pixel: usize) -> usize {
        self.append(
            2 * pixel,
            known(scale, Some(shift)).map(|(s, t)| {
                move |out: &mut [f32]| {
                    out[..s.len()].copy_from_slice(s);
                    out[pixel..][..t.len()].copy_from_slice(t);
                }
            }),
        )
    }
}

/// The product of sizes; saturates, which is more than any packer takes.
pub fn product(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |product, &size| product.saturating_mul(size))
}

/// The values of a weight and its bias, if they are known; no bias is an empty one.
fn known<'a>(weight: &'a Constant, bias: Option<&'a Constant>) -> Option<(&'a [f32], &'a [f32])> {
    let bias = match bias {
        Some(bias) => bias.values.as_ref()?.as_slice(),
        None => &[],
    };
    Some((weight.values.as_deref()?, bias))
}
