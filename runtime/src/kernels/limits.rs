//! What the machine can do at most: multiply-accumulates a second, of each kind of element, and bytes a
//! second.
//!
//! In: an instruction set, a team, and the elements that a network multiplies. Out: [`Limits`], measured by
//! all members at once in some tenths of a second: chains of `mul_add` that never leave the registers, and a
//! buffer larger than the caches read from one end to the other. Of several tries the fastest counts, for
//! whatever disturbs one makes it slower.

use std::hint::black_box;
use std::time::Instant;

use crate::buffer::Buffer;
use crate::error::Error;
#[cfg(target_arch = "x86_64")]
use crate::isa::amx::{ROWS, Tiles};
use crate::isa::{Isa, Kernel, Simd};
use crate::plan::Element;
use crate::threads::Team;

/// Upper bounds of what a team computes and reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Multiply-accumulates of floats a second, all members together.
    pub macs_per_s: f64,
    /// Those of bf16 and of bytes, of which the network has some; else 0.
    pub dots_per_s: [f64; 2],
    /// Bytes a second that are read from memory, all members together.
    pub bytes_per_s: f64,
}

/// Tries of each measurement.
const TRIES: usize = 12;
/// Links of a chain: about a millisecond.
const LINKS: usize = 1 << 18;
/// Values that are read: 64 MB.
const VALUES: usize = 16 << 20;
/// Chains of words' products: what a tile of them has in registers.
const DOT_CHAINS: usize = 10;
/// Steps of a matrix unit.
#[cfg(target_arch = "x86_64")]
const TILES: usize = 1 << 14;
/// Loads in flight, each with a sum of its own.
const STREAMS: usize = 8;

impl Limits {
    /// Measures both.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`], [`Error::Panicked`].
    pub(crate) fn measure(isa: Isa, team: &mut Team, elements: &[Element]) -> Result<Self, Error> {
        let few = measure_macs::<10>(isa, team)?;
        let many = measure_macs::<20>(isa, team)?;
        let mut dots_per_s = [0.0; 2];
        for (kind, dots) in dots_per_s.iter_mut().enumerate() {
            if elements.iter().any(|element| dot_kind(*element) == Some(kind)) {
                *dots = match kind {
                    0 => measure_dots::<false>(isa, team)?,
                    _ => measure_dots::<true>(isa, team)?,
                };
            }
        }
        Ok(Self { macs_per_s: few.max(many), dots_per_s, bytes_per_s: measure_bytes(isa, team)? })
    }

    /// Multiply-accumulates a second of such elements, all members together.
    pub(crate) fn macs_of(&self, element: Element) -> f64 {
        dot_kind(element).map_or(self.macs_per_s, |kind| self.dots_per_s[kind])
    }
}

/// Which of the products of several values a word an element's are.
fn dot_kind(element: Element) -> Option<usize> {
    match element {
        Element::F32 => None,
        Element::Bf16 | Element::Split { .. } => Some(0),
        Element::U8(_) => Some(1),
    }
}

/// Of bytes, or of bf16.
fn measure_dots<const BYTES: bool>(isa: Isa, team: &mut Team) -> Result<f64, Error> {
    let in_word = if BYTES { 4 } else { 2 };
    #[cfg(target_arch = "x86_64")]
    if isa.matrix_unit().is_some() {
        let macs = team.members() * TILES * 4 * ROWS * ROWS * ROWS * in_word;
        // SAFETY: the level has the unit.
        let seconds = fastest(team, |_| unsafe { multiply_tiles::<BYTES>() })?;
        return Ok(macs as f64 / seconds);
    }
    let macs = team.members() * LINKS * DOT_CHAINS * lanes(isa) * in_word;
    let seconds = fastest(team, |_| isa.run_dots(MultiplyWords::<BYTES>))?;
    Ok(macs as f64 / seconds)
}

/// Steps of a matrix unit's four tiles, from a first-level cache.
///
/// # Safety
///
/// The level has the unit.
#[cfg(target_arch = "x86_64")]
unsafe fn multiply_tiles<const BYTES: bool>() {
    let words = black_box([1.0_f32; 4 * ROWS * ROWS]);
    // SAFETY: the caller's promise; the words are four tiles'.
    unsafe {
        let unit = Tiles::new(ROWS, ROWS);
        unit.clear();
        let tile = |index: usize| words.as_ptr().add(index * ROWS * ROWS);
        for _ in 0..TILES {
            unit.multiply::<BYTES>([tile(0), tile(1)], 4 * ROWS, [tile(2), tile(3)]);
        }
        let mut sums = [0.0_f32; 4 * ROWS * ROWS];
        unit.store(sums.as_mut_ptr());
        black_box(sums);
    }
}

/// Independent chains of [`LINKS`] products of words.
struct MultiplyWords<const BYTES: bool>;

impl<const BYTES: bool> Kernel for MultiplyWords<BYTES> {
    fn run<S: Simd>(self, simd: S) {
        simd.call(WordChains::<BYTES>);
    }
}

struct WordChains<const BYTES: bool>;

impl<const BYTES: bool> Kernel for WordChains<BYTES> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut chains: [S::V; DOT_CHAINS] = std::array::from_fn(|_| simd.splat(black_box(0.0)));
        let (x, mut w) = (simd.splat(black_box(1.0)), simd.splat(black_box(0.5)));
        for _ in 0..LINKS {
            // Another word each time: products are not to be made once for all.
            w = black_box(w);
            for chain in &mut chains {
                *chain = if BYTES { simd.dot_u8(x, w, *chain) } else { simd.dot_bf16(x, w, *chain) };
            }
        }
        let sum = chains.into_iter().fold(simd.splat(0.0), |sum, chain| simd.add(sum, chain));
        keep(simd, sum);
    }
}

/// `CHAINS` hide the latency of `mul_add`: some machines want many, and in 16 registers there is room
/// for few.
fn measure_macs<const CHAINS: usize>(isa: Isa, team: &mut Team) -> Result<f64, Error> {
    let macs = team.members() * LINKS * CHAINS * lanes(isa);
    let seconds = fastest(team, |_| isa.run(Multiply::<CHAINS>))?;
    Ok(macs as f64 / seconds)
}

fn measure_bytes(isa: Isa, team: &mut Team) -> Result<f64, Error> {
    let mut buffer = Buffer::zeroed(VALUES)?;
    // Pages that were never written are all one page, which caches hold.
    buffer.as_mut_slice().fill(1.0);
    let each = VALUES.div_ceil(team.members());
    let part = |member| buffer.as_slice().chunks(each).nth(member).unwrap_or(&[]);
    let seconds = fastest(team, |member| isa.run(Read { values: part(member) }))?;
    Ok((VALUES * size_of::<f32>()) as f64 / seconds)
}

/// Seconds that the fastest of some tries took, the first not counted.
fn fastest(team: &mut Team, work: impl Fn(usize) + Sync) -> Result<f64, Error> {
    let mut fastest = f64::INFINITY;
    for attempt in 0..=TRIES {
        let begin = Instant::now();
        team.run(|member, _| work(member)).map_err(|_| Error::Panicked)?;
        if attempt > 0 {
            fastest = fastest.min(begin.elapsed().as_secs_f64());
        }
    }
    Ok(fastest)
}

/// Lanes of a vector.
fn lanes(isa: Isa) -> usize {
    struct Lanes<'a>(&'a mut usize);
    impl Kernel for Lanes<'_> {
        fn run<S: Simd>(self, _: S) {
            *self.0 = S::WIDTH;
        }
    }
    let mut lanes = 0;
    isa.run(Lanes(&mut lanes));
    lanes
}

/// `CHAINS` independent chains of [`LINKS`] `mul_add`s.
struct Multiply<const CHAINS: usize>;

impl<const CHAINS: usize> Kernel for Multiply<CHAINS> {
    fn run<S: Simd>(self, simd: S) {
        simd.call(Chains::<CHAINS>);
    }
}

struct Chains<const CHAINS: usize>;

impl<const CHAINS: usize> Kernel for Chains<CHAINS> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // Each link depends on the last one's whole result, and no two chains are equal; values stay
        // near 1.
        let (factor, summand) = (simd.splat(black_box(0.5)), simd.splat(black_box(0.5)));
        let mut chains: [S::V; CHAINS] =
            std::array::from_fn(|chain| simd.splat(black_box(1.0 + chain as f32 / 64.0)));
        for _ in 0..LINKS {
            for chain in &mut chains {
                *chain = simd.mul_add(*chain, factor, summand);
            }
        }
        let sum = chains.into_iter().fold(summand, |sum, chain| simd.add(sum, chain));
        keep(simd, sum);
    }
}

/// Reads values once, in order.
struct Read<'a> {
    values: &'a [f32],
}

impl Kernel for Read<'_> {
    fn run<S: Simd>(self, simd: S) {
        simd.call(Sum { values: self.values });
    }
}

struct Sum<'a> {
    values: &'a [f32],
}

impl Kernel for Sum<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut sums = [simd.splat(0.0); STREAMS];
        for values in self.values.chunks_exact(STREAMS * S::WIDTH) {
            for (sum, values) in sums.iter_mut().zip(values.chunks_exact(S::WIDTH)) {
                // SAFETY: a chunk has `S::WIDTH` values.
                *sum = simd.add(*sum, unsafe { simd.load(values.as_ptr()) });
            }
        }
        let sum = sums.into_iter().fold(simd.splat(0.0), |sum, each| simd.add(sum, each));
        keep(simd, sum);
    }
}

/// Makes the compiler believe that a vector is used.
#[inline(always)]
fn keep<S: Simd>(simd: S, v: S::V) {
    let mut lanes = [0.0; crate::plan::LANES];
    // SAFETY: no vector has more than `LANES` lanes.
    unsafe { simd.store(lanes.as_mut_ptr(), v) };
    black_box(lanes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Level;

    #[test]
    fn what_is_measured_is_what_machines_can_do() {
        for level in Level::available() {
            let isa = Isa::new(level).expect("it is available");
            let mut team = Team::new(2).expect("two threads");
            let elements = [Element::Bf16, Element::U8(crate::plan::Scale::new(1.0, 0))];
            let limits = Limits::measure(isa, &mut team, &elements).expect("measures");
            let Limits { macs_per_s, dots_per_s, bytes_per_s } = limits;
            for dots in dots_per_s {
                // Two threads, and no unit multiplies more than 16 x 16 x 64 in 4 cycles.
                assert!((1e7..2.0 * 4096.0 * 6e9).contains(&dots), "{level:?}: {dots} products a second");
            }
            // Two threads, four vectors a cycle, six billion cycles: no core does that, and what does was
            // not computed.
            let most = 2.0 * 4.0 * lanes(isa) as f64 * 6e9;
            assert!((1e8..most).contains(&macs_per_s), "{level:?}: {macs_per_s} MACs a second");
            assert!((1e8..1e12).contains(&bytes_per_s), "{level:?}: {bytes_per_s} bytes a second");
        }
    }

    #[test]
    fn lanes_are_those_of_the_level() {
        let isa = Isa::new(Level::Portable).expect("always there");
        assert_eq!(lanes(isa), 4);
    }
}
