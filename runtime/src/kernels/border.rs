//! The zeros around a map, which padded convolutions read; in 8 bits, what means zero.
//!
//! Each member clears what is beside its own rows, and what is above an image's first row and below
//! its last where it has these.

use super::{Context, Share, element};
use crate::plan::{Border, View};

/// Sets this share of the view's border to zero.
///
/// # Safety
///
/// The contract of the kernels; `view` is what the step writes.
pub(super) unsafe fn clear(context: &Context, view: &View, share: &Share) {
    let Border { top, left, bottom, right } = view.border;
    if view.border == Border::NONE {
        return;
    }
    let columns = left + view.width + right;
    for row in share.rows.clone() {
        let (n, y) = (row / view.height, row % view.height);
        let start = view.at(n, y, 0) - left * view.pixel;
        // SAFETY: the view lies in the arena with its border, and these pixels are beside, above and
        // below rows of this share.
        unsafe {
            clear_pixels(context, view, share, start, left);
            clear_pixels(context, view, share, view.at(n, y, view.width), right);
            if y == 0 {
                clear_pixels(context, view, share, start - top * view.row(), top * columns);
            }
            if y + 1 == view.height {
                clear_pixels(context, view, share, start + view.row(), bottom * columns);
            }
        }
    }
}

/// # Safety
///
/// `count` pixels from `start` on lie in the arena, and are this share's to write.
unsafe fn clear_pixels(context: &Context, view: &View, share: &Share, start: usize, count: usize) {
    // SAFETY: the caller's promise; a share's lanes lie within a pixel.
    unsafe {
        let first = context.arena.add(start);
        let zero = f32::from_bits(u32::from_le_bytes(view.element.border()));
        if share.lanes.len() == view.lanes() {
            return fill(first, zero, count * view.pixel);
        }
        for pixel in 0..count {
            for words in element::words(view, &share.lanes) {
                fill(first.add(pixel * view.pixel + words.start), zero, words.len());
            }
        }
    }
}

/// # Safety
///
/// So many words can be written to `to`.
unsafe fn fill(to: *mut f32, word: f32, words: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(to, words) }.fill(word);
}
