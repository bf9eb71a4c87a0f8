//! Where the network's input lies in a resized picture: torchvision's `Resize` and `CenterCrop`.

use super::Picture;

/// The part of a resized picture that becomes the input, in pixels of the resized picture.
///
/// Along each axis the picture is resized to `resized` pixels, of which the input takes those from
/// `begin` on. A negative begin, or an input that reaches beyond the end, is padded with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows.
    pub vertical: Axis,
    /// Columns.
    pub horizontal: Axis,
}

/// One axis of a [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Length of the whole resized picture.
    pub resized: usize,
    /// Where the input begins.
    pub begin: isize,
    /// Length of the input.
    pub length: usize,
}

impl Axis {
    /// The pixels of the resized picture that the input takes.
    pub fn kept(&self) -> std::ops::Range<usize> {
        let end = self.begin.saturating_add_unsigned(self.length);
        let clamp = |at: isize| usize::try_from(at).unwrap_or(0).min(self.resized);
        clamp(self.begin)..clamp(end)
    }

    /// Zeros in front of the kept pixels.
    pub fn pad(&self) -> usize {
        usize::try_from(self.begin.saturating_neg()).unwrap_or(0)
    }

    /// The middle of `resized` pixels.
    fn centred(resized: usize, length: usize) -> Self {
        let begin = match resized.checked_sub(length) {
            Some(spare) => halve_to_even(spare).cast_signed(),
            // What is missing is padded, the odd pixel behind.
            None => -((length - resized) / 2).cast_signed(),
        };
        Self { resized, begin, length }
    }
}

/// `value / 2`, a half rounded to the even neighbour, as Python's `round` does it.
fn halve_to_even(value: usize) -> usize {
    let lower = value / 2;
    lower + (value & lower & 1)
}

impl Window {
    /// Resizes the shorter side to `resize` and takes the centre, or, without a `resize`, scales
    /// the whole picture to the input's height and width.
    pub fn new(picture: &Picture, resize: Option<usize>, [height, width]: [usize; 2]) -> Self {
        let Some(short) = resize else {
            let whole = |length| Axis { resized: length, begin: 0, length };
            return Self { vertical: whole(height), horizontal: whole(width) };
        };
        let (rows, columns) = (picture.height(), picture.width());
        // The longer side is rounded down, and never below the shorter.
        let long = |longer: usize, shorter: usize| short.saturating_mul(longer) / shorter;
        let (new_rows, new_columns) = match rows < columns {
            true => (short, long(columns, rows)),
            false => (long(rows, columns), short),
        };
        Self { vertical: Axis::centred(new_rows, height), horizontal: Axis::centred(new_columns, width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(width: usize, height: usize, resize: usize, crop: usize) -> Window {
        let picture = Picture::from_parts(width, height, 1, vec![0; width * height]);
        Window::new(&picture, Some(resize), [crop, crop])
    }

    #[test]
    fn the_shorter_side_is_resized_and_the_longer_follows_rounded_down() {
        let wide = window(500, 375, 256, 224);
        assert_eq!((wide.horizontal.resized, wide.vertical.resized), (341, 256));
        let high = window(375, 500, 256, 224);
        assert_eq!((high.horizontal.resized, high.vertical.resized), (256, 341));
    }

    #[test]
    fn half_pixels_of_the_crop_round_to_even() {
        assert_eq!([1, 3, 5, 7, 117].map(halve_to_even), [0, 2, 2, 4, 58]);
        assert_eq!([0, 2, 4, 118].map(halve_to_even), [0, 1, 2, 59]);
        assert_eq!(window(500, 375, 256, 224).horizontal.begin, 58);
    }

    #[test]
    fn a_crop_beyond_the_picture_is_padded_on_both_sides() {
        let axis = window(10, 10, 5, 8).vertical;
        assert_eq!((axis.pad(), axis.kept(), axis.length), (1, 0..5, 8));
    }
}
