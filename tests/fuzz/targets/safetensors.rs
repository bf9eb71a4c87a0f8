//! A `.safetensors` file.
//!
//! Bytes that begin with `{` are a header, up to the last `}`, with values behind it, and get the length in front that
//! the header has. All others are a file as they are.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = match data.iter().rposition(|&byte| byte == b'}') {
        Some(end) if data[0] == b'{' => [&(end as u64 + 1).to_le_bytes(), data].concat(),
        _ => data.to_vec(),
    };
    if let Some(checkpoint) = resnetc_fuzz::read_checkpoint(&bytes) {
        resnetc_fuzz::use_checkpoint(&checkpoint, bytes.len());
    }
});
