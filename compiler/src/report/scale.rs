//! Axes: from values to places on a canvas, and the values that are marked.

/// Values beyond these are not told apart: no file makes an axis of any length.
const LEAST: f64 = 1e-12;
const MOST: f64 = 1e18;

/// An axis from a value to a value, over a stretch of the canvas.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    kind: Kind,
    values: [f64; 2],
    places: [f64; 2],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Linear,
    Logarithmic,
}

impl Scale {
    /// From 0 to at least `most`, a round number.
    pub fn linear(most: f64, places: [f64; 2]) -> Self {
        let step = step(most);
        let end = if (LEAST..MOST).contains(&most) { (most / step).ceil() * step } else { 1.0 };
        Self { kind: Kind::Linear, values: [0.0, end], places }
    }

    /// From 0 to exactly `most`.
    pub fn exact(most: f64, places: [f64; 2]) -> Self {
        Self { kind: Kind::Linear, values: [0.0, if most > 0.0 { most } else { 1.0 }], places }
    }

    /// Over all of the values, from half a decade's mark to another; those not above 0, or beyond all measure, are
    /// left out.
    pub fn logarithmic(values: impl IntoIterator<Item = f64>, places: [f64; 2]) -> Self {
        let mut range = [f64::INFINITY, f64::NEG_INFINITY];
        for value in values.into_iter().filter(|v| (LEAST..MOST).contains(v)) {
            range = [range[0].min(value), range[1].max(value)];
        }
        let [low, high] = if range[0] <= range[1] { range } else { [1.0, 10.0] };
        let marks = |value: f64| value.log10() * 2.0;
        let low = 10f64.powf((marks(low) - 0.1).floor() / 2.0);
        let high = 10f64.powf((marks(high) + 0.1).ceil() / 2.0);
        Self { kind: Kind::Logarithmic, values: [low, high], places }
    }

    /// Where a value is; what is beyond the axis is at its end.
    pub fn at(&self, value: f64) -> f64 {
        let [low, high] = self.values;
        let part = match self.kind {
            Kind::Linear => (value - low) / (high - low),
            Kind::Logarithmic => (value.max(f64::MIN_POSITIVE) / low).ln() / (high / low).ln(),
        };
        self.places[0] + part.clamp(0.0, 1.0) * (self.places[1] - self.places[0])
    }

    /// The first and the last value.
    pub fn values(&self) -> [f64; 2] {
        self.values
    }

    /// Values to mark: round numbers, or powers of ten.
    pub fn ticks(&self) -> Vec<f64> {
        let [low, high] = self.values;
        match self.kind {
            Kind::Linear => {
                let step = step(high);
                (0..).map(|i| f64::from(i) * step).take_while(|v| *v <= high * 1.000_001).collect()
            }
            Kind::Logarithmic => {
                let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
                let all = (first..=last).map(|e| 10f64.powi(e));
                all.filter(|v| *v >= low * 0.999_999 && *v <= high * 1.000_001).collect()
            }
        }
    }
}

/// A round distance of which 3 to 6 reach so far.
fn step(most: f64) -> f64 {
    if !(LEAST..MOST).contains(&most) {
        return 1.0;
    }
    let rough = most / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let factor = match rough / power {
        f if f < 1.5 => 1.0,
        f if f < 3.5 => 2.0,
        f if f < 7.5 => 5.0,
        _ => 10.0,
    };
    factor * power
}

/// A tick's value in as few digits as it takes.
pub fn tick(value: f64) -> String {
    let rounded = format!("{value:.3}");
    match rounded.trim_end_matches('0').trim_end_matches('.') {
        "0" if value > 0.0 => format!("{value:e}"),
        short => short.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_axes_end_on_round_numbers() {
        let scale = Scale::linear(7.3, [0.0, 100.0]);
        assert_eq!(scale.ticks(), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!((scale.at(4.0), scale.at(99.0)), (50.0, 100.0));
    }

    #[test]
    fn logarithmic_axes_hold_all_values() {
        let scale = Scale::logarithmic([0.3, 0.0, 250.0], [0.0, 100.0]);
        let [low, high] = scale.values();
        assert!(low <= 0.3 && high >= 250.0, "{low} {high}");
        assert_eq!(scale.ticks(), [0.1, 1.0, 10.0, 100.0]);
        assert!(scale.at(0.3) < scale.at(1.0) && scale.at(0.0) == 0.0);
        assert_eq!(Scale::logarithmic([], [0.0, 1.0]).ticks().len(), 2);
    }

    #[test]
    fn values_beyond_all_measure_have_axes_too() {
        for value in [0.0, 5e-324, 1e-300, 1e300, f64::MAX] {
            let linear = Scale::linear(value, [0.0, 100.0]);
            let logarithmic = Scale::logarithmic([value], [0.0, 100.0]);
            for scale in [linear, logarithmic] {
                assert!(scale.ticks().len() < 40 && (0.0..=100.0).contains(&scale.at(value)), "{value}");
            }
        }
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!([0.0, 0.5, 20.0, 1e-5].map(tick), ["0", "0.5", "20", "1e-5"]);
    }
}
