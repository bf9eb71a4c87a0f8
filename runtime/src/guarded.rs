//! Memory between pages that fault: for tests, of which the kernels' every access is one.
//!
//! In: a number of `f32`, and the [`Edge`] at which they lie. Out: that many zeros, right next to a page
//! that nobody may touch, so that a read or a write of even one value past them ends the process. They fill
//! no whole number of pages, so only one edge can be so close; on the other side, up to the page that
//! faults there, lies a pattern, of which [`Guarded`] sees when it is dropped whether it was written to.
//!
//! Built for tests alone (the feature `guarded`). Where the system is not Linux nothing faults, and the
//! pattern is all that there is.

use std::cell::Cell;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

/// Where values touch a page that faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The page lies before the first value.
    Before,
    /// The page lies behind the last value.
    Behind,
}

impl Edge {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Before, Self::Behind];
}

thread_local! {
    static WANTED: Cell<Option<Edge>> = const { Cell::new(None) };
}

/// Puts all memory that `make` asks for on this thread at an edge: the weights of models that are made from
/// bytes, and the arena, results and scratch memory of sessions.
pub fn guard<R>(edge: Edge, make: impl FnOnce() -> R) -> R {
    /// What was wanted before, and is so again when this is dropped, by a panic too.
    struct Before(Option<Edge>);
    impl Drop for Before {
        fn drop(&mut self) {
            WANTED.set(self.0);
        }
    }
    let _before = Before(WANTED.replace(Some(edge)));
    make()
}

/// What [`guard`] has for this thread.
pub(crate) fn wanted() -> Option<Edge> {
    WANTED.get()
}

/// What lies beside the values where no page faults. As a float it is not a number.
const PATTERN: u8 = 0xFA;

/// A fixed number of `f32` at an [`Edge`].
#[derive(Debug)]
pub struct Guarded {
    /// The first page, which faults, as does the last.
    base: NonNull<u8>,
    /// Bytes from there on, pages that fault included.
    size: usize,
    /// Which of them are the values'.
    values: Range<usize>,
}

// SAFETY: it owns its memory, as a `Box<[f32]>` does.
unsafe impl Send for Guarded {}
// SAFETY: `&Guarded` gives reading access only.
unsafe impl Sync for Guarded {}

impl Guarded {
    /// `len` zeros; `None` if there is no such memory.
    pub fn zeroed(len: usize, edge: Edge) -> Option<Self> {
        let (page, bytes) = (page_size(), len.checked_mul(size_of::<f32>())?);
        let inner = bytes.max(1).checked_next_multiple_of(page)?;
        let size = inner.checked_add(2 * page)?;
        let base = system::reserve(size)?;
        let start = match edge {
            Edge::Before => page,
            Edge::Behind => page + inner - bytes,
        };
        // SAFETY: the pages are of the memory that was just reserved.
        if !unsafe { system::set_allowed(base.add(page), inner, true) } {
            // SAFETY: nobody else knows of this memory.
            unsafe { system::release(base, size) };
            return None;
        }
        let guarded = Self { base, size, values: start..start + bytes };
        // SAFETY: these pages were just allowed, and nobody else knows of them.
        unsafe {
            base.add(page).write_bytes(PATTERN, inner);
            base.add(start).write_bytes(0, bytes);
        }
        Some(guarded)
    }

    /// The values of a slice; `None` if there is no such memory.
    pub fn copy_of(values: &[f32], edge: Edge) -> Option<Self> {
        let mut guarded = Self::zeroed(values.len(), edge)?;
        guarded.copy_from_slice(values);
        Some(guarded)
    }

    /// The values' bytes.
    pub fn as_bytes(&self) -> &[u8] {
        let len = size_of_val::<[f32]>(self);
        // SAFETY: the slice has so many bytes, and any of them are valid.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), len) }
    }

    /// Where the values begin, for as long as some of them fault: a slice has none that do.
    pub(crate) fn start(&self) -> NonNull<f32> {
        // SAFETY: the values begin in this memory. They are aligned, as pages are and their sizes.
        unsafe { self.base.add(self.values.start).cast() }
    }

    /// Has the whole pages among these values fault, or fault no more. None of them may be read or written
    /// through a slice as long as they do.
    #[cfg(test)]
    pub(crate) fn set_readable(&mut self, values: Range<usize>, readable: bool) {
        assert!(values.end <= self.len(), "values of this memory");
        let byte = |value: usize| self.values.start + value * size_of::<f32>();
        let page = page_size();
        let pages = byte(values.start).next_multiple_of(page)..byte(values.end) / page * page;
        if !pages.is_empty() {
            // SAFETY: the pages lie among the values, whose memory stays what it is, but for who may touch it.
            let set = unsafe { system::set_allowed(self.base.add(pages.start), pages.len(), readable) };
            assert!(set, "the system refuses");
        }
    }

    /// Bytes beside the values up to the pages that fault.
    fn beside(&self) -> [&[u8]; 2] {
        let page = page_size();
        [page..self.values.start, self.values.end..self.size - page].map(|range| {
            // SAFETY: these bytes lie in pages that are allowed, and were written by `zeroed`.
            unsafe { std::slice::from_raw_parts(self.base.add(range.start).as_ptr(), range.len()) }
        })
    }
}

impl Deref for Guarded {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        let len = self.values.len() / size_of::<f32>();
        // SAFETY: so many values begin there, written by `zeroed`, and `&self` keeps writers away.
        unsafe { std::slice::from_raw_parts(self.start().as_ptr(), len) }
    }
}

impl DerefMut for Guarded {
    fn deref_mut(&mut self) -> &mut [f32] {
        let len = self.values.len() / size_of::<f32>();
        // SAFETY: so many values begin there, written by `zeroed`, and `&mut self` keeps others away.
        unsafe { std::slice::from_raw_parts_mut(self.start().as_ptr(), len) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let kept = self.beside().into_iter().flatten().all(|byte| *byte == PATTERN);
        // SAFETY: the memory is from `reserve`, and nobody has it from here on.
        unsafe { system::release(self.base, self.size) };
        // A second panic would end the process, and hide the first.
        assert!(kept || std::thread::panicking(), "memory beside {:?} was written to", self.values);
    }
}

pub(crate) use system::page_size;

#[cfg(all(target_os = "linux", not(miri)))]
mod system {
    use std::ptr::{NonNull, null_mut};

    /// Bytes of a page.
    pub(crate) fn page_size() -> usize {
        // SAFETY: it takes a number, and touches no memory of ours.
        usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
    }

    /// Whole pages that fault, `size` bytes.
    pub(super) fn reserve(size: usize) -> Option<NonNull<u8>> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: the system chooses the place, where nothing lies.
        let base = unsafe { libc::mmap(null_mut(), size, libc::PROT_NONE, flags, -1, 0) };
        NonNull::new(base.cast()).filter(|_| base != libc::MAP_FAILED)
    }

    /// # Safety
    ///
    /// The whole pages are of memory from [`reserve`], and no reference to them is used while they fault.
    pub(super) unsafe fn set_allowed(start: NonNull<u8>, size: usize, allowed: bool) -> bool {
        let rights = if allowed { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_NONE };
        // SAFETY: the caller's promise.
        unsafe { libc::mprotect(start.as_ptr().cast(), size, rights) == 0 }
    }

    /// # Safety
    ///
    /// The memory is from [`reserve`], of so many bytes, and is not used any more.
    pub(super) unsafe fn release(base: NonNull<u8>, size: usize) {
        // SAFETY: the caller's promise.
        unsafe { libc::munmap(base.as_ptr().cast(), size) };
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod system {
    use std::alloc::{Layout, alloc, dealloc};
    use std::ptr::NonNull;

    pub(crate) fn page_size() -> usize {
        4096
    }

    /// Never of size 0: there are two pages at least.
    fn layout(size: usize) -> Option<Layout> {
        Layout::from_size_align(size, page_size()).ok().filter(|layout| layout.size() > 0)
    }

    pub(super) fn reserve(size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the layout's size is not zero.
        NonNull::new(unsafe { alloc(layout(size)?) })
    }

    /// # Safety
    ///
    /// None is needed: nothing is changed.
    pub(super) unsafe fn set_allowed(_: NonNull<u8>, _: usize, _: bool) -> bool {
        true
    }

    /// # Safety
    ///
    /// The memory is from [`reserve`], of so many bytes, and is not used any more.
    pub(super) unsafe fn release(base: NonNull<u8>, size: usize) {
        if let Some(layout) = layout(size) {
            // SAFETY: the caller's promise; `reserve` had the same layout.
            unsafe { dealloc(base.as_ptr(), layout) }
        }
    }
}

/// Processes that run one of this crate's unit tests, which may end them.
#[cfg(all(test, target_os = "linux", not(miri)))]
pub(crate) mod processes {
    use std::io;
    use std::process::{Command, ExitStatus};

    /// Set in the child: what its test is to do.
    const TASK: &str = "RESNETC_TEST_GUARDED";

    /// What this process's test is to do, if it was started for it.
    pub(crate) fn task() -> Option<String> {
        std::env::var(TASK).ok()
    }

    /// What becomes of a process that runs this test for this task.
    pub(crate) fn run_alone(test: &str, task: &str) -> io::Result<ExitStatus> {
        let mut child = Command::new(std::env::current_exe()?);
        child.args(["--exact", test, "--test-threads=1"]).env(TASK, task);
        // It would make an error message of the signal.
        child.env("ASAN_OPTIONS", "handle_segv=0");
        Ok(child.output()?.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Buffer;

    /// Lengths of no page, of part of one, of one, and of more.
    fn lengths() -> [usize; 5] {
        let page = page_size() / size_of::<f32>();
        [0, 1, page - 1, page, 2 * page + 3]
    }

    #[test]
    fn values_are_zeros_at_their_edge() {
        let page = page_size();
        for len in lengths() {
            for edge in Edge::ALL {
                let mut buffer = guard(edge, || Buffer::zeroed(len)).unwrap();
                let start = buffer.as_ptr().addr();
                let at_edge = match edge {
                    Edge::Before => start,
                    Edge::Behind => start + len * size_of::<f32>(),
                };
                assert!(at_edge.is_multiple_of(page));
                assert!(buffer.as_slice().len() == len && buffer.as_slice().iter().all(|v| *v == 0.0));
                buffer.as_mut_slice().fill(1.0);
            }
        }
    }

    #[test]
    fn only_what_is_made_within_is_guarded() {
        let panicked = std::panic::catch_unwind(|| guard(Edge::Before, || panic!("meant to panic")));
        assert!(panicked.is_err());
        assert_eq!(wanted(), None);
        guard(Edge::Before, || {
            guard(Edge::Behind, || assert_eq!(wanted(), Some(Edge::Behind)));
            assert_eq!(wanted(), Some(Edge::Before));
            std::thread::scope(|scope| {
                scope.spawn(|| assert_eq!(wanted(), None));
            });
        });
        assert_eq!(wanted(), None);
    }

    #[test]
    fn a_write_beside_the_values_is_seen() {
        for (edge, beside) in [(Edge::Behind, -1), (Edge::Before, 3)] {
            let guarded = Guarded::zeroed(3, edge).unwrap();
            let at = guarded.start().as_ptr().wrapping_offset(beside);
            // SAFETY: the place lies in an allowed page, and no reference to it is alive.
            unsafe { at.write(1.0) };
            assert!(std::panic::catch_unwind(|| drop(guarded)).is_err(), "{edge:?}");
        }
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    mod touched {
        use std::os::unix::process::ExitStatusExt;
        use std::process::ExitStatus;

        use super::*;
        use crate::guarded::processes::{run_alone, task};

        /// Values of the child's memory.
        const LEN: isize = 1500;

        /// What becomes of a process that touches a value of memory at an edge.
        fn touch(edge: Edge, value: isize, how: &str) -> ExitStatus {
            let child = "guarded::tests::touched::a_child_touches_what_it_is_told";
            run_alone(child, &format!("{edge:?} {value} {how}")).unwrap()
        }

        #[test]
        fn a_child_touches_what_it_is_told() {
            let Some(task) = task() else { return };
            let words: Vec<&str> = task.split(' ').collect();
            let edge = Edge::ALL.into_iter().find(|edge| format!("{edge:?}") == words[0]).unwrap();
            let buffer = guard(edge, || Buffer::zeroed(LEN as usize)).unwrap();
            let at = buffer.as_ptr().cast_mut().wrapping_offset(words[1].parse().unwrap());
            // SAFETY: none: that this ends the process is what is tested.
            unsafe {
                match words[2] {
                    "write" => at.write_volatile(1.0),
                    _ => assert!(at.read_volatile().abs() >= 0.0),
                }
            }
        }

        #[test]
        fn a_read_or_write_of_one_value_past_the_edge_ends_the_process() {
            for how in ["read", "write"] {
                for (edge, past) in [(Edge::Before, -1), (Edge::Behind, LEN)] {
                    let status = touch(edge, past, how);
                    assert_eq!(status.signal(), Some(libc::SIGSEGV), "{how} {edge:?}: {status}");
                    for within in [0, LEN - 1] {
                        assert!(touch(edge, within, how).success(), "{how} {within} {edge:?}");
                    }
                }
            }
        }
    }
}
