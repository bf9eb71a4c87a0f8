//! Reading a shortcut: in place where the channels lie one behind the other, else through a small copy.
//!
//! They do if the shortcut lies as the output does. Option A's is subsampled and shifted by channels, with
//! zeros where the output has a channel that the shortcut has not; the direct convolution copies it all.

use super::{Context, Place, element};
use crate::plan::{Conv, Element, Residual, View};

/// Channels that are read at once.
pub(super) const CHUNK: usize = 64;

/// A shortcut as an operation's output sees it.
#[derive(Clone, Copy)]
pub(super) struct Shortcut<'a> {
    context: &'a Context<'a>,
    residual: &'a Residual,
    /// Whether output channels have floats in the shortcut's pixels, padding included.
    pub direct: bool,
    /// Whether they have values there, of whatever elements.
    pub aligned: bool,
}

/// A shortcut's pixels, one for each of the output's: where the first lies, and the distance from one
/// row and from one pixel to the next.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub start: usize,
    pub row: usize,
    pub pixel: usize,
}

impl<'a> Shortcut<'a> {
    pub(super) fn new(context: &'a Context<'a>, residual: &'a Residual, output: &View) -> Self {
        let view = &residual.view;
        let same = view.channels == output.channels && view.lanes() == output.lanes();
        let aligned = same && residual.channel_offset == 0;
        Self { context, residual, direct: aligned && view.element == Element::F32, aligned }
    }

    /// What a convolution adds, if anything.
    pub(super) fn of(context: &'a Context<'a>, conv: &'a Conv) -> Option<Self> {
        conv.residual.as_ref().map(|residual| Self::new(context, residual, &conv.output))
    }

    /// What is read.
    pub(super) fn view(&self) -> &View {
        &self.residual.view
    }

    /// Where the pixel lies that is added to the output's at `place`.
    pub(super) fn offset(&self, place: Place) -> usize {
        let Residual { view, stride, .. } = self.residual;
        view.at(place.n, place.y * stride, place.x * stride)
    }

    /// Where the pixels lie that are added to those from `place` on.
    pub(super) fn grid(&self, place: Place) -> Grid {
        let Residual { view, stride, .. } = self.residual;
        Grid { start: self.offset(place), row: stride * view.row(), pixel: stride * view.pixel }
    }

    /// `len` channels from `lane` on of the pixel at `offset`; `copy` is where they are if there is no
    /// such sequence in the arena.
    ///
    /// # Safety
    ///
    /// The contract of the kernels; `offset` is from [`Shortcut::offset`], for a pixel of the output,
    /// and the channels are the output's.
    pub(super) unsafe fn read(&self, offset: usize, lane: usize, len: usize, copy: &mut [f32]) -> *const f32 {
        let Residual { view, channel_offset, .. } = self.residual;
        // SAFETY: the residual's pixel at `offset` lies in the arena, and has these channels: a direct one
        // the output's, another `view.channels`.
        unsafe {
            let pixel = self.context.arena.cast_const().add(offset);
            if self.direct {
                return pixel.add(lane);
            }
            let floats = view.element == Element::F32;
            if floats && lane >= *channel_offset && lane + len <= channel_offset + view.channels {
                return pixel.add(lane - channel_offset);
            }
            self.copy(offset, lane, &mut copy[..len]);
        }
        copy.as_ptr()
    }

    /// Copies channels from `lane` on of the pixel at `offset`: zeros where it has none.
    ///
    /// # Safety
    ///
    /// As for [`Shortcut::read`], of a shortcut that is not direct.
    #[inline(never)]
    pub(super) unsafe fn copy(&self, offset: usize, lane: usize, copy: &mut [f32]) {
        let Residual { view, channel_offset, .. } = self.residual;
        copy.fill(0.0);
        let start = lane.max(*channel_offset);
        let end = (lane + copy.len()).min(channel_offset + view.channels);
        if let Some(copy) = copy.get_mut(start - lane..end.saturating_sub(lane)) {
            let first = start - channel_offset;
            // SAFETY: the residual's pixel at `offset` lies in the arena, and has these channels.
            unsafe {
                let pixel = self.context.arena.cast_const().add(offset);
                if view.element == Element::F32 {
                    pixel.add(first).copy_to_nonoverlapping(copy.as_mut_ptr(), copy.len());
                } else {
                    for (channel, value) in (first..).zip(copy) {
                        *value = element::read(view, pixel, channel);
                    }
                }
            }
        }
    }
}
