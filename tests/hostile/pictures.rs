//! Pictures that claim more than they have, or that decoders get wrong.

use resnetc_runtime::preprocess::decode;

use super::allocations;

#[test]
fn a_chunk_that_claims_more_than_its_file_has_takes_no_memory() {
    let mut file = std::fs::read(resnetc_tests::path("pictures/files/orientation_8.webp")).unwrap();
    let exif = file.windows(4).position(|name| name == b"EXIF").unwrap();
    file[exif + 4..exif + 8].copy_from_slice(&(380_u32 << 20).to_le_bytes());
    let (picture, peak) = allocations::peak(|| decode(&file));
    // Without its EXIF data the picture is as it lies.
    assert!(picture.is_ok() && peak < 1 << 20, "{peak}");
}

/// Where a JPEG has a marker first.
fn at(file: &[u8], marker: u8) -> usize {
    file.windows(2).position(|found| found == [0xff, marker]).unwrap()
}

/// The error that a file gives.
fn refusal(file: &[u8]) -> String {
    decode(file).map(|_| ()).unwrap_err().to_string()
}

fn jpeg(name: &str) -> Vec<u8> {
    std::fs::read(resnetc_tests::path("pictures/files").join(name)).unwrap()
}

#[test]
fn a_jpeg_whose_first_component_is_narrower_than_another_is_refused() {
    for (name, frame, components) in
        [("444.jpg", 0xc0, 3), ("444_progressive.jpg", 0xc2, 3), ("cmyk.jpg", 0xc0, 4)]
    {
        let whole = jpeg(name);
        let frame = at(&whole, frame);
        for (component, sampling) in (1..components).flat_map(|c| [0x21, 0x22, 0x41].map(|s| (c, s))) {
            let mut file = whole.clone();
            file[frame + 11 + 3 * component] = sampling;
            let hidden = [&file[..2], &[0xff, 0xd0, 0, 6, 0xff, 0xda, 0, 2], &file[2..]].concat();
            for file in [file, hidden] {
                assert!(refusal(&file).contains("fewer columns"), "{name}: {}", refusal(&file));
            }
        }
    }
}

#[test]
fn a_jpeg_whose_rows_do_not_divide_is_refused() {
    let mut file = jpeg("444.jpg");
    let frame = at(&file, 0xc0);
    for (component, sampling) in [0x13, 0x12, 0x11].into_iter().enumerate() {
        file[frame + 11 + 3 * component] = sampling;
    }
    assert!(refusal(&file).contains("no whole part"), "{}", refusal(&file));
}

#[test]
fn a_sequential_jpeg_of_several_scans_is_refused() {
    let mut file = jpeg("420.jpg");
    let scan = at(&file, 0xda);
    file[scan + 4] = 1;
    assert!(refusal(&file).contains("several scans"), "{}", refusal(&file));
}

#[test]
fn a_jpeg_of_two_components_is_refused() {
    let mut file = jpeg("444.jpg");
    let (frame, scan) = (at(&file, 0xc0), at(&file, 0xda));
    // Shorter by one component: from behind, so that places stay.
    file[scan + 3] -= 2;
    file[scan + 4] = 2;
    file.drain(scan + 9..scan + 11);
    file[frame + 3] -= 3;
    file[frame + 9] = 2;
    file.drain(frame + 16..frame + 19);
    assert!(refusal(&file).contains("2 components"), "{}", refusal(&file));
}

#[test]
fn an_adobe_marker_says_rgb_whatever_the_components_are_called() {
    let whole = jpeg("stored_as_rgb.jpg");
    let expected = decode(&whole).unwrap();
    let (frame, scan) = (at(&whole, 0xc0), at(&whole, 0xda));
    let mut file = whole;
    for component in 0..3 {
        file[frame + 10 + 3 * component] = component as u8 + 1;
        file[scan + 5 + 2 * component] = component as u8 + 1;
    }
    assert_eq!(decode(&file).unwrap().samples(), expected.samples());
}
