//! Reading a shortcut: in place where it lies as the output does, else through a small copy.
//!
//! The second case is option A's, subsampled and shifted by channels, with zeros where the output has
//! a channel that the shortcut has not.

use super::{Context, Place};
use crate::plan::{Conv, Residual, View};

/// Channels that are read at once.
pub(super) const CHUNK: usize = 64;

/// A shortcut as an operation's output sees it.
#[derive(Clone, Copy)]
pub(super) struct Shortcut<'a> {
    context: &'a Context<'a>,
    residual: &'a Residual,
    /// Whether output channels have values in the shortcut's pixels, padding included.
    pub direct: bool,
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
        let same = view.channels == output.channels && view.pixel == output.pixel;
        Self { context, residual, direct: same && residual.channel_offset == 0 }
    }

    /// What a convolution adds, if anything.
    pub(super) fn of(context: &'a Context<'a>, conv: &'a Conv) -> Option<Self> {
        conv.residual.as_ref().map(|residual| Self::new(context, residual, &conv.output))
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
        // SAFETY: the residual's pixel at `offset` lies in the arena; a direct one has the output's
        // channels, and of another only those are read that are there.
        unsafe {
            let pixel = self.context.arena.cast_const().add(offset);
            if self.direct {
                return pixel.add(lane);
            }
            let Residual { view, channel_offset, .. } = self.residual;
            for (channel, value) in (lane..lane + len).zip(copy.iter_mut()) {
                *value = match channel.checked_sub(*channel_offset) {
                    Some(channel) if channel < view.channels => *pixel.add(channel),
                    _ => 0.0,
                };
            }
        }
        copy.as_ptr()
    }
}
