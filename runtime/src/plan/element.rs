//! How activations are stored: which of a pixel's words hold which channel's value.
//!
//! A word has 32 bits: the arena's and the packed weights' unit. A pixel's channels lie one behind the
//! other in its words, lower bits first; values that are split into parts have a plane for each part.
//! What multiplies words of two or four values at once has the same layout of weights as what multiplies
//! floats: `[tap][word][LANES]`.

use super::{Conv, Op, Plan, View};

/// How a map's values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Element {
    /// IEEE single: a channel a word.
    #[default]
    F32,
    /// The upper half of a single, rounded to nearest even: two channels a word.
    Bf16,
    /// A sum of `parts` such halves, 2 or 3, each rounding what the ones before left: for each part two
    /// channels a word, behind those of the part before.
    Split {
        /// How many.
        parts: usize,
    },
    /// 8 bits that mean what a [`Scale`] says: four channels a word.
    U8(Scale),
}

/// What 8 bits mean: `step * (q - zero)`. Both are the same for all channels, but for pixels, whose
/// channels are normalised apart; a word's four channels have four of each, and so has every other word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scale {
    /// The bits of floats, so that equal scales are equal.
    steps: [u32; 4],
    zeros: [u32; 4],
}

impl Scale {
    /// The same for all channels. `step` is positive and finite.
    pub const fn new(step: f32, zero: u8) -> Self {
        Self { steps: [step.to_bits(); 4], zeros: [(zero as f32).to_bits(); 4] }
    }

    /// One for each channel of a word; the zeros are within 0 to 255, and need not be whole.
    pub const fn of_channels(steps: [f32; 4], zeros: [f32; 4]) -> Self {
        const fn bits([a, b, c, d]: [f32; 4]) -> [u32; 4] {
            [a.to_bits(), b.to_bits(), c.to_bits(), d.to_bits()]
        }
        Self { steps: bits(steps), zeros: bits(zeros) }
    }

    /// Pixels of 8 bits as they are, which mean `(q / 255 - mean) / std`.
    pub fn of_pixels(mean: [f32; 3], std: [f32; 3]) -> Self {
        let channels = [0, 1, 2, 2];
        Self::of_channels(
            channels.map(|channel| (255.0 * std[channel]).recip()),
            channels.map(|channel| 255.0 * mean[channel]),
        )
    }

    /// Between a value and the next, for each channel of a word.
    pub const fn steps(self) -> [f32; 4] {
        let [a, b, c, d] = self.steps;
        [f32::from_bits(a), f32::from_bits(b), f32::from_bits(c), f32::from_bits(d)]
    }

    /// Which of them means 0, or would, for each channel of a word.
    pub const fn zeros(self) -> [f32; 4] {
        let [a, b, c, d] = self.zeros;
        [f32::from_bits(a), f32::from_bits(b), f32::from_bits(c), f32::from_bits(d)]
    }

    /// The step and the zero that [`Scale::new`] made it of, if they are the same for all channels.
    pub fn uniform(self) -> Option<(f32, u8)> {
        let (step, zero) = (self.steps()[0], self.zeros()[0] as u8);
        (self == Self::new(step, zero)).then_some((step, zero))
    }

    /// What a border's words are: the nearest to 0.
    pub fn border(self) -> [u8; 4] {
        self.zeros().map(|zero| zero.round_ties_even().clamp(0.0, 255.0) as u8)
    }

    /// The scale of values from `low` to `high`, 0 among them, of which 0 is exactly one.
    pub fn of_range(low: f32, high: f32) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let step = (high - low) / 255.0;
        // All are zeros, or next to: any step will do. And no range is wider than floats are.
        let step = if step.is_normal() {
            step
        } else if step > 1.0 {
            f32::MAX / 255.0
        } else {
            1.0
        };
        let zero = (-low / step).round_ties_even().clamp(0.0, 255.0);
        Self::new(step, zero as u8)
    }

    /// The nearest value that 8 bits of a channel can mean; the least for what is no number.
    pub fn quantise(self, channel: usize, value: f32) -> u8 {
        let (step, zero) = (self.steps()[channel % 4], self.zeros()[channel % 4]);
        (value * step.recip() + zero).round_ties_even().clamp(0.0, 255.0) as u8
    }

    /// What 8 bits of a channel mean.
    pub fn value(self, channel: usize, quantised: u8) -> f32 {
        self.steps()[channel % 4] * (f32::from(quantised) - self.zeros()[channel % 4])
    }
}

impl Element {
    /// Words that hold so many channels, a multiple of 4.
    pub const fn words(self, channels: usize) -> usize {
        match self {
            Self::F32 => channels,
            Self::Bf16 => channels / 2,
            Self::Split { parts } => channels / 2 * parts,
            Self::U8(_) => channels / 4,
        }
    }

    /// Channels that so many words hold.
    pub const fn channels(self, words: usize) -> usize {
        match self {
            Self::F32 => words,
            Self::Bf16 => words.saturating_mul(2),
            Self::Split { parts } => words / parts * 2,
            Self::U8(_) => words.saturating_mul(4),
        }
    }

    /// Planes of a pixel, each with all channels.
    pub const fn parts(self) -> usize {
        match self {
            Self::Split { parts } => parts,
            Self::F32 | Self::Bf16 | Self::U8(_) => 1,
        }
    }

    /// What the bytes of each of a border's words are, so that it means 0.
    pub fn border(self) -> [u8; 4] {
        match self {
            Self::U8(scale) => scale.border(),
            Self::F32 | Self::Bf16 | Self::Split { .. } => [0; 4],
        }
    }

    /// What a channel's value is when it has been stored.
    pub fn round(self, channel: usize, value: f32) -> f32 {
        match self {
            Self::F32 => value,
            Self::Bf16 => round_to_bf16(value),
            Self::Split { parts } => {
                let part = |(sum, left): (f32, f32), _| {
                    let part = round_to_bf16(left);
                    (sum + part, left - part)
                };
                (0..parts).fold((0.0, value.clamp(-SPLIT_MAX, SPLIT_MAX)), part).0
            }
            Self::U8(scale) => scale.value(channel, scale.quantise(channel, value)),
        }
    }

    /// The same, whatever its values mean.
    pub const fn stores_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::F32, Self::F32) | (Self::Bf16, Self::Bf16) | (Self::U8(_), Self::U8(_)) => true,
            (Self::Split { parts }, Self::Split { parts: others }) => parts == others,
            _ => false,
        }
    }

    /// The precision of sums over such values, as people say it.
    pub const fn precision(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Split { parts: 2 } => "f32-fast",
            Self::Split { .. } => "f32-fast3",
            Self::U8(_) => "int8",
        }
    }
}

impl Plan {
    /// How many convolutions and linear layers sum products of each kind of element, repetitions counted; in
    /// the order in which kinds come.
    pub fn layers_by_element(&self) -> Vec<(Element, usize)> {
        let mut counts: Vec<(Element, usize)> = Vec::new();
        for section in self.stages.iter().flat_map(|stage| stage.sections.iter()) {
            for step in section.steps.iter() {
                let element = match step.op {
                    Op::Conv(Conv { input: View { element, .. }, .. }) => element,
                    Op::Depthwise(_) => Element::F32,
                    _ => continue,
                };
                match counts.iter_mut().find(|(other, _)| other.stores_as(element)) {
                    Some((_, count)) => *count += section.times,
                    None => counts.push((element, section.times)),
                }
            }
        }
        counts
    }

    /// The precision of the sums, as people say it: `int8`, or `int8 (20 layers), f32 (1 layer)`.
    pub fn precision(&self) -> String {
        let mut counts = self.layers_by_element();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        match counts.as_slice() {
            [] => Element::F32.precision().to_owned(),
            [(element, _)] => element.precision().to_owned(),
            several => {
                let named = several.iter().map(|(element, count)| {
                    let layers = if *count == 1 { "layer" } else { "layers" };
                    format!("{} ({count} {layers})", element.precision())
                });
                named.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// The largest number that is split into parts: larger ones, infinities too, become this one, as what is
/// left beside an infinite part would be no number.
pub const SPLIT_MAX: f32 = f32::from_bits(0x7f7f_0000);

/// The nearest number of which only the upper 16 bits are set; that with an even last bit of two.
pub fn round_to_bf16(value: f32) -> f32 {
    f32::from_bits(u32::from(bf16_bits(value)) << 16)
}

/// The upper 16 bits of [`round_to_bf16`].
pub fn bf16_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    let rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    rounded as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_exact_in_any_range() {
        for (low, high) in [(0.0, 5.1), (-1.0, 3.0), (-2.0, 0.0), (0.0, 0.0), (1.0, 4.0), (-7.0, -2.0)] {
            let scale = Scale::of_range(low, high);
            assert_eq!(scale.value(0, scale.quantise(0, 0.0)), 0.0, "{low} to {high}");
            for value in [low, high, 0.3 * low + 0.7 * high] {
                let error = (scale.value(1, scale.quantise(1, value)) - value).abs();
                assert!(error <= scale.steps()[1] * 0.501 + 1e-6, "{value} of {low} to {high}: {error}");
            }
        }
    }

    #[test]
    fn pixels_are_kept_as_they_are() {
        let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        let scale = Scale::of_pixels(mean, std);
        for channel in 0..3 {
            for pixel in 0..=255 {
                let value = (f32::from(pixel) / 255.0 - mean[channel]) / std[channel];
                assert_eq!(scale.quantise(channel, value), pixel);
                assert!((scale.value(channel, pixel) - value).abs() < 1e-6, "{pixel} of {channel}");
            }
        }
        assert_eq!(scale.border(), [124, 116, 104, 104]);
    }

    #[test]
    fn halves_round_to_the_nearest_and_ties_to_even() {
        assert_eq!(round_to_bf16(1.0), 1.0);
        assert_eq!(round_to_bf16(f32::from_bits(0x3f80_8000)), 1.0);
        assert_eq!(round_to_bf16(f32::from_bits(0x3f81_8000)), f32::from_bits(0x3f82_0000));
        assert_eq!(round_to_bf16(f32::from_bits(0x3f80_8001)), f32::from_bits(0x3f81_0000));
        assert!(round_to_bf16(f32::NAN).is_nan());
        assert_eq!(round_to_bf16(f32::NEG_INFINITY), f32::NEG_INFINITY);
    }

    #[test]
    fn three_parts_are_a_single_and_two_have_16_bits() {
        for value in [1.0 + f32::EPSILON, 0.1, -123.456, 3e-20] {
            assert_eq!(Element::Split { parts: 3 }.round(0, value), value);
            let two = Element::Split { parts: 2 }.round(0, value);
            assert!((two - value).abs() <= value.abs() * 2.0_f32.powi(-16));
        }
        for parts in [2, 3] {
            assert_eq!(Element::Split { parts }.round(0, f32::MAX), SPLIT_MAX);
            assert_eq!(Element::Split { parts }.round(0, f32::NEG_INFINITY), -SPLIT_MAX);
            assert!(Element::Split { parts }.round(0, f32::NAN).is_nan());
        }
    }
}
