//! What each step of a plan means, written naively in f64, to hold kernels and plans against.
//!
//! In: a plan, its packed weights and images. Out: the results. A position outside a map is zero here
//! by definition; the borders that kernels keep are never read, so a kernel that leaves one dirty is
//! found out. Memory is NaN until a step writes it.

#[cfg(feature = "reference")]
pub mod gemm;
mod ops;

use crate::plan::{Element, Plan, View};

pub use ops::{activate, apply};

/// Values that have room for each word: as many as a word can have.
pub const SLOTS: usize = 4;

/// A plan's memory, in f64; what is stored in fewer bits is rounded to them.
#[derive(Clone, Debug)]
pub struct Memory<'a> {
    /// The activations: [`SLOTS`] for each word of the plan's arena, a pixel's channels one behind the other
    /// from four times its offset on, however many fit into a word.
    pub arena: Vec<f64>,
    /// The packed weights, from where the current repetition's begin.
    pub weights: &'a [f32],
    /// n images, NCHW.
    pub images: &'a [f32],
    /// What was stored so far, NCHW.
    pub results: Vec<Vec<f64>>,
    /// How many images.
    pub n: usize,
}

impl Memory<'_> {
    /// The value at `[n, y, x, c]`: zero outside the map, and beyond its channels.
    fn get(&self, view: &View, [n, y, x, c]: [usize; 4]) -> f64 {
        if y < view.height && x < view.width && c < view.channels {
            self.arena[SLOTS * view.at(n, y, x) + c]
        } else {
            0.0
        }
    }

    /// The value at `[n, y, x, c]`, y and x being counted from `before` outside the map.
    fn get_padded(&self, view: &View, [n, y, x, c]: [usize; 4], before: [usize; 2]) -> f64 {
        match (y.checked_sub(before[0]), x.checked_sub(before[1])) {
            (Some(y), Some(x)) => self.get(view, [n, y, x, c]),
            _ => 0.0,
        }
    }

    /// What [`Memory::get_padded`] gives, as a convolution multiplies it: of bytes the integers, in a border
    /// too.
    fn factor(&self, view: &View, at: [usize; 4], before: [usize; 2]) -> f64 {
        let Element::U8(scale) = view.element else { return self.get_padded(view, at, before) };
        let [n, y, x, c] = at;
        let inside =
            y >= before[0] && y - before[0] < view.height && x >= before[1] && x - before[1] < view.width;
        if !inside || c >= view.channels {
            return scale.border()[c % 4].into();
        }
        let value = self.get(view, [n, y - before[0], x - before[1], c]);
        (value / f64::from(scale.steps()[c % 4]) + f64::from(scale.zeros()[c % 4])).round()
    }

    /// Replaces the whole view; `value` gives what each `[n, y, x, c]` becomes.
    fn fill(&mut self, view: &View, value: impl Fn(&Self, [usize; 4]) -> f64) {
        let mut values = Vec::with_capacity(self.n * view.height * view.width * view.channels);
        for n in 0..self.n {
            for y in 0..view.height {
                for x in 0..view.width {
                    values.extend((0..view.channels).map(|c| value(self, [n, y, x, c])));
                }
            }
        }
        let mut values = values.chunks_exact(view.channels);
        for n in 0..self.n {
            let image = view.offset + n * view.image();
            self.arena[SLOTS * image..SLOTS * (image + view.image())].fill(f64::NAN);
            for y in 0..view.height {
                for x in 0..view.width {
                    let at = SLOTS * view.at(n, y, x);
                    if let Some(values) = values.next() {
                        let stored = self.arena[at..at + view.channels].iter_mut();
                        let values = values.iter().enumerate();
                        stored.zip(values).for_each(|(stored, (channel, value))| {
                            *stored = round(view.element, channel, *value);
                        });
                    }
                }
            }
        }
    }
}

/// What is stored of a channel's value.
fn round(element: Element, channel: usize, value: f64) -> f64 {
    match element {
        Element::F32 => value,
        Element::Bf16 | Element::Split { .. } | Element::U8(_) => element.round(channel, value as f32).into(),
    }
}

/// The outputs of `plan` for some images, each as [`crate::Outputs::get`] gives it.
///
/// # Panics
///
/// If the plan is not one that [`Plan::verify`] accepts, or weights or images are too few.
pub fn run(plan: &Plan, weights: &[f32], images: &[f32]) -> Vec<Vec<f64>> {
    let size = plan.input.iter().product::<usize>();
    let mut results = vec![Vec::new(); plan.outputs.len()];
    for round in plan.rounds(images.len() / size) {
        let mut memory = Memory {
            arena: vec![f64::NAN; SLOTS * plan.arena],
            weights,
            images: &images[round.start * size..round.end * size],
            results: vec![Vec::new(); plan.outputs.len()],
            n: round.len(),
        };
        for call in plan.calls(round.len()) {
            memory.weights = &weights[call.weights..];
            apply(&call.step.op, &mut memory);
        }
        for (all, stored) in results.iter_mut().zip(memory.results) {
            all.extend(stored);
        }
    }
    results
}
