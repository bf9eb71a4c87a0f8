//! WebP: lossy and lossless, with or without alpha; of an animation the first frame.

use std::io::{BufReader, Cursor, ErrorKind};

use image_webp::{DecodingError, WebPDecoder};

use super::decode::Stored;
use super::picture::check_size;
use super::{Orientation, Picture, PictureError};

const FORMAT: &str = "WebP";

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, PictureError> {
    let mut decoder = WebPDecoder::new(BufReader::new(Cursor::new(bytes))).map_err(corrupt)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    check_size(width, height)?;
    // A chunk can claim any size, and memory is taken before it is read.
    decoder.set_memory_limit(bytes.len());

    // An unreadable EXIF chunk leaves the picture as it is.
    let exif = decoder.exif_metadata().ok().flatten().unwrap_or_default();
    let orientation = Orientation::from_exif(exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif));

    let alpha = decoder.has_alpha();
    let mut samples = vec![0; width * height * if alpha { 4 } else { 3 }];
    decoder.read_image(&mut samples).map_err(corrupt)?;
    if alpha {
        samples = samples.as_chunks().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    }
    Ok(Stored { picture: Picture::from_parts(width, height, 3, samples), orientation })
}

fn corrupt(error: DecodingError) -> PictureError {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PictureError::Truncated { format: FORMAT }
        }
        other => PictureError::Corrupt { format: FORMAT, reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(color: image_webp::ColorType, size: [u32; 2], data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        image_webp::WebPEncoder::new(&mut bytes).encode(data, size[0], size[1], color).expect("encodes");
        bytes
    }

    #[test]
    fn lossless_comes_back_without_its_alpha() {
        let file = encode(image_webp::ColorType::Rgba8, [2, 1], &[1, 2, 3, 0, 4, 5, 6, 255]);
        assert_eq!(decode(&file).expect("decodes").picture.samples(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn every_cut_of_a_file_is_an_error() {
        let file = encode(image_webp::ColorType::Rgb8, [3, 2], &[9; 18]);
        for length in 0..file.len() - 1 {
            assert!(decode(&file[..length]).is_err(), "{length} of {}", file.len());
        }
    }
}
