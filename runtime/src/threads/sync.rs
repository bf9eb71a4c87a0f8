//! What the threads of a team meet with: the standard library's, or loom's in its models, which try the
//! orders in which threads can run, and what each can then see of the others' memory.

#[cfg(all(loom, test))]
use loom as library;
#[cfg(not(all(loom, test)))]
use std as library;

pub(super) use library::{
    hint::spin_loop,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering, fence},
    },
    thread,
};

#[cfg(not(all(loom, test)))]
pub(super) use cell::UnsafeCell;
pub(super) use linger::Linger;
#[cfg(all(loom, test))]
pub(super) use loom::cell::UnsafeCell;

#[cfg(not(all(loom, test)))]
mod cell {
    /// The standard library's, as loom has it, which wants to know how long a pointer is used.
    pub(in super::super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(in super::super) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Gives a pointer to read from.
        pub(in super::super) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        /// Gives a pointer to write to.
        pub(in super::super) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

#[cfg(not(all(loom, test)))]
mod linger {
    use std::time::{Duration, Instant};

    /// How long a worker looks out for the next run before it parks.
    const LINGER: Duration = Duration::from_micros(80);

    /// The time that a worker looks out.
    pub(in super::super) struct Linger {
        start: Instant,
        spins: u32,
    }

    impl Linger {
        pub(in super::super) fn begin() -> Self {
            Self { start: Instant::now(), spins: 0 }
        }

        /// To be asked behind each look; the clock is read now and then.
        pub(in super::super) fn is_over(&mut self) -> bool {
            self.spins = self.spins.wrapping_add(1);
            self.spins.is_multiple_of(64) && self.start.elapsed() >= LINGER
        }
    }
}

#[cfg(all(loom, test))]
mod linger {
    /// No time: a model has no clock, and to look twice shows nothing that once does not.
    pub(in super::super) struct Linger;

    impl Linger {
        pub(in super::super) fn begin() -> Self {
            Self
        }

        pub(in super::super) fn is_over(&mut self) -> bool {
            true
        }
    }
}
