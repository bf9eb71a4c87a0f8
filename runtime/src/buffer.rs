//! Aligned memory for activations and weights.
//!
//! In: a number of `f32`. Out: that many zeros, on a multiple of 64 bytes; or, from half of 2 MiB on, on
//! whole pages of that size, which the system may give.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

use crate::error::Error;
#[cfg(any(test, feature = "guarded"))]
use crate::guarded;

const LINE: usize = 64;
/// What the system backs with one entry of its tables where it can.
pub(crate) const HUGE_PAGE: usize = 2 << 20;

/// A fixed number of `f32`, zero at first.
#[derive(Debug)]
pub(crate) struct Buffer {
    start: NonNull<f32>,
    memory: Memory,
    len: usize,
}

/// What is given back when a buffer is dropped.
#[derive(Debug)]
enum Memory {
    Allocated(Layout),
    #[cfg(any(test, feature = "guarded"))]
    Guarded(#[allow(dead_code, reason = "it is there to be dropped")] guarded::Guarded),
}

// SAFETY: the buffer owns its memory, as a `Box<[f32]>` does.
unsafe impl Send for Buffer {}
// SAFETY: the buffer owns its memory, as a `Box<[f32]>` does, and `&Buffer` gives reading access only.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `len` zeros; many of them on huge pages where the system has such: a fault brings in 2 MiB then, and
    /// an address is seldom looked up.
    pub(crate) fn zeroed(len: usize) -> Result<Self, Error> {
        let bytes = len.saturating_mul(4);
        #[cfg(any(test, feature = "guarded"))]
        if let Some(edge) = guarded::wanted() {
            let memory = guarded::Guarded::zeroed(len, edge).ok_or(Error::Memory(bytes))?;
            return Ok(Self { start: memory.start(), memory: Memory::Guarded(memory), len });
        }
        let huge = bytes >= HUGE_PAGE / 2;
        let align = if huge { HUGE_PAGE } else { LINE };
        // No layout has a size of zero, which the allocator forbids.
        let layout = Layout::from_size_align(bytes.max(LINE), align);
        let layout = layout.map(|layout| if huge { layout.pad_to_align() } else { layout });
        let layout = layout.map_err(|_| Error::Memory(bytes))?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc(layout) }).ok_or(Error::Memory(bytes))?;
        if huge {
            ask_for_huge_pages(start, layout.size());
        }
        // SAFETY: so many bytes were allocated.
        unsafe { start.write_bytes(0, layout.size()) };
        Ok(Self { start: start.cast(), memory: Memory::Allocated(layout), len })
    }

    /// Where the values begin.
    pub(crate) fn as_ptr(&self) -> *const f32 {
        self.start.as_ptr()
    }

    /// Where the values begin, for writing.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.start.as_ptr()
    }

    /// The values.
    pub(crate) fn as_slice(&self) -> &[f32] {
        // SAFETY: `len` values were allocated and initialised, and `&self` keeps writers away.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The values, for writing.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: `len` values were allocated and initialised, and `&mut self` keeps all others away.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        match self.memory {
            // SAFETY: allocated in `zeroed` with this layout, and freed once.
            Memory::Allocated(layout) => unsafe { dealloc(self.start.as_ptr().cast(), layout) },
            #[cfg(any(test, feature = "guarded"))]
            Memory::Guarded(_) => {}
        }
    }
}

/// Gives a vector at least `len` values, the new ones zeros. Where `Vec::resize` would end the process, this
/// is an error.
#[cfg(feature = "program")]
pub(crate) fn lengthen(values: &mut Vec<f32>, len: usize) -> Result<(), Error> {
    let more = len.saturating_sub(values.len());
    values.try_reserve_exact(more).map_err(|_| Error::Memory(len.saturating_mul(4)))?;
    values.resize(values.len() + more, 0.0);
    Ok(())
}

/// Tells the system that whole huge pages are to be touched. It may not care.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables, reason = "only Linux is asked"))]
fn ask_for_huge_pages(start: NonNull<u8>, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the advice changes no content, and the range is one allocation's, whole pages of it.
    unsafe {
        libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_any_size_are_zeros_on_their_lines_or_huge_pages() {
        for (bytes, align) in [(0, LINE), (4, LINE), (HUGE_PAGE / 2 - 4, LINE), (HUGE_PAGE / 2, HUGE_PAGE)] {
            let mut buffer = Buffer::zeroed(bytes / 4).expect("memory");
            assert!(buffer.as_ptr().addr().is_multiple_of(align));
            assert!(buffer.as_slice().len() == bytes / 4 && buffer.as_slice().iter().all(|v| *v == 0.0));
            buffer.as_mut_slice().fill(1.0);
        }
        let buffer = Buffer::zeroed(HUGE_PAGE / 4 + 1).expect("memory");
        let Memory::Allocated(layout) = buffer.memory else { unreachable!("nobody asked for guards") };
        assert_eq!((buffer.as_slice().len(), layout.size()), (HUGE_PAGE / 4 + 1, 2 * HUGE_PAGE));
    }
}
