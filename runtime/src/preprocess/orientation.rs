//! Which way up a picture is: the EXIF tag, and the turn that it asks for.
//!
//! The EXIF block is a TIFF file of which one entry of the first directory is read. Whatever is
//! wrong with it, the picture is then taken as it lies.

use super::Picture;

/// The eight ways a picture can lie, by their EXIF values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// 1: as it lies.
    #[default]
    Upright,
    /// 2: left and right exchanged.
    Mirrored,
    /// 3: half a turn.
    HalfTurn,
    /// 4: top and bottom exchanged.
    Flipped,
    /// 5: rows and columns exchanged.
    Transposed,
    /// 6: a quarter turn clockwise is due.
    QuarterRight,
    /// 7: rows and columns exchanged along the other diagonal.
    Transverse,
    /// 8: a quarter turn anticlockwise is due.
    QuarterLeft,
}

const TAG: u16 = 0x0112;
const SHORT: u16 = 3;

impl Orientation {
    /// Reads the orientation from an EXIF block, which begins with a TIFF header.
    pub fn from_exif(tiff: &[u8]) -> Self {
        match read_tag(tiff) {
            Some(2) => Self::Mirrored,
            Some(3) => Self::HalfTurn,
            Some(4) => Self::Flipped,
            Some(5) => Self::Transposed,
            Some(6) => Self::QuarterRight,
            Some(7) => Self::Transverse,
            Some(8) => Self::QuarterLeft,
            _ => Self::Upright,
        }
    }

    /// The picture, turned upright.
    #[must_use]
    pub fn apply(self, picture: Picture) -> Picture {
        let (right, below) = (picture.width() - 1, picture.height() - 1);
        match self {
            Self::Upright => picture,
            Self::Mirrored => rearrange(&picture, false, |x, y| (right - x, y)),
            Self::HalfTurn => rearrange(&picture, false, |x, y| (right - x, below - y)),
            Self::Flipped => rearrange(&picture, false, |x, y| (x, below - y)),
            Self::Transposed => rearrange(&picture, true, |x, y| (y, x)),
            Self::QuarterRight => rearrange(&picture, true, |x, y| (y, below - x)),
            Self::Transverse => rearrange(&picture, true, |x, y| (right - y, below - x)),
            Self::QuarterLeft => rearrange(&picture, true, |x, y| (right - y, x)),
        }
    }
}

/// A picture whose pixel (x, y) is the given one's `from(x, y)`.
fn rearrange(picture: &Picture, swap_sides: bool, from: impl Fn(usize, usize) -> (usize, usize)) -> Picture {
    let (old_width, channels) = (picture.width(), picture.channels());
    let (width, height) = match swap_sides {
        true => (picture.height(), old_width),
        false => (old_width, picture.height()),
    };
    let mut samples = Vec::with_capacity(picture.samples().len());
    for y in 0..height {
        for x in 0..width {
            let (column, row) = from(x, y);
            let at = (row * old_width + column) * channels;
            samples.extend_from_slice(&picture.samples()[at..at + channels]);
        }
    }
    Picture::from_parts(width, height, channels, samples)
}

/// The value of the orientation entry in the first directory.
fn read_tag(tiff: &[u8]) -> Option<u16> {
    let big = match tiff.get(..4)? {
        [b'M', b'M', 0, 42] => true,
        [b'I', b'I', 42, 0] => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let offset = *tiff.get(4..)?.first_chunk()?;
    let offset = if big { u32::from_be_bytes(offset) } else { u32::from_le_bytes(offset) };
    let directory = usize::try_from(offset).ok()?;
    let first = directory.checked_add(2)?;
    (0..usize::from(short(directory)?))
        .map_while(|index| first.checked_add(12 * index))
        .take_while(|&entry| entry < tiff.len())
        .find(|&entry| short(entry) == Some(TAG) && short(entry + 2) == Some(SHORT))
        .and_then(|entry| short(entry + 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns and three rows, numbered in reading order.
    fn numbered() -> Picture {
        Picture::new(2, 3, 1, vec![1, 2, 3, 4, 5, 6]).expect("a small picture")
    }

    fn turned(value: u8) -> (usize, Vec<u8>) {
        let exif = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[value, 0, 0, 0]].concat();
        let picture = Orientation::from_exif(&exif).apply(numbered());
        (picture.width(), picture.samples().to_vec())
    }

    #[test]
    fn each_value_turns_as_pillow_turns() {
        assert_eq!(turned(1), (2, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(2), (2, vec![2, 1, 4, 3, 6, 5]));
        assert_eq!(turned(3), (2, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(4), (2, vec![5, 6, 3, 4, 1, 2]));
        assert_eq!(turned(5), (3, vec![1, 3, 5, 2, 4, 6]));
        assert_eq!(turned(6), (3, vec![5, 3, 1, 6, 4, 2]));
        assert_eq!(turned(7), (3, vec![6, 4, 2, 5, 3, 1]));
        assert_eq!(turned(8), (3, vec![2, 4, 6, 1, 3, 5]));
    }

    #[test]
    fn big_endian_blocks_are_read() {
        let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
        assert_eq!(Orientation::from_exif(exif), Orientation::QuarterRight);
    }

    #[test]
    fn a_broken_block_leaves_the_picture_as_it_lies() {
        let far = b"II*\0\xff\xff\xff\xff\x01\0";
        let endless = b"II*\0\x08\0\0\0\xff\xff\x12\x01\x04\0";
        for exif in [&b""[..], b"II*\0", far, endless, b"XX*\0\x08\0\0\0"] {
            assert_eq!(Orientation::from_exif(exif), Orientation::Upright);
        }
        assert_eq!(turned(9), turned(1));
    }
}
