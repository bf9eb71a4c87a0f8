//! Attacks in the form of .safetensors.

use super::build::{floats, safetensors};
use super::{read, refuse, refuse_all_prefixes, survive_changes};

const ENTRY: &str = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;

fn header(entries: &[&str]) -> String {
    format!("{{{}}}", entries.join(","))
}

fn honest() -> Vec<u8> {
    let second = r#""b":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}"#;
    safetensors(&header(&[r#""__metadata__":{"format":"pt"}"#, ENTRY, second]), &floats(3))
}

#[test]
fn an_honest_file_is_read() {
    let checkpoint = read(&honest()).unwrap();
    assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(checkpoint.shape("b"), Some(&[1, 1][..]));
}

#[test]
fn cut_files_are_refused() {
    refuse_all_prefixes(&honest());
}

#[test]
fn changed_bytes_do_no_harm() {
    survive_changes(&honest());
}

#[test]
fn absurd_header_lengths_are_refused() {
    for length in [u64::MAX, i64::MAX as u64, 100_000_001, 1 << 40] {
        refuse(&[&length.to_le_bytes()[..], b"{}"].concat(), "header too large");
    }
    refuse(&[&3_u64.to_le_bytes()[..], b"{}"].concat(), "invalid header length");
}

#[test]
fn headers_that_are_no_json_are_refused() {
    for text in ["{", "{\"a\"", "{nonsense}", "{\"a\":1}", "{\"a\":\"b\"}", "{}}", "{\"a\":{}}", "{\"\\"] {
        refuse(&safetensors(text, b""), "safetensors header");
    }
    refuse(&[&3_u64.to_le_bytes()[..], b"{\xff}"].concat(), "UTF-8");
}

#[test]
fn offsets_beyond_the_file_are_refused() {
    refuse(&safetensors(&header(&[ENTRY]), &floats(1)), "safetensors header");
    let beyond =
        r#""a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}"#;
    refuse(&safetensors(&header(&[beyond]), &floats(1)), "overflow");
}

#[test]
fn holes_overlaps_and_left_over_data_are_refused() {
    let later = r#""b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}"#;
    refuse(&safetensors(&header(&[ENTRY, later]), &floats(4)), "invalid offset for tensor `b`");
    let earlier = r#""b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#;
    refuse(&safetensors(&header(&[ENTRY, earlier]), &floats(2)), "invalid offset for tensor `b`");
    let backwards = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#;
    refuse(&safetensors(&header(&[backwards]), &floats(2)), "invalid offset for tensor `a`");
    refuse(&safetensors(&header(&[ENTRY]), &floats(3)), "safetensors header");
}

#[test]
fn a_name_that_occurs_twice_is_refused_even_in_disguise() {
    refuse(&safetensors(&header(&[ENTRY, ENTRY]), &floats(2)), "written twice");
    let disguised = ENTRY.replace("\"a\"", "\"\\u0061\"");
    refuse(&safetensors(&header(&[ENTRY, &disguised]), &floats(2)), "written twice");
    let empty = r#""e":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}"#;
    refuse(&safetensors(&header(&[ENTRY, empty, empty]), &floats(2)), "written twice");
}

#[test]
fn shapes_that_contradict_the_offsets_or_overflow_are_refused() {
    let large = r#""a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#;
    refuse(&safetensors(&header(&[large]), &floats(2)), "safetensors header");
    let product = r#""a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}"#;
    refuse(&safetensors(&header(&[product]), &floats(2)), "overflow");
    let negative = r#""a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#;
    refuse(&safetensors(&header(&[negative]), &floats(2)), "safetensors header");
    let rank = r#""a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}"#;
    refuse(&safetensors(&header(&[rank]), &floats(2)), "has rank 9");
}

#[test]
fn an_unknown_type_is_named() {
    refuse(&safetensors(&header(&[&ENTRY.replace("F32", "F31")]), &floats(2)), "F31");
}

#[test]
fn deep_and_long_headers_are_refused_before_they_are_parsed() {
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    refuse(&safetensors(&deep, b""), "nested deeper");
    let long = format!(r#"{{"a":{{"dtype":"F32","shape":[{}1]}}}}"#, "1,".repeat(100_000));
    refuse(&safetensors(&long, b""), "values in an entry");
}

#[test]
fn too_many_tensors_are_refused() {
    let entries: Vec<String> = (0..100_002).map(|i| format!("\"{i}\":{{}}")).collect();
    refuse(&safetensors(&format!("{{{}}}", entries.join(",")), b""), "more than 100000 tensors");
}

#[test]
fn names_that_would_forge_a_message_are_escaped() {
    let forged = r#""\n\u001b[2Jerror: all is well":{"dtype":"F32","shape":[2],"data_offsets":[4,8]}"#;
    refuse(&safetensors(&header(&[forged]), &floats(2)), "invalid offset");
    let long = ENTRY.replace("\"a\"", &format!("\"{}\"", "n".repeat(5000)));
    refuse(&safetensors(&header(&[&long]), &floats(2)), "bytes in a tensor's name");
}
