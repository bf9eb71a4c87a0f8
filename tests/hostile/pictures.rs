//! Pictures that claim more than they have.

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

#[test]
fn a_jpeg_whose_first_component_is_narrower_than_another_is_refused() {
    let whole = std::fs::read(resnetc_tests::path("pictures/files/444.jpg")).unwrap();
    let frame = whole.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    for component in [1, 2] {
        for sampling in [0x21, 0x22, 0x41] {
            let mut file = whole.clone();
            file[frame + 11 + 3 * component] = sampling;
            let error = decode(&file).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("fewer columns"), "{error}");
        }
    }
}
