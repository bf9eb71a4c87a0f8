//! Pictures against Pillow: decoding, orientation, resizing and cropping.
//!
//! `reference/pictures.py` made the files and what is expected of them, with Pillow as the judge.

use resnetc_runtime::plan::{Filter, Preprocess};
use resnetc_runtime::preprocess::{Picture, decode, prepare};
use serde_json::Value;

/// Levels of 255 that a JPEG decoder may differ from libjpeg-turbo by.
const JPEG_TOLERANCE: u8 = 5;

fn index(key: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(resnetc_tests::path("pictures/index.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    json[key].as_array().unwrap().clone()
}

fn read(entry: &Value, key: &str) -> Vec<u8> {
    let path = resnetc_tests::path("pictures").join(entry[key].as_str().unwrap());
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A picture as RGB, whatever it was.
fn rgb(picture: &Picture) -> Vec<u8> {
    let repeat = if picture.channels() == 1 { 3 } else { 1 };
    picture.samples().iter().flat_map(|&v| std::iter::repeat_n(v, repeat)).collect()
}

#[test]
fn files_are_decoded_as_pillow_decodes_them() {
    let entries = index("decode");
    assert!(entries.len() >= 30);
    for entry in entries {
        let name = entry["file"].as_str().unwrap();
        let found = decode(&read(&entry, "file")).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = decode(&read(&entry, "expected")).unwrap();
        assert_eq!((found.width(), found.height()), (expected.width(), expected.height()), "{name}");
        let (found, expected) = (rgb(&found), rgb(&expected));
        let worst = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        let allowed = if entry["exact"].as_bool().unwrap() { 0 } else { JPEG_TOLERANCE };
        assert!(worst <= allowed, "{name}: off by {worst}");
    }
}

#[test]
fn pictures_are_resized_as_pillow_resizes_them() {
    let entries = index("resize");
    assert!(entries.len() >= 20);
    for entry in entries {
        let expected = decode(&read(&entry, "expected")).unwrap();
        let size = |key: &str| entry[key].as_u64().unwrap() as usize;
        let shape = [3, size("height"), size("width")];
        let preprocess = Preprocess {
            resize: entry["shorter_side"].as_u64().map(|side| side as usize),
            filter: if entry["filter"] == "bicubic" { Filter::Bicubic } else { Filter::Bilinear },
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        let mut out = vec![f32::NAN; shape.iter().product()];
        prepare(&decode(&read(&entry, "file")).unwrap(), &preprocess, shape, &mut out).unwrap();
        let pixels = shape[1] * shape[2];
        let found: Vec<u8> =
            (0..pixels * 3).map(|i| (out[i % 3 * pixels + i / 3] * 255.0).round() as u8).collect();
        assert!(found == rgb(&expected), "{}", entry["expected"]);
    }
}

#[test]
fn broken_files_are_refused() {
    let entries = index("broken");
    assert!(entries.len() >= 8);
    for entry in entries {
        let error = decode(&read(&entry, "file")).err();
        assert!(error.is_some_and(|e| !e.to_string().is_empty()), "{}", entry["why"]);
    }
}
