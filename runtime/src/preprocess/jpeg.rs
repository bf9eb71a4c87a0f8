//! JPEG: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK.
//!
//! The decoder hands out the stored components; colours are converted here, with the tables of
//! libjpeg and, for four components, Pillow's rounding. Four components are taken as Adobe writes
//! them, inverted, as Pillow takes all of them. A file without an end-of-image marker is refused:
//! the decoder would fill what is missing with grey, as it does, and Pillow too, where one comes
//! early. What is rare and the decoder gets wrong is refused as well: see [`unread`].

use std::ops::RangeInclusive;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::decode::Stored;
use super::picture::{MAX_SIDE, check_size};
use super::{Orientation, Picture, PictureError};

const FORMAT: &str = "JPEG";

/// Scans of a progressive picture; each costs a pass over all of it.
const MAX_SCANS: usize = 64;

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, PictureError> {
    if !ends(bytes) {
        return Err(PictureError::Truncated { format: FORMAT });
    }
    if let Some(reason) = unread(bytes) {
        return Err(PictureError::Corrupt { format: FORMAT, reason: reason.to_owned() });
    }
    let lenient = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(MAX_SCANS)
        .set_strict_mode(false);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), lenient);
    decoder.decode_headers().map_err(|error| corrupt(&error))?;
    let (width, height) = decoder.dimensions().unwrap_or((0, 0));
    check_size(width, height)?;
    let orientation = Orientation::from_exif(decoder.exif().map_or(&[], Vec::as_slice));

    // Bytes between headers do no harm; codes that mean nothing mean a damaged picture.
    let components = decoder.info().map_or(0, |info| info.components);
    let (stored, convert) = stored_components(decoder.input_colorspace(), components.into())?;
    decoder.set_options(lenient.set_strict_mode(true).jpeg_set_out_colorspace(stored));
    let mut samples = vec![0; width * height * stored.num_components()];
    decoder.decode_into(&mut samples).map_err(|error| corrupt(&error))?;
    let samples = match convert {
        Convert::Nothing => samples,
        Convert::Grey => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
        Convert::YCbCr => map_pixels(samples, |&[y, cb, cr]: &[u8; 3]| ycbcr_to_rgb([y, cb, cr])),
        Convert::Cmyk => map_pixels(samples, |&[c, m, y, k]: &[u8; 4]| ink_to_rgb([c, m, y], k)),
        Convert::Ycck => map_pixels(samples, |&[y, cb, cr, k]: &[u8; 4]| {
            ink_to_rgb(ycbcr_to_rgb([y, cb, cr]).map(|value| 255 - value), k)
        }),
    };
    Ok(Stored { picture: Picture::from_parts(width, height, 3, samples), orientation })
}

/// How the stored components become RGB.
#[derive(Clone, Copy)]
enum Convert {
    Nothing,
    Grey,
    YCbCr,
    Cmyk,
    Ycck,
}

/// The colour space that a decoder gives back unconverted, and what is then to do.
///
/// An Adobe marker before the frame makes it say four components, whatever the frame says then.
fn stored_components(space: Option<ColorSpace>, count: usize) -> Result<(ColorSpace, Convert), PictureError> {
    match (space, count) {
        (Some(ColorSpace::RGB | ColorSpace::CMYK), 3) => Ok((ColorSpace::RGB, Convert::Nothing)),
        (Some(ColorSpace::YCbCr | ColorSpace::YCCK), 3) => Ok((ColorSpace::YCbCr, Convert::YCbCr)),
        (Some(ColorSpace::Luma), 1) => Ok((ColorSpace::Luma, Convert::Grey)),
        (Some(ColorSpace::CMYK), 4) => Ok((ColorSpace::CMYK, Convert::Cmyk)),
        (Some(ColorSpace::YCCK), 4) => Ok((ColorSpace::YCCK, Convert::Ycck)),
        (space, count) => {
            let space = space.unwrap_or(ColorSpace::Unknown);
            let reason = format!("its {count} components are {space:?}");
            Err(PictureError::Corrupt { format: FORMAT, reason })
        }
    }
}

fn map_pixels<const N: usize>(samples: Vec<u8>, convert: impl Fn(&[u8; N]) -> [u8; 3]) -> Vec<u8> {
    samples.as_chunks().0.iter().flat_map(convert).collect()
}

/// ITU-R BT.601, full range, in libjpeg's 16-bit fixed point (`jdcolor.c`).
fn ycbcr_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91_881 * cr + HALF) >> 16);
    let green = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|value| value.clamp(0, 255) as u8)
}

/// Inverted inks, as Adobe stores them, to RGB (Pillow's `cmyk2rgb`).
fn ink_to_rgb(inks: [u8; 3], black: u8) -> [u8; 3] {
    inks.map(|ink| {
        let product = (255 - u32::from(ink)) * u32::from(black) + 128;
        black - (((product >> 8) + product) >> 8) as u8
    })
}

/// Whether an end-of-image marker follows the first scan's header. Markers before that, such as
/// those of a thumbnail, lie within segments, which are stepped over.
fn ends(bytes: &[u8]) -> bool {
    let mut scans = segments(bytes).filter(|&(marker, _)| marker == SCAN);
    scans.next().is_some_and(|(_, from)| from.windows(2).any(|pair| pair == [0xff, 0xd9]))
}

/// Why the decoder would give another picture than the file's, or fail.
fn unread(bytes: &[u8]) -> Option<&'static str> {
    let mut headers = segments(bytes).filter(|(marker, _)| *marker == SCAN || FRAMES.contains(marker));
    // A frame's length, precision, height and width stand before the number of its components.
    let (frame, [_, _, _, _, _, _, _, count, components @ ..]) = headers.next()? else { return None };
    let components = components.as_chunks::<3>().0.get(..usize::from(*count))?;
    let columns = || components.iter().map(|[_, sampling, _]| sampling >> 4);
    let rows = || components.iter().map(|[_, sampling, _]| sampling & 15);
    let most_rows = rows().max()?;
    let scanned = headers.next().and_then(|(_, scan)| scan.get(2));
    if columns().any(|others| others > columns().next().unwrap_or(0)) {
        Some("its first component has fewer columns than another, which is not read")
    } else if rows().any(|rows| rows == 0 || most_rows % rows != 0) {
        Some("a component's rows are no whole part of another's, which is not read")
    } else if frame != PROGRESSIVE && scanned.is_some_and(|scanned| scanned < count) {
        Some("it is sequential, and its components are in several scans, which is not read")
    } else {
        None
    }
}

/// Markers of a scan's header, and of those frames that the decoder reads.
const SCAN: u8 = 0xda;
const PROGRESSIVE: u8 = 0xc2;
const FRAMES: RangeInclusive<u8> = 0xc0..=PROGRESSIVE;

/// Each segment's marker, and the file from its length on. All markers have one, as the decoder sees it.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        loop {
            let &[lead, marker, high, low] = bytes.get(at..)?.first_chunk()?;
            if lead == 0xff && matches!(marker, 0x01..=0xfe) {
                let from = &bytes[at + 2..];
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
                return Some((marker, from));
            }
            at += 1;
        }
    })
}

fn corrupt(error: &DecodeErrors) -> PictureError {
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => PictureError::Truncated { format: FORMAT },
        DecodeErrors::LargeDimensions(side) => PictureError::Size { width: *side, height: MAX_SIDE },
        other => PictureError::Corrupt { format: FORMAT, reason: one_line(other) },
    }
}

/// The decoder's words without the quotation marks that some of its messages carry.
fn one_line(error: &DecodeErrors) -> String {
    error.to_string().trim_matches('"').replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_convert_as_libjpeg_converts_them() {
        assert_eq!(ycbcr_to_rgb([128, 128, 128]), [128, 128, 128]);
        assert_eq!(ycbcr_to_rgb([76, 85, 255]), [254, 0, 0]);
        assert_eq!(ycbcr_to_rgb([29, 255, 107]), [0, 0, 254]);
    }

    #[test]
    fn inks_are_inverted_and_black_scales_them() {
        assert_eq!(ink_to_rgb([255, 255, 255], 255), [255, 255, 255]);
        assert_eq!(ink_to_rgb([255, 0, 128], 255), [255, 0, 128]);
        assert_eq!(ink_to_rgb([255, 128, 0], 100), [100, 50, 0]);
    }

    #[test]
    fn an_end_marker_within_a_thumbnail_is_not_the_end() {
        let thumbnail = [0xff, 0xd8, 0xff, 0xe1, 0, 4, 0xff, 0xd9, 0xff, 0xda, 0, 2, 1, 2];
        assert!(!ends(&thumbnail));
        assert!(ends(&[&thumbnail[..], &[0xff, 0xd9]].concat()));
    }

    #[test]
    fn headers_alone_are_a_cut_file() {
        let error = decode(&[0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J']).err();
        assert!(matches!(error, Some(PictureError::Truncated { .. })));
    }
}
