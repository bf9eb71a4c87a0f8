//! Where the members of a team wait for each other, spinning.
//!
//! What each member wrote before it came is visible to all that go on. A broken barrier, which is what
//! a member's panic leaves, holds nobody.

use super::sync::{AtomicBool, AtomicUsize, Ordering, spin_loop, thread};

/// Spins before a waiting thread offers its core to others, should there be more threads than cores.
const SPINS: u32 = 4096;

/// Where the members of a team wait for each other.
#[derive(Debug)]
pub(crate) struct Barrier {
    members: usize,
    arrived: Line<AtomicUsize>,
    generation: Line<AtomicUsize>,
    broken: AtomicBool,
}

/// Keeps what different threads write on different cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Line<T>(pub(super) T);

impl Barrier {
    pub(super) fn new(members: usize) -> Self {
        Self {
            members,
            arrived: Line::default(),
            generation: Line::default(),
            broken: AtomicBool::new(false),
        }
    }

    /// Waits for all members; what each wrote before is then visible to all. False if one panicked,
    /// after which the run is to be given up.
    #[must_use]
    pub(crate) fn wait(&self) -> bool {
        if self.members == 1 {
            return true;
        }
        let generation = self.generation.0.load(Ordering::Relaxed);
        if self.arrived.0.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            self.arrived.0.store(0, Ordering::Relaxed);
            self.generation.0.store(generation.wrapping_add(1), Ordering::Release);
            return true;
        }
        let mut spins = 0;
        while self.generation.0.load(Ordering::Acquire) == generation {
            if self.broken.load(Ordering::Relaxed) {
                return false;
            }
            wait_a_little(&mut spins);
        }
        true
    }

    /// Lets everybody go, now and until it is mended.
    pub(super) fn break_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Makes it as new, when nobody waits. Whether it was broken.
    pub(super) fn mend(&self) -> bool {
        let broken = self.broken.swap(false, Ordering::Relaxed);
        if broken {
            self.arrived.0.store(0, Ordering::Relaxed);
        }
        broken
    }
}

/// One turn of a loop that waits.
pub(super) fn wait_a_little(spins: &mut u32) {
    *spins = spins.wrapping_add(1);
    if spins.is_multiple_of(SPINS) { thread::yield_now() } else { spin_loop() }
}
