//! Bytes to an upright RGB picture; the format is told by the content, never by a file's name.

use std::panic::catch_unwind;

use super::{Orientation, Picture, PictureError, jpeg, png, webp};

/// A picture as its file has it, and how it is to be turned.
pub(super) struct Stored {
    pub picture: Picture,
    pub orientation: Orientation,
}

/// Decodes a JPEG, PNG or WebP file to three 8-bit channels, turned as its EXIF data say.
///
/// Alpha is dropped, not blended; of 16 bits a sample the upper eight are kept; of an animation
/// the first frame; colour profiles are ignored: all as Pillow's `convert("RGB")`, but for 16-bit
/// grey, which Pillow clips at 255.
///
/// # Errors
///
/// Another format; a picture that is damaged, cut short, or larger than is read. A panic of the
/// crate that decodes it is an error too, where panics unwind.
pub fn decode(bytes: &[u8]) -> Result<Picture, PictureError> {
    let (format, decoder): (_, Decoder) = match bytes {
        [0xff, 0xd8, 0xff, ..] => ("JPEG", jpeg::decode),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => ("PNG", png::decode),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("WebP", webp::decode),
        _ => return Err(PictureError::Format(name_other(bytes))),
    };
    let stored = contain(format, decoder, bytes)?;
    Ok(stored.orientation.apply(stored.picture))
}

type Decoder = fn(&[u8]) -> Result<Stored, PictureError>;

/// Makes a panic in a decoder, which is a defect of it, the fate of one picture alone.
fn contain(format: &'static str, decoder: Decoder, bytes: &[u8]) -> Result<Stored, PictureError> {
    let corrupt = |_| Err(PictureError::Corrupt { format, reason: "the decoder failed".to_owned() });
    catch_unwind(|| decoder(bytes)).unwrap_or_else(corrupt)
}

/// What the bytes are instead.
fn name_other(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "the file is empty",
        [b'G', b'I', b'F', b'8', ..] => "a GIF",
        [b'B', b'M', ..] => "a BMP",
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => "a TIFF",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => "an AVIF picture",
        [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', ..] => "a HEIF picture",
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', ..] => "a JPEG XL picture",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        _ => "not a picture",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_refused_by_name() {
        let message = |bytes: &[u8]| decode(bytes).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(message(b""), Err("the file is empty; JPEG, PNG and WebP are read".into()));
        assert_eq!(message(b"GIF89a"), Err("a GIF; JPEG, PNG and WebP are read".into()));
        assert_eq!(message(b"hello"), Err("not a picture; JPEG, PNG and WebP are read".into()));
    }

    #[test]
    fn a_decoder_that_panics_fails_one_picture() {
        let error = contain("PNG", |_| panic!("meant to panic"), b"").map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "the PNG file cannot be decoded: the decoder failed");
    }
}
