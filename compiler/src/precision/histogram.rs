//! The distribution of a tensor's values, and the range of them that 8 bits stand for best.
//!
//! In: values, as they come. Out: a [`Method`]'s range. Bins are of equal width, about zero; when a value
//! lies beyond the last, pairs of bins become one.

use std::fmt;

/// How the range is chosen of which 8 bits stand for the values; those outside of it become its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// From the least to the greatest value.
    Max,
    /// But for one value of ten thousand at each end.
    Percentile,
    /// That of which the distribution, when it is quantised, tells most of what it was (Kullback and
    /// Leibler's divergence is least).
    Entropy,
    /// That which leaves the least mean square error.
    Mse,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 4] = [Self::Max, Self::Percentile, Self::Entropy, Self::Mse];

    /// The name in commands and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Percentile => "percentile",
            Self::Entropy => "entropy",
            Self::Mse => "mse",
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bins on each side of zero.
const SIDE: usize = 2048;
/// Values that 8 bits can be.
const LEVELS: usize = 255;
/// What a percentile leaves out at each end.
const RARE: f64 = 1e-4;
/// Ranges that are tried, as parts of the whole one.
const TRIED: usize = 128;

/// How often values of each size were seen.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// From the one furthest below zero on.
    bins: Vec<u64>,
    /// Zeros, which any range has exactly: what activations cut off must not weigh.
    zeros: u64,
    width: f32,
    low: f32,
    high: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: vec![0; 2 * SIDE], zeros: 0, width: 0.0, low: 0.0, high: 0.0 }
    }
}

impl Histogram {
    /// Counts values; those that are not finite count for nothing.
    pub fn add(&mut self, values: &[f32]) {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (low, high) = finite().fold((self.low, self.high), |(low, high), v| (low.min(v), high.max(v)));
        (self.low, self.high) = (low, high);
        let extent = high.max(-low);
        self.zeros += values.iter().filter(|value| **value == 0.0).count() as u64;
        if self.width == 0.0 && extent > 0.0 {
            self.width = (extent / SIDE as f32).max(f32::MIN_POSITIVE);
        }
        while extent > self.width * SIDE as f32 && self.width.is_finite() {
            self.halve();
        }
        for value in finite().filter(|value| *value != 0.0) {
            let bin = (value / self.width).floor() as isize + SIDE as isize;
            self.bins[bin.clamp(0, 2 * SIDE as isize - 1) as usize] += 1;
        }
    }

    /// Makes one bin of two.
    fn halve(&mut self) {
        let mut bins = vec![0; 2 * SIDE];
        for (index, pair) in self.bins.chunks_exact(2).enumerate() {
            bins[SIDE / 2 + index] = pair[0] + pair[1];
        }
        self.bins = bins;
        self.width *= 2.0;
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.zeros + self.bins.iter().sum::<u64>()
    }

    /// The range that a method chooses, 0 within it.
    pub fn range(&self, method: Method) -> (f32, f32) {
        if self.width == 0.0 {
            return (0.0, 0.0);
        }
        match method {
            Method::Max => (self.low, self.high),
            Method::Percentile => self.percentile(),
            Method::Entropy => self.best(|histogram, range| histogram.divergence(range)),
            Method::Mse => self.best(|histogram, range| histogram.square_error(range)),
        }
    }

    fn percentile(&self) -> (f32, f32) {
        let bound = |bin: usize| (bin as f32 - SIDE as f32) * self.width;
        let low = self.edge(self.bins.iter().enumerate());
        let high = self.edge(self.bins.iter().enumerate().rev());
        (bound(low).clamp(self.low, 0.0), bound(high + 1).clamp(0.0, self.high))
    }

    /// The first of some bins before which there are more than rare values.
    fn edge<'a>(&self, mut bins: impl Iterator<Item = (usize, &'a u64)>) -> usize {
        let rare = (self.count() as f64 * RARE) as u64;
        let mut seen = 0;
        let found = bins.find(|(_, count)| {
            seen += **count;
            seen > rare
        });
        found.map_or(SIDE, |(bin, _)| bin)
    }

    /// The part of the whole range that costs least.
    fn best(&self, cost: impl Fn(&Self, (f32, f32)) -> f64) -> (f32, f32) {
        let part = |tried: usize| {
            let part = tried as f32 / TRIED as f32;
            (self.low * part, self.high * part)
        };
        let costs = (TRIED / 8..=TRIED).rev().map(|tried| (cost(self, part(tried)), part(tried)));
        costs.min_by(|(a, _), (b, _)| a.total_cmp(b)).map_or((self.low, self.high), |(_, range)| range)
    }

    /// The middle of each bin that has values, and how many.
    fn filled(&self) -> impl Iterator<Item = (f32, f64)> {
        let bins = self.bins.iter().enumerate().filter(|(_, count)| **count > 0);
        bins.map(|(bin, count)| ((bin as f32 + 0.5 - SIDE as f32) * self.width, *count as f64))
    }

    /// The sum of squares of what quantising to a range changes.
    fn square_error(&self, (low, high): (f32, f32)) -> f64 {
        let step = (high - low) / (LEVELS - 1) as f32;
        // Within a level values are anywhere; a bin's own width is part of it.
        let rounding = f64::from(step).powi(2) / 12.0;
        let error = |value: f32| {
            let beyond = f64::from((low - value).max(value - high).max(0.0));
            beyond * beyond + rounding
        };
        self.filled().map(|(value, count)| count * error(value)).sum()
    }

    /// Kullback and Leibler's divergence of the distribution, what lies beyond a range being at its ends,
    /// from what quantising to it leaves: each level's values spread evenly over the bins that had any.
    fn divergence(&self, (low, high): (f32, f32)) -> f64 {
        let step = (high - low) / (LEVELS - 1) as f32;
        let level = |value: f32| (((value - low) / step).round().max(0.0) as usize).min(LEVELS - 1);
        let within: Vec<(f32, f64)> = self.filled().filter(|(v, _)| (low..=high).contains(v)).collect();
        if within.is_empty() {
            return f64::INFINITY;
        }
        let mut levels = [(0.0, 0.0); LEVELS];
        for (value, count) in &within {
            let (sum, bins) = &mut levels[level(*value)];
            *sum += count;
            *bins += 1.0;
        }
        let total = |values: &[(f32, f64)]| values.iter().map(|(_, count)| count).sum::<f64>();
        let beyond = |is: fn(f32, f32) -> bool, bound: f32| {
            self.filled().filter(|(value, _)| is(*value, bound)).map(|(_, count)| count).sum::<f64>()
        };
        let mut clipped = within.clone();
        if let Some((_, count)) = clipped.first_mut() {
            *count += beyond(|value, bound| value < bound, low);
        }
        if let Some((_, count)) = clipped.last_mut() {
            *count += beyond(|value, bound| value > bound, high);
        }
        let (all, kept) = (total(&clipped), total(&within));
        let term = |(value, count): &(f32, f64)| {
            let (sum, bins) = levels[level(*value)];
            let (p, q) = (count / all, sum / bins / kept);
            p * (p / q).ln()
        };
        clipped.iter().map(term).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bell's values, all of them seen as often as they should be.
    fn bell(outlier: Option<f32>) -> Histogram {
        let mut histogram = Histogram::default();
        for at in -400..=400 {
            let value = at as f32 / 100.0;
            let count = (1000.0 * (-0.5 * value * value).exp()) as usize;
            histogram.add(&vec![value; count]);
        }
        histogram.add(outlier.as_slice());
        histogram
    }

    #[test]
    fn the_whole_range_is_from_the_least_to_the_greatest() {
        assert_eq!(bell(Some(50.0)).range(Method::Max).1, 50.0);
        assert_eq!(Histogram::default().range(Method::Mse), (0.0, 0.0));
        let mut positive = Histogram::default();
        positive.add(&[1.0, 2.0, f32::NAN, f32::INFINITY]);
        assert_eq!((positive.range(Method::Max), positive.count()), ((0.0, 2.0), 2));
    }

    #[test]
    fn one_value_far_out_is_left_out_by_all_but_the_maximum() {
        for method in [Method::Percentile, Method::Entropy, Method::Mse] {
            let (_, high) = bell(Some(16.0)).range(method);
            assert!((2.0..16.0).contains(&high), "{method}: {high}");
        }
    }

    #[test]
    fn no_method_cuts_off_all_values() {
        let mut gates = Histogram::default();
        gates.add(&(0..1000).map(|at| 0.9 + at as f32 / 10_000.0).collect::<Vec<_>>());
        let mut constant = Histogram::default();
        constant.add(&[5.0; 100]);
        for method in Method::ALL {
            assert!(gates.range(method).1 > 0.95, "{method}: {:?}", gates.range(method));
            assert!(constant.range(method).1 >= 4.9, "{method}: {:?}", constant.range(method));
        }
        let mut tiny = Histogram::default();
        tiny.add(&[1e-43, 1e-45]);
        assert_eq!(tiny.count(), 2);
    }

    #[test]
    fn counts_stay_when_values_grow() {
        let mut histogram = Histogram::default();
        for power in 0..20 {
            histogram.add(&[2.0_f32.powi(power), -0.5]);
        }
        assert_eq!(histogram.count(), 40);
        let (low, high) = histogram.range(Method::Percentile);
        assert!(low <= -0.5 && high == 2.0_f32.powi(19), "{low} to {high}");
    }

    #[test]
    fn the_least_square_error_is_where_clipping_and_rounding_balance() {
        let histogram = bell(Some(16.0));
        let (low, high) = histogram.range(Method::Mse);
        let least = histogram.square_error((low, high));
        for method in Method::ALL {
            assert!(least <= histogram.square_error(histogram.range(method)) * 1.0001, "{method}");
        }
    }
}
