//! From the bytes of a picture to the input of a network.
//!
//! In: a JPEG, PNG or WebP file, the spec's [`Preprocess`], the input's shape. Out: NCHW f32. The
//! steps are those of `torchvision.transforms` over Pillow, in its order and with its rounding:
//! decode, turn upright, resize, centre-crop, scale to 0..1, subtract the mean, divide by the
//! standard deviation. Resize and crop are one step here: only pixels that the crop keeps are
//! computed, so that memory is bounded by the picture and the input, whatever the picture's aspect.

mod decode;
mod geometry;
mod jpeg;
mod normalise;
mod orientation;
mod picture;
mod png;
mod resize;
mod webp;

pub use decode::decode;
pub use geometry::Window;
pub use normalise::normalise;
pub use orientation::Orientation;
pub use picture::{MAX_PIXELS, MAX_SIDE, Picture};
pub use resize::resize;

use crate::plan::Preprocess;

/// Why a picture cannot become an input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The bytes begin like none of the formats that are read.
    #[error("{0}; JPEG, PNG and WebP are read")]
    Format(&'static str),
    /// Wider or higher than [`MAX_SIDE`], more than [`MAX_PIXELS`], or empty.
    #[error(
        "{width} x {height} pixels; at most {MAX_SIDE} a side and {} million in all are read",
        MAX_PIXELS / 1_000_000
    )]
    Size {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The file ends before the picture does.
    #[error("the {format} file is cut short")]
    Truncated {
        /// The format that the bytes begin like.
        format: &'static str,
    },
    /// The bytes contradict the format, or use a part of it that is not read.
    #[error("the {format} file cannot be decoded: {reason}")]
    Corrupt {
        /// The format that the bytes begin like.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// A network that does not take pictures.
    #[error("a picture becomes 1 or 3 channels, and the network takes {0}")]
    Channels(usize),
    /// The slice to fill has not the input's length.
    #[error("the input has {expected} values, the slice {found}")]
    Length {
        /// Channels x height x width.
        expected: usize,
        /// Length of the slice.
        found: usize,
    },
}

/// Decodes a picture and fills `out`, `[channels, height, width]` in that order.
///
/// # Errors
///
/// Bytes that are no picture, or one that is damaged or too large; a network whose input has
/// neither 1 nor 3 channels; an `out` of another length. Then `out` holds nothing of use.
pub fn load(
    bytes: &[u8],
    preprocess: &Preprocess,
    input: [usize; 3],
    out: &mut [f32],
) -> Result<(), PictureError> {
    prepare(&decode(bytes)?, preprocess, input, out)
}

/// Fills `out`, `[channels, height, width]` in that order, from a decoded picture.
///
/// # Errors
///
/// A network whose input has neither 1 nor 3 channels; an `out` of another length.
pub fn prepare(
    picture: &Picture,
    preprocess: &Preprocess,
    [channels, height, width]: [usize; 3],
    out: &mut [f32],
) -> Result<(), PictureError> {
    let expected = channels.saturating_mul(height).saturating_mul(width);
    if out.len() != expected {
        return Err(PictureError::Length { expected, found: out.len() });
    }
    let window = Window::new(picture, preprocess.resize, [height, width]);
    match channels {
        3 => normalise(&resize(picture, &window, preprocess.filter), preprocess, out),
        1 => normalise(&resize(&picture.luma(), &window, preprocess.filter), preprocess, out),
        other => return Err(PictureError::Channels(other)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Filter;

    const PLAIN: Preprocess = Preprocess {
        resize: Some(4),
        filter: Filter::Bilinear,
        mean: [0.5, 0.25, 0.0],
        std: [0.5, 0.25, 1.0],
    };

    fn grey(width: usize, height: usize) -> Picture {
        Picture::new(width, height, 3, vec![51; width * height * 3]).expect("a small picture")
    }

    #[test]
    fn each_channel_gets_its_own_mean_and_std() {
        let mut out = [0.0; 3 * 4 * 4];
        prepare(&grey(9, 7), &PLAIN, [3, 4, 4], &mut out).expect("prepares");
        let value = 51.0_f32 / 255.0;
        assert_eq!(out[..16], [(value - 0.5) / 0.5; 16]);
        assert_eq!(out[16..32], [(value - 0.25) / 0.25; 16]);
        assert_eq!(out[32..], [value; 16]);
    }

    #[test]
    fn one_channel_is_luma() {
        let picture = Picture::new(1, 1, 3, vec![255, 0, 0]).expect("a pixel");
        let mut out = [0.0; 1];
        let plain = Preprocess { resize: None, mean: [0.0; 3], std: [1.0; 3], ..PLAIN };
        prepare(&picture, &plain, [1, 1, 1], &mut out).expect("prepares");
        assert_eq!(out, [76.0 / 255.0]);
    }

    #[test]
    fn other_channels_and_lengths_are_refused() {
        let two = prepare(&grey(4, 4), &PLAIN, [2, 4, 4], &mut [0.0; 32]);
        assert!(matches!(two, Err(PictureError::Channels(2))));
        let short = prepare(&grey(4, 4), &PLAIN, [3, 4, 4], &mut [0.0; 47]);
        assert!(matches!(short, Err(PictureError::Length { expected: 48, found: 47 })));
    }
}
