//! PNG: every colour type and depth, interlaced or not.
//!
//! Palettes and low depths are expanded, of 16 bits the upper eight are kept, alpha is dropped.

use std::io::Cursor;

use png::{ColorType, DecodingError, Limits, Transformations};

use super::decode::Stored;
use super::picture::{MAX_PIXELS, check_size};
use super::{Orientation, Picture, PictureError};

const FORMAT: &str = "PNG";

/// What the decoder may take besides the picture: chunks, rows.
const LIMITS: Limits = Limits { bytes: 64 << 20 };

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, PictureError> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), LIMITS);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(corrupt)?;
    let (width, height) = (header.width as usize, header.height as usize);
    check_size(width, height)?;

    let mut reader = decoder.read_info().map_err(corrupt)?;
    let size = reader.output_buffer_size().filter(|&size| size <= 4 * MAX_PIXELS);
    let mut samples = vec![0; size.ok_or(PictureError::Size { width, height })?];
    reader.next_frame(&mut samples).map_err(corrupt)?;
    // EXIF data may stand behind the image data; a fault there leaves the picture whole.
    let _ = reader.finish();
    let orientation = Orientation::from_exif(reader.info().exif_metadata.as_deref().unwrap_or(&[]));

    let samples: Vec<u8> = match reader.output_color_type().0 {
        ColorType::Rgb => samples,
        ColorType::Rgba => samples.as_chunks().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(),
        ColorType::Grayscale => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
        ColorType::GrayscaleAlpha => samples.as_chunks().0.iter().flat_map(|&[grey, _]| [grey; 3]).collect(),
        ColorType::Indexed => {
            let reason = "its palette is missing".into();
            return Err(PictureError::Corrupt { format: FORMAT, reason });
        }
    };
    Ok(Stored { picture: Picture::new(width, height, 3, samples)?, orientation })
}

fn corrupt(error: DecodingError) -> PictureError {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            PictureError::Truncated { format: FORMAT }
        }
        other => PictureError::Corrupt { format: FORMAT, reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one frame with the encoder of the same crate.
    fn encode(color: ColorType, depth: png::BitDepth, size: [u32; 2], data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, size[0], size[1]);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![1, 2, 3, 40, 50, 60]);
            encoder.set_trns(vec![0, 255]);
        }
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(data).expect("the data fit");
        writer.finish().expect("an end");
        bytes
    }

    fn samples(bytes: &[u8]) -> Vec<u8> {
        decode(bytes).expect("decodes").picture.samples().to_vec()
    }

    #[test]
    fn alpha_is_dropped_and_grey_repeated() {
        let (eight, rgba) = (png::BitDepth::Eight, [9, 8, 7, 0]);
        assert_eq!(samples(&encode(ColorType::Rgba, eight, [1, 1], &rgba)), [9, 8, 7]);
        assert_eq!(samples(&encode(ColorType::GrayscaleAlpha, eight, [1, 1], &[5, 0])), [5, 5, 5]);
    }

    #[test]
    fn a_palette_is_expanded_whatever_its_alpha() {
        let file = encode(ColorType::Indexed, png::BitDepth::One, [2, 1], &[0b0100_0000]);
        assert_eq!(samples(&file), [1, 2, 3, 40, 50, 60]);
    }

    #[test]
    fn of_sixteen_bits_the_upper_eight_are_kept() {
        let file = encode(ColorType::Grayscale, png::BitDepth::Sixteen, [1, 1], &[0x12, 0xff]);
        assert_eq!(samples(&file), [0x12; 3]);
    }

    #[test]
    fn a_cut_file_says_so() {
        let file = encode(ColorType::Rgb, png::BitDepth::Eight, [2, 2], &[7; 12]);
        for length in 8..file.len() - 24 {
            let error = decode(&file[..length]).err();
            assert!(matches!(error, Some(PictureError::Truncated { .. })), "{length}: {error:?}");
        }
    }

    #[test]
    fn a_huge_header_is_refused_before_memory_is_taken() {
        let mut header = encode(ColorType::Rgb, png::BitDepth::Eight, [2, 2], &[7; 12]);
        header[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        assert!(decode(&header).is_err());
    }
}
