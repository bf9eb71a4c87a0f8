//! A decoded picture: 8-bit samples, channels interleaved, rows from the top.
//!
//! Sizes are checked where a picture comes from, before memory is taken, so that nothing behind
//! this file has to doubt them.

use super::PictureError;

/// The longest side that is read, in pixels.
pub const MAX_SIDE: usize = 16_384;

/// The largest picture that is read, in pixels.
pub const MAX_PIXELS: usize = 100_000_000;

/// A picture of 1 (luma) or 3 (RGB) channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    samples: Vec<u8>,
}

impl Picture {
    /// A picture of `width * height * channels` samples.
    ///
    /// # Errors
    ///
    /// No pixel, too many of them, or samples of another number than the size says.
    pub fn new(width: usize, height: usize, channels: usize, samples: Vec<u8>) -> Result<Self, PictureError> {
        check_size(width, height)?;
        if channels != 1 && channels != 3 {
            return Err(PictureError::Channels(channels));
        }
        let expected = width * height * channels;
        if samples.len() != expected {
            return Err(PictureError::Length { expected, found: samples.len() });
        }
        Ok(Self { width, height, channels, samples })
    }

    /// A picture whose size is within bounds because it was made from one that is.
    pub(super) fn from_parts(width: usize, height: usize, channels: usize, samples: Vec<u8>) -> Self {
        debug_assert_eq!(samples.len(), width * height * channels);
        Self { width, height, channels, samples }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// `[row][column][channel]`.
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// The picture in one channel, weighted as ITU-R BT.601 (Pillow's `convert("L")`).
    #[must_use]
    pub fn luma(&self) -> Self {
        let samples = match self.channels {
            3 => self.samples.as_chunks().0.iter().map(luma).collect(),
            _ => self.samples.clone(),
        };
        Self { channels: 1, samples, ..*self }
    }
}

/// 0.299 r + 0.587 g + 0.114 b in 16-bit fixed point, rounded.
fn luma(&[red, green, blue]: &[u8; 3]) -> u8 {
    let sum = u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471;
    ((sum + 0x8000) >> 16) as u8
}

/// Whether a picture of this size is read.
///
/// # Errors
///
/// [`PictureError::Size`].
pub(super) fn check_size(width: usize, height: usize) -> Result<(), PictureError> {
    let sides = 1..=MAX_SIDE;
    if sides.contains(&width) && sides.contains(&height) && width * height <= MAX_PIXELS {
        return Ok(());
    }
    Err(PictureError::Size { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_of_grey_is_that_grey() {
        for value in 0..=255 {
            assert_eq!(luma(&[value; 3]), value);
        }
    }

    #[test]
    fn sides_and_pixels_are_bounded() {
        assert!(check_size(MAX_SIDE, MAX_PIXELS / MAX_SIDE).is_ok());
        assert!(check_size(MAX_SIDE + 1, 1).is_err());
        assert!(check_size(0, 1).is_err());
        assert!(check_size(10_001, 10_000).is_err());
    }
}
