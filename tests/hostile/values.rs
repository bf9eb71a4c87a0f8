//! Values that cannot be weights, and joins of files that do not fit.

use resnetc::weights::{Checkpoint, Wanted, WeightsError, join};

use resnetc::{Algorithms, Options, Spec, compile_values, graph};

use super::build::{HONEST, Pickle, Tensor, pytorch, safetensors};
use super::memory::BEYOND;
use super::{allocations, read};

/// Bytes of memory from a file to packed weights for each byte of it, where channels fill their panels.
const COMPILED_PER_BYTE: usize = 32;

fn want(name: &str, shape: &[usize]) -> Wanted {
    Wanted { name: name.into(), shape: shape.into(), optional: false }
}

/// Joins all of a file's tensors, under their own names.
pub(crate) fn join_all(checkpoint: &Checkpoint) -> Result<Vec<Vec<f32>>, WeightsError> {
    let wanted = checkpoint.names().map(|name| want(name, checkpoint.shape(name).unwrap()));
    join(&wanted.collect::<Vec<_>>(), checkpoint, &[])
}

/// The values of the only tensor of a file.
pub(crate) fn values_of(checkpoint: &Checkpoint, name: &str) -> Result<Vec<f32>, WeightsError> {
    let shape = checkpoint.shape(name).unwrap();
    Ok(join(&[want(name, shape)], checkpoint, &[])?.remove(0))
}

fn value_error(file: &[u8]) -> String {
    values_of(&read(file).unwrap(), "w").unwrap_err().to_string()
}

fn single(dtype: &str, bytes: &[u8]) -> Vec<u8> {
    let (count, end) = (bytes.len() / 4, bytes.len());
    let header = format!(r#"{{"w":{{"dtype":"{dtype}","shape":[{count}],"data_offsets":[0,{end}]}}}}"#);
    safetensors(&header, bytes)
}

#[test]
fn what_is_not_finite_is_an_error_that_names_the_tensor() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let message = value_error(&single("F32", &[1.0, value].map(f32::to_le_bytes).concat()));
        assert!(message.contains("tensor `w`: element 1 is"), "{message}");
    }
    let double = Tensor { kind: "DoubleStorage", len: 1, shape: &[1], strides: &[1], ..HONEST };
    let message = value_error(&pytorch(Pickle::new().state_dict(&[("w", double)]), &1e39_f64.to_le_bytes()));
    assert!(message.contains("tensor `w`: element 0 is inf as float32"), "{message}");
}

#[test]
fn integers_are_not_weights() {
    let message = value_error(&single("I32", &[0; 8]));
    assert!(message.contains("tensor `w`: is of type integer"), "{message}");
}

#[test]
fn a_file_of_other_tensors_gives_one_short_error() {
    let tensors = (0..5000).map(|i| (format!("{}\n{i}", "x".repeat(900)), vec![1], vec![0.0]));
    let checkpoint = Checkpoint::from_tensors(tensors);
    let wanted: Vec<Wanted> = (0..2000).map(|i| want(&format!("layer1.{i}.conv1.weight"), &[1])).collect();
    let message = join(&wanted, &checkpoint, &[]).unwrap_err().to_string();
    assert!(message.contains("2000 are missing") && message.contains("5000 left over"), "{message}");
    assert!(message.len() < 5000 && message.lines().count() < 30, "{message}");
}

#[test]
fn memory_from_a_file_to_packed_weights_is_bounded_by_the_file() {
    // Half floats take twice the room as singles, and Winograd's weights four times that.
    let text = "model m { input image(64, 14, 14)
        stem { conv 3x3, 64, bias; relu; conv 3x3, 128, bias; relu; conv 1x1, 128, bias } }";
    let network = Spec::from_text("m.resnet", text, None).check(&[]).unwrap().network;
    let wanted = graph::wanted(&network);
    let mut header = Vec::new();
    let mut end = 0;
    for tensor in &wanted {
        let begin = end;
        end += 2 * tensor.shape.iter().product::<usize>();
        let entry = r#""dtype":"F16","shape":"#;
        header.push(format!(
            r#""{}":{{{entry}{:?},"data_offsets":[{begin},{end}]}}"#,
            tensor.name, tensor.shape
        ));
    }
    let file = safetensors(&format!("{{{}}}", header.join(",")), &vec![0x11; end]);
    for algorithms in [Algorithms::default(), Algorithms::Exact] {
        let options = Options { algorithms, ..Options::default() };
        let compile = || {
            let values = join(&wanted, &read(&file).unwrap(), &[]).unwrap();
            compile_values(&network, Some(values), &options).unwrap().weights.unwrap().len()
        };
        let (packed, peak) = allocations::peak(compile);
        println!("{} bytes, packed {packed}, peak {peak}", file.len());
        assert!(peak <= COMPILED_PER_BYTE * file.len() + BEYOND, "{peak} bytes for a file of {}", file.len());
    }
}

#[test]
fn values_that_nothing_wants_are_not_converted() {
    let bytes = vec![0; 4 << 20];
    let mut header = r#"{"w":{"dtype":"F32","shape":[1048576],"data_offsets":[0,4194304]}}"#.to_owned();
    let checkpoint = read(&safetensors(&header, &bytes)).unwrap();
    let (result, peak) = allocations::peak(|| join(&[want("w", &[2])], &checkpoint, &[]));
    assert!(result.is_err() && peak < 64 << 10, "{peak}");
    header.push(' ');
    let (checkpoint, peak) = allocations::peak(|| read(&safetensors(&header, &bytes)));
    assert!(checkpoint.is_ok() && peak < 5 << 20, "{peak}");
}
