//! Weights and inputs made from names alone, bit for bit those of `reference/synthetic.py`, which
//! defines them.

use std::collections::HashMap;

const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;

/// FNV-1a of bytes, 64 bits.
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes
        .into_iter()
        .fold(0xCBF2_9CE4_8422_2325, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

/// The first `count` values of a tensor, from 0 to below 1.
fn unit(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let seed = fnv1a(name.bytes());
    (1..=count as u64).map(move |i| {
        let mut z = seed.wrapping_add(i.wrapping_mul(GOLDEN_RATIO));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 24)
    })
}

fn uniform(name: &str, count: usize, lo: f64, hi: f64) -> impl Iterator<Item = f64> {
    unit(name, count).map(move |u| lo + (hi - lo) * u)
}

/// What a golden says of a network's norms.
#[derive(Clone, Debug, Default)]
pub struct Norms {
    /// Factors of each norm's running mean and variance.
    pub scales: HashMap<String, (f64, f64)>,
    /// Norms whose weight is small.
    pub small: Vec<String>,
}

/// The values of a network's tensor.
pub fn tensor(name: &str, shape: &[usize], norms: &Norms) -> Vec<f32> {
    let count = shape.iter().product();
    let (layer, field) = name.rsplit_once('.').unwrap_or(("", name));
    let scale = norms.scales.get(layer);
    let draw = |lo: f64, hi: f64, factor: f64| -> Vec<f32> {
        uniform(name, count, lo, hi).map(|v| (factor * v) as f32).collect()
    };
    match (field, scale) {
        ("running_mean", Some((m, _))) => draw(-1.0, 1.0, *m),
        ("running_var", Some((_, v))) => draw(0.5, 1.5, *v),
        ("weight", Some(_)) if norms.small.iter().any(|n| n == layer) => draw(0.1, 0.4, 1.0),
        ("weight", Some(_)) => draw(0.5, 1.0, 1.0),
        ("bias", _) => draw(-0.1, 0.1, 1.0),
        _ => {
            let fan_in: usize = shape[1..].iter().product();
            let bound = (6.0 / fan_in as f64).sqrt();
            draw(-bound, bound, 1.0)
        }
    }
}

/// The input of shape `[n, c, h, w]`: blocks of 8 x 8 equal values, and fine noise over them.
pub fn input([n, c, h, w]: [usize; 4]) -> Vec<f32> {
    let (rows, columns) = (h.div_ceil(8), w.div_ceil(8));
    let coarse: Vec<f64> = uniform("input", n * c * rows * columns, -2.0, 2.0).collect();
    let fine = uniform("input.fine", n * c * h * w, -0.5, 0.5);
    fine.enumerate()
        .map(|(i, fine)| {
            let (plane, y, x) = (i / (h * w), i / w % h, i % w);
            (coarse[(plane * rows + y / 8) * columns + x / 8] + fine) as f32
        })
        .collect()
}
