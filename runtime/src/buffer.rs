//! Aligned memory for activations and weights.
//!
//! In: a number of `f32`. Out: that many zeros, on a multiple of 64 bytes, or of 2 MiB where they
//! fill such a page, so that the system may back them with huge ones.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use crate::error::Error;

const LINE: usize = 64;
const HUGE_PAGE: usize = 2 << 20;

/// A fixed number of `f32`, zero at first.
#[derive(Debug)]
pub(crate) struct Buffer {
    start: NonNull<f32>,
    layout: Layout,
    len: usize,
}

// SAFETY: the buffer owns its memory, as a `Box<[f32]>` does.
unsafe impl Send for Buffer {}
// SAFETY: as above; `&Buffer` gives reading access only.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Result<Self, Error> {
        let bytes = len.saturating_mul(4);
        let align = if bytes < HUGE_PAGE { LINE } else { HUGE_PAGE };
        // No layout has a size of zero, which the allocator forbids.
        let layout = Layout::from_size_align(bytes.max(LINE), align).map_err(|_| Error::Memory(bytes))?;
        // SAFETY: the layout's size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start.cast()).ok_or(Error::Memory(bytes))?;
        Ok(Self { start, layout, len })
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
        // SAFETY: as in `as_slice`, and `&mut self` keeps readers away too.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this layout, and freed once.
        unsafe { dealloc(self.start.as_ptr().cast(), self.layout) }
    }
}
