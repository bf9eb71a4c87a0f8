//! Aligned memory for activations and weights.
//!
//! In: a number of `f32`. Out: that many zeros, on a multiple of 64 bytes; or, from half of 2 MiB on, on
//! whole pages of that size, which the system may give.
//!
//! What is large is a map of its own: an allocator keeps what is given back, in a pool of each thread, and a
//! process that makes and drops sessions would grow by what lies there unused.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use memmap2::{MmapMut, MmapOptions};

use crate::error::Error;
#[cfg(any(test, feature = "guarded"))]
use crate::guarded;

const LINE: usize = 64;
/// What the system backs with one entry of its tables where it can.
pub(crate) const HUGE_PAGE: usize = 2 << 20;
/// From so many bytes on memory is mapped.
const LARGE: usize = 128 << 10;

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
    Mapped(#[allow(dead_code, reason = "it is there to be dropped")] MmapMut),
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
        if bytes >= LARGE {
            return Self::mapped(len, bytes).ok_or(Error::Memory(bytes));
        }
        // No layout has a size of zero, which the allocator forbids.
        let layout = Layout::from_size_align(bytes.max(LINE), LINE).map_err(|_| Error::Memory(bytes))?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(Error::Memory(bytes))?;
        Ok(Self { start: start.cast(), memory: Memory::Allocated(layout), len })
    }

    /// Memory that the system gives, and gets back when the buffer is dropped.
    fn mapped(len: usize, bytes: usize) -> Option<Self> {
        let huge = bytes >= HUGE_PAGE / 2;
        let (size, align) =
            if huge { (bytes.checked_next_multiple_of(HUGE_PAGE)?, HUGE_PAGE) } else { (bytes, LINE) };
        // What lies before the first huge page, and behind the last, is never touched.
        let mut map = MmapOptions::new().len(size.checked_add(align)?).map_anon().ok()?;
        let before = map.as_ptr().align_offset(align);
        let values = map.get_mut(before..before.checked_add(size)?)?;
        let start = NonNull::from(&mut *values).cast::<u8>();
        if huge {
            ask_for_huge_pages(start, size);
        }
        // They are zeros; writing brings the pages in, which the first run would wait for.
        values.fill(0);
        Some(Self { start: start.cast(), memory: Memory::Mapped(map), len })
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
            Memory::Mapped(_) => {}
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
        // Bytes that are asked for, on what they lie, and the map's if they have one.
        let sizes = [
            (0, LINE, None),
            (4, LINE, None),
            (LARGE - 4, LINE, None),
            (LARGE, LINE, Some(LARGE + LINE)),
            (HUGE_PAGE / 2 - 4, LINE, Some(HUGE_PAGE / 2 - 4 + LINE)),
            (HUGE_PAGE / 2, HUGE_PAGE, Some(2 * HUGE_PAGE)),
            (HUGE_PAGE + 4, HUGE_PAGE, Some(3 * HUGE_PAGE)),
        ];
        for (bytes, align, map) in sizes {
            let mut buffer = Buffer::zeroed(bytes / 4).expect("memory");
            assert!(buffer.as_ptr().addr().is_multiple_of(align));
            assert!(buffer.as_slice().len() == bytes / 4 && buffer.as_slice().iter().all(|v| *v == 0.0));
            buffer.as_mut_slice().fill(1.0);
            let found = match &buffer.memory {
                Memory::Mapped(map) => Some(map.len()),
                Memory::Allocated(_) | Memory::Guarded(_) => None,
            };
            assert_eq!(found, map, "{bytes} bytes");
        }
        assert!(matches!(Buffer::zeroed(usize::MAX / 8), Err(Error::Memory(_))));
    }
}
