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
