//! AMX: eight registers of 16 rows of 64 bytes, and sums of products of whole tiles.
//!
//! Rust has no stable names for the instructions, so they are written in assembly. Linux lends the
//! registers to a process that asks; a thread sets up their shapes before it uses them, and releases them
//! behind that, so that the system need not save them. Values stay in them from one block of assembly to the
//! next, which is sound as compiled code has no other instructions that touch them.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Whether the machine has the unit, for bf16 and for bytes, and the system lends it.
pub(super) fn is_available() -> bool {
    static LENT: OnceLock<bool> = OnceLock::new();
    *LENT.get_or_init(|| has_unit() && ask())
}

/// Whether the processor has AMX's tiles, products of bf16 and products of bytes.
pub(crate) fn has_unit() -> bool {
    const BF16: u32 = 1 << 22;
    const TILE: u32 = 1 << 24;
    const INT8: u32 = 1 << 25;
    let wanted = BF16 | TILE | INT8;
    __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & wanted == wanted
}

/// Asks the system for the registers.
#[cfg(target_os = "linux")]
fn ask() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers, and gives the process a right.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn ask() -> bool {
    false
}

/// Rows of a tile, and words of a row.
pub(crate) const ROWS: usize = 16;

/// The registers, set up for one block of sums: 0 to 3 are sums, two of rows by two of panels; 4 and 5
/// are rows of inputs, 6 and 7 panels of weights. Released when dropped.
pub(crate) struct Tiles(PhantomData<*const ()>);

#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tiles {
    /// Sets up the registers for inputs of `rows` rows of `depth` words, both 1 to [`ROWS`].
    ///
    /// # Safety
    ///
    /// The level is available. No other `Tiles` of this thread is alive.
    pub(crate) unsafe fn new(rows: usize, depth: usize) -> Self {
        let mut config =
            Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        for register in 0..8 {
            let (height, words) = match register {
                0..4 => (rows, ROWS),
                4..6 => (rows, depth),
                _ => (depth, ROWS),
            };
            config.rows[register] = height as u8;
            config.row_bytes[register] = (4 * words) as u16;
        }
        // SAFETY: the caller's promise; the configuration is 64 bytes of a known palette.
        unsafe {
            asm!(
                "ldtilecfg [{}]",
                in(reg) &raw const config,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly)
            );
        }
        Self(PhantomData)
    }

    /// Sets the four sums to zero.
    #[inline(always)]
    pub(crate) fn clear(&self) {
        // SAFETY: `self` proves that the registers are set up.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                options(nostack, nomem)
            );
        }
    }

    /// Adds the products of two blocks of rows with two panels: `depth` words of each row, `pitch` bytes
    /// from row to row, with as many lines of a panel.
    ///
    /// # Safety
    ///
    /// All of these can be read.
    #[inline(always)]
    pub(crate) unsafe fn multiply<const BYTES: bool>(
        &self,
        rows: [*const f32; 2],
        pitch: usize,
        panels: [*const f32; 2],
    ) {
        macro_rules! products {
            ($dot:literal) => {
                asm!(
                    "tileloadd tmm6, [{panel_0} + {line}*1]",
                    "tileloadd tmm4, [{rows_0} + {pitch}*1]",
                    concat!($dot, " tmm0, tmm4, tmm6"),
                    "tileloadd tmm7, [{panel_1} + {line}*1]",
                    concat!($dot, " tmm1, tmm4, tmm7"),
                    "tileloadd tmm5, [{rows_1} + {pitch}*1]",
                    concat!($dot, " tmm2, tmm5, tmm6"),
                    concat!($dot, " tmm3, tmm5, tmm7"),
                    panel_0 = in(reg) panels[0],
                    panel_1 = in(reg) panels[1],
                    rows_0 = in(reg) rows[0],
                    rows_1 = in(reg) rows[1],
                    line = in(reg) 64_usize,
                    pitch = in(reg) pitch,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack, readonly)
                )
            };
        }
        // SAFETY: `self` proves that the registers are set up, the caller that the values are there.
        unsafe {
            if BYTES {
                products!("tdpbusd");
            } else {
                products!("tdpbf16ps");
            }
        }
    }

    /// Stores the four sums, [`ROWS`] words a row: those of the first rows with both panels, then those of
    /// the second.
    ///
    /// # Safety
    ///
    /// There is room for four times [`ROWS`] rows.
    #[inline(always)]
    pub(crate) unsafe fn store(&self, to: *mut f32) {
        // SAFETY: `self` proves that the registers are set up, the caller that there is room.
        unsafe {
            asm!(
                "tilestored [{to} + {line}*1], tmm0",
                "tilestored [{to} + {line}*1 + 1024], tmm1",
                "tilestored [{to} + {line}*1 + 2048], tmm2",
                "tilestored [{to} + {line}*1 + 3072], tmm3",
                to = in(reg) to,
                line = in(reg) 64_usize,
                options(nostack)
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the registers were set up on this thread, which the value cannot leave.
        unsafe {
            asm!("tilerelease", out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _, options(nostack, nomem));
        }
    }
}
