//! AMX that the system does not lend: the next level is used, and the refusal can be told.
//!
//! One test alone, since the system is asked once for the whole process. It refuses where a thread has a
//! stack for signals that could not hold the tiles, which this one gives itself.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod network;

use std::arch::x86_64::__cpuid_count;

use network::{IMAGE, model, numbers};
use resnetc_runtime::isa::Level;

/// Less than the 8 KiB of the tiles, and as much as the system takes for a stack.
const SIZE: usize = 4096;

/// Whether the processor has AMX's tiles.
fn has_tiles() -> bool {
    const TILE: u32 = 1 << 24;
    __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & TILE != 0
}

#[test]
fn the_next_level_runs_where_tiles_are_refused() {
    let memory = vec![0_u8; SIZE].leak();
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: SIZE };
    // SAFETY: the memory is never freed.
    let result = unsafe { libc::sigaltstack(&raw const stack, std::ptr::null_mut()) };
    assert_eq!(result, 0, "the small stack is taken");

    assert!(!Level::Amx.is_available());
    let mut session = model().session(1).unwrap();
    assert_ne!(session.level(), Level::Amx);
    session.run(&numbers(1, IMAGE)).unwrap();
    if has_tiles() {
        assert!(Level::Amx.is_refused());
    } else {
        eprintln!("skipped: whether a refusal is told, as this processor has no AMX");
    }
}
