//! Instruction sets: what a kernel is written over, and which one a session runs.
//!
//! In: the machine, and `RESNETC_ISA`. Out: an `Isa`, whose existence proves that the machine has
//! the instructions. A kernel is written once, over `Simd`, and instantiated for each set; its body
//! must be inlined into `Simd::call`, the only function that is compiled for the set.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

use crate::error::Error;
use crate::kernels::tile::Shaped;
use crate::plan::{Element, LANES, bf16_bits};

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// AVX-512 with bf16, and AMX: tiles that multiply bf16 and 8-bit values, 16 by 16 sums at a time.
    Amx,
    /// AVX-512 with VNNI and bf16: sums of products of 8-bit and of bf16 values.
    Avx512Bf16,
    /// AVX-512 with VNNI: sums of products of 8-bit values.
    Avx512Vnni,
    /// AVX-512, F and BW: 16 lanes, 32 registers.
    Avx512,
    /// AVX2 and FMA with AVX-VNNI: sums of products of 8-bit values.
    AvxVnni,
    /// AVX2 and FMA: 8 lanes, 16 registers.
    Avx2,
    /// NEON with I8MM: sums of products of unsigned with signed 8-bit values.
    NeonI8mm,
    /// NEON with DotProd: sums of products of signed 8-bit values.
    NeonDotProd,
    /// NEON: 4 lanes, 32 registers.
    Neon,
    /// What the compiler makes of plain Rust for the target's baseline.
    Portable,
}

impl Level {
    /// Every level, the best first.
    pub const ALL: [Self; 10] = [
        Self::Amx,
        Self::Avx512Bf16,
        Self::Avx512Vnni,
        Self::Avx512,
        Self::AvxVnni,
        Self::Avx2,
        Self::NeonI8mm,
        Self::NeonDotProd,
        Self::Neon,
        Self::Portable,
    ];

    /// The name, as `RESNETC_ISA` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amx => "amx",
            Self::Avx512Bf16 => "avx512-bf16",
            Self::Avx512Vnni => "avx512-vnni",
            Self::Avx512 => "avx512",
            Self::AvxVnni => "avx-vnni",
            Self::Avx2 => "avx2",
            Self::NeonI8mm => "neon-i8mm",
            Self::NeonDotProd => "neon-dotprod",
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
            Self::Amx => Self::Avx512Bf16.is_available() && amx::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => is_x86_feature_detected!("avx512bf16") && Self::Avx512Vnni.is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => is_x86_feature_detected!("avx512vnni") && Self::Avx512.is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
                has && Self::Avx2.is_available()
            }
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => is_x86_feature_detected!("avxvnni") && Self::Avx2.is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Amx | Self::Avx512Bf16 | Self::Avx512Vnni | Self::Avx512 | Self::AvxVnni | Self::Avx2 => {
                false
            }
            #[cfg(target_arch = "aarch64")]
            Self::NeonI8mm => std::arch::is_aarch64_feature_detected!("i8mm"),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotProd => std::arch::is_aarch64_feature_detected!("dotprod"),
            #[cfg(not(target_arch = "aarch64"))]
            Self::NeonI8mm | Self::NeonDotProd => false,
            Self::Neon => cfg!(target_arch = "aarch64"),
            Self::Portable => true,
        }
    }

    /// What multiplies values of these elements at this level, as people say it, and whether it is made for
    /// them.
    pub const fn unit(self, element: Element) -> (&'static str, bool) {
        match (element, self) {
            (Element::F32, _) => ("f32 multiplication", true),
            (_, Self::Amx) => ("AMX tiles", true),
            (Element::U8(_), Self::Avx512Bf16 | Self::Avx512Vnni) => ("AVX-512 VNNI", true),
            (Element::U8(_), Self::AvxVnni) => ("AVX-VNNI", true),
            (Element::U8(_), Self::NeonI8mm) => ("NEON I8MM", true),
            (Element::U8(_), Self::NeonDotProd) => ("NEON DotProd", true),
            (Element::U8(_), Self::Avx512 | Self::Avx2 | Self::Neon) => ("8-bit multiplication", true),
            (Element::U8(_), Self::Portable) => ("integer multiplication", false),
            (Element::Bf16 | Element::Split { .. }, Self::Avx512Bf16) => ("AVX-512 BF16", true),
            (Element::Bf16 | Element::Split { .. }, _) => ("f32 multiplication", false),
        }
    }

    /// Whether the processor has this level's instructions, and the system does not lend their registers.
    pub fn is_refused(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx => amx::has_unit() && Self::Avx512Bf16.is_available() && !self.is_available(),
            _ => false,
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

    /// Runs the kernel as compiled for this level's vectors of floats.
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Amx | Level::Avx512Bf16 | Level::Avx512Vnni | Level::Avx512 => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { avx512::Avx512::<{ avx512::FLOATS }>::new() };
                kernel.run(simd);
            }
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni | Level::Avx2 => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { avx2::Avx2::<false>::new() };
                kernel.run(simd);
            }
            _ => self.run_other(kernel),
        }
    }

    /// Runs the kernel as compiled for all that this level has to multiply words of several values.
    pub(crate) fn run_dots<K: Kernel>(self, kernel: K) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Amx | Level::Avx512Bf16 => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { avx512::Avx512::<{ avx512::BF16 }>::new() };
                kernel.run(simd);
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { avx512::Avx512::<{ avx512::VNNI }>::new() };
                kernel.run(simd);
            }
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { avx2::Avx2::<true>::new() };
                kernel.run(simd);
            }
            #[cfg(target_arch = "aarch64")]
            Level::NeonI8mm => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { neon::Neon::<{ neon::I8MM }>::with_dots() };
                kernel.run(simd);
            }
            #[cfg(target_arch = "aarch64")]
            Level::NeonDotProd => {
                // SAFETY: `Isa::new` found the instructions.
                let simd = unsafe { neon::Neon::<{ neon::DOTPROD }>::with_dots() };
                kernel.run(simd);
            }
            _ => self.run(kernel),
        }
    }

    /// The vectors that go with the matrix unit, if the level has one.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn matrix_unit(self) -> Option<impl Simd> {
        // SAFETY: `Isa::new` found the instructions.
        (self.0 == Level::Amx).then(|| unsafe { avx512::Avx512::<{ avx512::BF16 }>::new() })
    }

    /// Runs the kernel at a level that is none of x86-64's.
    fn run_other<K: Kernel>(self, kernel: K) {
        match self.0 {
            #[cfg(target_arch = "aarch64")]
            Level::NeonI8mm | Level::NeonDotProd | Level::Neon => kernel.run(neon::Neon::new()),
            // `Isa::new` lets no level pass that the target does not have.
            _ => kernel.run(portable::Portable),
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
    /// The same where words of several values are multiplied, which takes more registers.
    const DOT_TILES: &[usize] = Self::TILES;
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

    /// The four values, one behind the other in each four lanes.
    #[inline(always)]
    fn repeat(self, four: [f32; 4]) -> Self::V {
        let lanes: [f32; LANES] = std::array::from_fn(|lane| four[lane % 4]);
        // SAFETY: no vector has more than `LANES` lanes.
        unsafe { self.load(lanes.as_ptr()) }
    }

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

    /// The upper halves of [`Simd::WIDTH`] singles.
    ///
    /// # Safety
    ///
    /// So many values can be read from `from`.
    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> Self::V {
        let mut lanes = [0.0; LANES];
        for (lane, value) in lanes.iter_mut().enumerate().take(Self::WIDTH) {
            // SAFETY: the caller's promise.
            *value = f32::from_bits(u32::from(unsafe { *from.add(lane) }) << 16);
        }
        // SAFETY: no vector has more than `LANES` lanes.
        unsafe { self.load(lanes.as_ptr()) }
    }

    /// Stores the upper halves of the lanes, rounded to nearest even; a NaN stays one.
    ///
    /// # Safety
    ///
    /// [`Simd::WIDTH`] values can be written to `to`.
    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16, v: Self::V) {
        for (lane, value) in self.lanes(v).into_iter().enumerate().take(Self::WIDTH) {
            // SAFETY: the caller's promise.
            unsafe { *to.add(lane) = bf16_bits(value) };
        }
    }

    /// [`Simd::WIDTH`] unsigned integers of 8 bits, as floats.
    ///
    /// # Safety
    ///
    /// So many values can be read from `from`.
    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> Self::V {
        let mut lanes = [0.0; LANES];
        for (lane, value) in lanes.iter_mut().enumerate().take(Self::WIDTH) {
            // SAFETY: the caller's promise.
            *value = f32::from(unsafe { *from.add(lane) });
        }
        // SAFETY: no vector has more than `LANES` lanes.
        unsafe { self.load(lanes.as_ptr()) }
    }

    /// Stores the lanes, 0 to 255, as integers, rounded to nearest even.
    ///
    /// # Safety
    ///
    /// [`Simd::WIDTH`] values can be written to `to`.
    #[inline(always)]
    unsafe fn store_u8(self, to: *mut u8, v: Self::V) {
        for (lane, value) in self.lanes(v).into_iter().enumerate().take(Self::WIDTH) {
            // SAFETY: the caller's promise.
            unsafe { *to.add(lane) = value.round_ties_even() as u8 };
        }
    }

    /// Lanes that are signed integers, as floats.
    #[inline(always)]
    fn int_to_float(self, v: Self::V) -> Self::V {
        self.map(v, |lane| lane.to_bits().cast_signed() as f32)
    }

    /// sum + the products of the two halves of each lane.
    #[inline(always)]
    fn dot_bf16(self, x: Self::V, w: Self::V, sum: Self::V) -> Self::V {
        let halves = |word: f32| [word.to_bits() << 16, word.to_bits() & 0xffff_0000].map(f32::from_bits);
        self.combine(x, w, sum, |x, w, sum| {
            let ([x0, x1], [w0, w1]) = (halves(x), halves(w));
            x1 * w1 + (x0 * w0 + sum)
        })
    }

    /// What a sum of [`Simd::dot_u8`] begins with, so that it ends as the sum of products.
    #[inline(always)]
    fn begin_u8(self, _weight_sums: Self::V) -> Self::V {
        self.splat(0.0)
    }

    /// sum + the products of four unsigned bytes of `x` with four signed bytes of `w`, all integers; the
    /// first two of `w` add up to -128 to 128, as do the others, so that their products' sum has 16 bits.
    #[inline(always)]
    fn dot_u8(self, x: Self::V, w: Self::V, sum: Self::V) -> Self::V {
        self.combine(x, w, sum, |x, w, sum| {
            let products = x.to_bits().to_le_bytes().into_iter().zip(w.to_bits().to_le_bytes());
            let products = products.map(|(x, w)| i32::from(x) * i32::from(w.cast_signed()));
            let sum = products.fold(sum.to_bits().cast_signed(), i32::wrapping_add);
            f32::from_bits(sum.cast_unsigned())
        })
    }

    /// The lanes, zeros behind them.
    #[inline(always)]
    fn lanes(self, v: Self::V) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        // SAFETY: no vector has more than `LANES` lanes.
        unsafe { self.store(lanes.as_mut_ptr(), v) };
        lanes
    }

    /// Applies a function of three lanes.
    #[inline(always)]
    fn combine(self, a: Self::V, b: Self::V, c: Self::V, function: impl Fn(f32, f32, f32) -> f32) -> Self::V {
        let (a, b, mut c) = (self.lanes(a), self.lanes(b), self.lanes(c));
        for ((a, b), c) in a.into_iter().zip(b).zip(&mut c).take(Self::WIDTH) {
            *c = function(a, b, *c);
        }
        // SAFETY: no vector has more than `LANES` lanes.
        unsafe { self.load(c.as_ptr()) }
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
        // SAFETY: no vector has more than `LANES` lanes.
        unsafe { self.load(lanes.as_ptr()) }
    }
}
