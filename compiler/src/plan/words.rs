//! Weights as the kernels multiply them that take several values a word: bf16, parts in bf16, bytes.
//!
//! In: a convolution's weights, as `[out, in / groups, kh, kw]`. Out: panels of words, and what the epilogue
//! needs behind them, as [`resnetc_runtime::plan::Conv`] has it. Bytes are symmetric, with a scale for each
//! output channel: the least with which no weight is beyond 127, and no two that are multiplied together
//! add up to more than 128, as instruction sets without a sum of four products want it.

use resnetc_runtime::plan::{Element, LANES, SPLIT_MAX, Scale, bf16_bits};

use super::pack::{Groups, product};

/// The greatest of a channel's weights in 8 bits.
const GREATEST: f32 = 127.0;
/// The greatest sum of two weights that are multiplied together.
const PAIR: f32 = 128.0;

/// A convolution's weights, and how they are packed.
pub struct Weights<'a> {
    /// One for each output channel, input channel of its group, and tap.
    pub values: &'a [f32],
    /// One for each output channel, or none.
    pub bias: &'a [f32],
    /// Taps of the kernel.
    pub taps: usize,
    /// Input channels of a group, as the network has it.
    pub wide_in: usize,
    /// Output channels of a group, as the network has it.
    pub wide_out: usize,
    /// The groups as they are packed.
    pub groups: Groups,
    /// Output channels.
    pub channels: usize,
}

impl Weights<'_> {
    /// Words of all panels, for an input of these elements.
    fn panels(&self, element: Element) -> usize {
        product(&[self.lanes(), self.taps, element.words(self.groups.input)])
    }

    fn lanes(&self) -> usize {
        self.channels.next_multiple_of(LANES)
    }

    /// Words of the panels and of what is behind them.
    pub fn length(&self, element: Element) -> usize {
        let constants = if matches!(element, Element::U8(_)) { 3 } else { 1 };
        self.panels(element).saturating_add(constants * self.lanes())
    }

    /// Packs them for an input of these elements; tells whether what they have become is finite.
    pub fn pack(&self, element: Element, out: &mut [f32]) -> bool {
        let mut words = vec![0_u32; self.length(element)];
        let (panels, constants) = words.split_at_mut(self.panels(element));
        match element {
            Element::U8(scale) => self.pack_bytes(scale, element, panels, constants),
            Element::F32 | Element::Bf16 | Element::Split { .. } => {
                self.pack_parts(element, panels);
                for (constant, bias) in constants.iter_mut().zip(self.bias) {
                    *constant = bias.to_bits();
                }
            }
        }
        let finite = match element {
            Element::U8(_) => {
                let floats = &constants[..2 * self.lanes()];
                floats.iter().all(|constant| f32::from_bits(*constant).is_finite())
            }
            Element::F32 | Element::Bf16 | Element::Split { .. } => {
                let half = |bits: u32| f32::from_bits(bits << 16).is_finite();
                panels.iter().all(|word| half(*word) && half(*word >> 16))
            }
        };
        for (out, word) in out.iter_mut().zip(words) {
            *out = f32::from_bits(word);
        }
        finite
    }

    /// Where a channel's own inputs begin among those that its panel reads.
    fn first(&self, channel: usize) -> usize {
        let merged = channel / (self.channels / self.groups.count).max(1);
        channel / self.wide_out * self.wide_in - merged * self.groups.input
    }

    /// Every weight: its output channel, its tap, its place among the inputs that its panel reads, its value.
    fn each(&self) -> impl Iterator<Item = (usize, usize, usize, f32)> {
        self.values.chunks(self.wide_in * self.taps).enumerate().flat_map(move |(channel, kernel)| {
            let first = self.first(channel);
            kernel
                .iter()
                .enumerate()
                .map(move |(at, value)| (channel, at % self.taps, first + at / self.taps, *value))
        })
    }

    fn pack_parts(&self, element: Element, panels: &mut [u32]) {
        let line = element.words(self.groups.input);
        let plane = line / element.parts();
        for (channel, tap, k, value) in self.each() {
            let panel = channel / LANES * self.taps * line;
            let mut left = if element.parts() > 1 { value.clamp(-SPLIT_MAX, SPLIT_MAX) } else { value };
            for part in 0..element.parts() {
                let bits = bf16_bits(left);
                let word = panel + tap * line + part * plane + k / 2;
                panels[word * LANES + channel % LANES] |= u32::from(bits) << (k % 2 * 16);
                left -= f32::from_bits(u32::from(bits) << 16);
            }
        }
    }

    fn pack_bytes(&self, scale: Scale, element: Element, panels: &mut [u32], constants: &mut [u32]) {
        let line = element.words(self.groups.input);
        let lanes = self.lanes();
        let kernel = self.wide_in * self.taps;
        // Where the input's channels have steps of their own, those go into the weights.
        let own = scale.steps().map(|step| step / scale.steps()[0]);
        let values: Vec<f32> = self.each().map(|(_, _, k, value)| value * own[k % 4]).collect();
        let weights = Weights { values: &values, ..*self };
        let channels = values.chunks(kernel).enumerate();
        let steps: Vec<f32> =
            channels.map(|(channel, kernel)| step(kernel, self.taps, self.first(channel))).collect();
        let mut sums = vec![0_i32; lanes];
        // What the input's zeros contribute to each sum.
        let mut zeros = vec![0.0_f64; lanes];
        for (channel, tap, k, value) in weights.each() {
            let weight = quantise(value, steps[channel]) as i8;
            sums[channel] += i32::from(weight);
            zeros[channel] += f64::from(scale.zeros()[k % 4]) * f64::from(weight);
            let word = channel / LANES * self.taps * line + tap * line + k / 4;
            panels[word * LANES + channel % LANES] |= u32::from(weight.cast_unsigned()) << (k % 4 * 8);
        }
        for (channel, step) in steps.iter().enumerate() {
            let product = f64::from(scale.steps()[0]) * f64::from(*step);
            let bias = self.bias.get(channel).copied().map_or(0.0, f64::from);
            constants[channel] = (product as f32).to_bits();
            constants[lanes + channel] = ((bias - product * zeros[channel]) as f32).to_bits();
            constants[2 * lanes + channel] = sums[channel].cast_unsigned();
        }
    }
}

/// A weight in 8 bits.
fn quantise(value: f32, step: f32) -> f32 {
    (value / step).round_ties_even().clamp(-GREATEST, GREATEST)
}

/// What one step of a channel's weights, `[in][taps]`, in 8 bits is; the first of them is multiplied with
/// the word that has input `first`.
fn step(kernel: &[f32], taps: usize, first: usize) -> f32 {
    let inputs = kernel.len() / taps.max(1);
    // Inputs two by two as they lie in words, at the same tap; the last may be alone.
    let pairs = || {
        let evens = (0..inputs).filter(move |input| (first + input).is_multiple_of(2));
        evens.flat_map(move |input| {
            let weight = move |input: usize, tap| kernel.get(input * taps + tap).copied().unwrap_or(0.0);
            (0..taps).map(move |tap| (weight(input, tap), weight(input + 1, tap)))
        })
    };
    let greatest = kernel.iter().fold(0.0, |greatest: f32, weight| greatest.max(weight.abs()));
    let together = pairs().fold(0.0, |greatest: f32, (a, b)| greatest.max((a + b).abs()));
    let mut step = (greatest / GREATEST).max(together / PAIR);
    if !step.is_normal() {
        return 1.0;
    }
    // Both of a pair may have been rounded up.
    while pairs().any(|(a, b)| (quantise(a, step) + quantise(b, step)).abs() > PAIR) {
        step *= 1.0 + 1.0 / 256.0;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_weights_stay_within_their_sum() {
        let kernel: Vec<f32> = (0..240).map(|i| ((i * 37 % 101) as f32 - 50.0) / 40.0).collect();
        for taps in [1, 3] {
            let step = step(&kernel, taps, 0);
            let byte = |index: usize| quantise(kernel[index], step);
            for first in (0..240).filter(|index| index / taps % 2 == 0) {
                assert!((byte(first) + byte(first + taps)).abs() <= PAIR, "{first} of {taps} taps");
            }
            let most = (0..240).map(|index| byte(index).abs()).fold(0.0, f32::max);
            assert!((64.0..=127.0).contains(&most), "no more is lost than must be: {most}");
        }
        assert_eq!(step(&[0.0; 9], 9, 0), 1.0);
    }

    #[test]
    fn pairs_of_merged_groups_are_those_that_lie_together() {
        // Groups of 3 channels, merged into one: every other one begins in the middle of a pair.
        let values: Vec<f32> = (0..48 * 3).map(|index| [0.0, 1.0, 1.0][index % 3]).collect();
        let groups = Groups { count: 1, input: 48 };
        let weights =
            Weights { values: &values, bias: &[], taps: 1, wide_in: 3, wide_out: 3, groups, channels: 48 };
        let element = Element::U8(Scale::new(1.0, 0));
        let mut out = vec![0.0; weights.length(element)];
        assert!(weights.pack(element, &mut out));
        let panels = weights.panels(element);
        let mut greatest = 0;
        for word in &out[..panels] {
            let [a, b, c, d] = word.to_bits().to_le_bytes().map(|byte| i32::from(byte.cast_signed()));
            assert!((a + b).abs() <= 128 && (c + d).abs() <= 128, "{a} {b} {c} {d}");
            greatest = greatest.max(a).max(b).max(c).max(d);
        }
        assert_eq!(greatest, 127, "channels whose weights lie in different pairs lose nothing");
    }

    #[test]
    fn what_normalises_pixels_goes_into_weights_and_bias() {
        let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.5, 0.1]);
        let (values, bias) = ([0.5, -0.25, 0.125], [3.0]);
        let groups = Groups { count: 1, input: 4 };
        let weights =
            Weights { values: &values, bias: &bias, taps: 1, wide_in: 3, wide_out: 1, groups, channels: 1 };
        let element = Element::U8(Scale::of_pixels(mean, std));
        let mut out = vec![0.0; weights.length(element)];
        assert!(weights.pack(element, &mut out));
        let panels = weights.panels(element);
        let bytes = out[0].to_bits().to_le_bytes().map(|byte| f32::from(byte.cast_signed()));
        for pixel in [[0_u8, 0, 0], [255, 0, 7], [124, 116, 104], [255; 3]] {
            let floats = pixel.map(f32::from);
            let sum: f32 = (0..3).map(|c| bytes[c] * floats[c]).sum();
            let found = sum * out[panels] + out[panels + LANES];
            let exact: f32 = (0..3).map(|c| values[c] * (floats[c] / 255.0 - mean[c]) / std[c]).sum();
            // Half a step of a weight, for each channel's pixel beside its mean.
            let most: f32 = (0..3).map(|c| 0.5 * out[panels] * (floats[c] - 255.0 * mean[c]).abs()).sum();
            assert!((found - exact - bias[0]).abs() <= most + 1e-4, "{pixel:?}: {found}, not {exact} + 3");
        }
    }

    #[test]
    fn what_halves_cannot_hold_is_told() {
        let values = [f32::MAX; 16];
        let groups = Groups { count: 1, input: 16 };
        let weights =
            Weights { values: &values, bias: &[], taps: 1, wide_in: 16, wide_out: 1, groups, channels: 1 };
        let mut out = vec![0.0; weights.length(Element::Bf16)];
        assert!(!weights.pack(Element::Bf16, &mut out));
        assert!(weights.pack(Element::Split { parts: 2 }, &mut vec![0.0; 1000]));
    }
}
