//! Instruction sets: what a kernel is written over, and which one a session runs.
//!
//! In: the machine, and `RESNETC_ISA`. Out: an `Isa`, whose existence proves that the machine has
//! the instructions. A kernel is written once, over `Simd`, and instantiated for each set; its body
//! must be inlined into `Simd::call`, the only function that is compiled for the set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

use crate::error::Error;
use crate::kernels::tile::Shaped;
use crate::plan::LANES;

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// AVX-512F: 16 lanes, 32 registers.
    Avx512,
    /// AVX2 and FMA: 8 lanes, 16 registers.
    Avx2,
    /// NEON: 4 lanes, 32 registers.
    Neon,
    /// What the compiler makes of plain Rust for the target's baseline.
    Portable,
}

impl Level {
    /// Every level, the best first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable];

    /// The name, as `RESNETC_ISA` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// The level of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Whether this machine has the instructions.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f") && Self::Avx2.is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Neon => cfg!(target_arch = "aarch64"),
            Self::Portable => true,
        }
    }

    /// The levels that this machine has, the best first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|level| level.is_available())
    }

    /// What `RESNETC_ISA` names, or the best that the machine has.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownIsa`] if the variable names no level. One that the machine lacks is returned
    /// all the same: making a session with it is the error.
    pub fn choose() -> Result<Self, Error> {
        match std::env::var_os("RESNETC_ISA") {
            Some(name) if !name.is_empty() => {
                let name = name.to_string_lossy();
                Self::from_name(&name).ok_or_else(|| Error::UnknownIsa(name.into_owned()))
            }
            _ => Ok(Self::available().next().unwrap_or(Self::Portable)),
        }
    }

    pub(crate) fn list_available() -> String {
        Self::available().map(Self::name).collect::<Vec<_>>().join(", ")
    }
}

/// A level that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Isa(Level);

impl Isa {
    pub(crate) fn new(level: Level) -> Result<Self, Error> {
        level.is_available().then_some(Self(level)).ok_or(Error::Unavailable(level))
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }

    /// Runs the kernel as compiled for this level.
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { avx512::Avx512::new() };
                kernel.run(simd);
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { avx2::Avx2::new() };
                kernel.run(simd);
            }
            #[cfg(target_arch = "aarch64")]
            Level::Neon => kernel.run(neon::Neon),
            // `Isa::new` lets no level pass that the target does not have.
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx512 | Level::Avx2 => {}
            #[cfg(not(target_arch = "aarch64"))]
            Level::Neon => {}
            Level::Portable => kernel.run(portable::Portable),
        }
    }
}

/// Something to compute, written once for all instruction sets.
pub(crate) trait Kernel {
    /// Computes it. To be marked `#[inline(always)]` where it uses `simd` itself, and then to be
    /// reached through [`Simd::call`].
    fn run<S: Simd>(self, simd: S);
}

/// An instruction set's vector of `f32`, and what kernels do with it. A value of the type proves that
/// the machine has the instructions.
pub(crate) trait Simd: Copy {
    /// Lanes of a vector; divides [`LANES`].
    const WIDTH: usize;
    /// The most pixels of a convolution's tile of 1, 2, ... panels.
    const TILES: &[usize];
    /// Panels of the tile that is best where there are many pixels.
    const PANELS: usize;
    /// A vector.
    type V: Copy;

    /// Runs the kernel in a function that is compiled for this instruction set.
    fn call<K: Kernel>(self, kernel: K);

    /// Runs something with so many vectors and pixels: a shape that is in [`Simd::TILES`].
    fn run_shape<B: Shaped>(self, body: B, shape: (usize, usize));

    /// Brings what lies there into a near cache, if anything does; wherever it points.
    #[inline(always)]
    fn prefetch(self, _at: *const f32) {}

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::V;
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a - b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a * b
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a / b
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// a * b + c, rounded once where the instruction set can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The greater; `b` if that is not a number.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The greater; not a number if either is not.
    fn max_nan(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` if that is not a number.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;

    /// Lane i gets the lane of `v` whose number is the `i`th of `lanes`, an integer of 32 bits; it is of
    /// the same four, or less, lanes as i where the vector has 8.
    fn permute(self, v: Self::V, lanes: Self::V) -> Self::V;

    /// # Safety
    ///
    /// [`Simd::WIDTH`] values can be read from `from`, at any alignment of `f32`.
    unsafe fn load(self, from: *const f32) -> Self::V;

    /// # Safety
    ///
    /// [`Simd::WIDTH`] values can be written to `to`, at any alignment of `f32`.
    unsafe fn store(self, to: *mut f32, v: Self::V);

    /// The first `count` values, and zeros behind them.
    ///
    /// # Safety
    ///
    /// `count` values can be read from `from`, and `count` is at most [`Simd::WIDTH`].
    #[inline(always)]
    unsafe fn load_some(self, from: *const f32, count: usize) -> Self::V {
        let mut lanes = [0.0; LANES];
        // SAFETY: the caller's promise; and no vector has more than `LANES` lanes.
        unsafe {
            if count == Self::WIDTH {
                return self.load(from);
            }
            std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
            self.load(lanes.as_ptr())
        }
    }

    /// Stores the first `count` lanes.
    ///
    /// # Safety
    ///
    /// `count` values can be written to `to`, and `count` is at most [`Simd::WIDTH`].
    #[inline(always)]
    unsafe fn store_some(self, to: *mut f32, v: Self::V, count: usize) {
        let mut lanes = [0.0; LANES];
        // SAFETY: the caller's promise; and no vector has more than `LANES` lanes.
        unsafe {
            if count == Self::WIDTH {
                return self.store(to, v);
            }
            self.store(lanes.as_mut_ptr(), v);
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
        }
    }

    /// Applies a function to each lane.
    #[inline(always)]
    fn map(self, v: Self::V, function: impl Fn(f32) -> f32) -> Self::V {
        let mut lanes = [0.0; LANES];
        // SAFETY: no vector has more than `LANES` lanes.
        unsafe { self.store(lanes.as_mut_ptr(), v) };
        for lane in &mut lanes[..Self::WIDTH] {
            *lane = function(*lane);
        }
        // SAFETY: as above.
        unsafe { self.load(lanes.as_ptr()) }
    }
}
