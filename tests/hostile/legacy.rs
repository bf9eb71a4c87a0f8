//! Attacks in the older form of a PyTorch checkpoint: a row of pickles, then the storages.

use super::build::{HONEST, Pickle, Tensor, floats, legacy, legacy_head, legacy_tail};
use super::values::values_of;
use super::{read, refuse, refuse_all_prefixes, survive_changes};

/// A persistent id has a sixth element in this form; here, none.
const WHOLE: Tensor<'static> = Tensor { part: b"N", ..HONEST };

fn object() -> Pickle {
    Pickle::new().state_dict(&[("w", WHOLE)])
}

fn honest() -> Vec<u8> {
    legacy(object(), &[("0", 6, &floats(6))])
}

#[test]
fn an_honest_file_is_read() {
    let checkpoint = read(&honest()).unwrap();
    assert_eq!(values_of(&checkpoint, "w").unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn a_part_of_a_storage_is_read_from_where_it_begins() {
    let part = Pickle::default().text("part").int(2).int(3).raw(b"\x87").0;
    let view = Tensor { part: &part, offset: 1, shape: &[2], strides: &[1], ..HONEST };
    let file = legacy(Pickle::new().state_dict(&[("w", view)]), &[("0", 6, &floats(6))]);
    assert_eq!(values_of(&read(&file).unwrap(), "w").unwrap(), [3.0, 4.0]);
    let beyond = Tensor { offset: 2, ..view };
    let file = legacy(Pickle::new().state_dict(&[("w", beyond)]), &[("0", 6, &floats(6))]);
    refuse(&file, "exceeds its storage of 3");
}

#[test]
fn parts_beyond_their_storage_are_refused() {
    for (start, len) in [(4, 3), (i64::MAX, i64::MAX), (-1, 2), (0, -1)] {
        let part = Pickle::default().text("part").int(start).int(len).raw(b"\x87").0;
        let file = Pickle::new().state_dict(&[("w", Tensor { part: &part, ..HONEST })]);
        refuse(&legacy(file, &[("0", 6, &floats(6))]), "storage");
    }
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
fn a_wrong_magic_number_version_or_byte_order_is_refused() {
    let [magic, version, machine, object] = legacy_head(object());
    let tail = legacy_tail(&[("0", 6, &floats(6))]);
    let file = |parts: [&[u8]; 4]| [&parts.concat()[..], &tail].concat();
    let other = Pickle::new().raw(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x18").end();
    refuse(&file([&other, &version, &machine, &object]), "not one of PyTorch's");
    refuse(&file([&object, &version, &machine, &object]), "not one of PyTorch's");
    refuse(&file([&magic, &Pickle::new().int(1002).end(), &machine, &object]), "the version is not 1001");
    let big = Pickle::new().raw(b"}(").text("little_endian").raw(b"\x89u").end();
    refuse(&file([&magic, &version, &big, &object]), "big-endian");
    refuse(&file([&magic, &version, &version, &object]), "the facts of the machine are no dict");
}

#[test]
fn storage_lengths_that_lie_are_refused() {
    refuse(&legacy(object(), &[("0", 7, &floats(7))]), "has 7 elements in place of 6");
    refuse(&legacy(object(), &[("0", -1, &floats(6))]), "in place of 6");
    let huge = Tensor { len: i64::MAX, ..WHOLE };
    let file = legacy(Pickle::new().state_dict(&[("w", huge)]), &[("0", i64::MAX, &floats(6))]);
    refuse(&file, "ends inside a storage");
    let large = Tensor { len: 1 << 40, ..WHOLE };
    let file = legacy(Pickle::new().state_dict(&[("w", large)]), &[("0", 1 << 40, &floats(6))]);
    refuse(&file, "ends inside a storage");
}

#[test]
fn storages_must_be_those_of_the_pickle_each_once() {
    let data = floats(6);
    refuse(&legacy(object(), &[]), "storage `0` is missing");
    refuse(&legacy(object(), &[("1", 6, &data)]), "storage `1` is unknown");
    refuse(&legacy(object(), &[("0", 6, &data), ("0", 6, &data)]), "twice");
    let keys = Pickle::new().raw(b"](Ne").end();
    refuse(&[legacy_head(object()).concat(), keys].concat(), "a storage's key is no text");
    refuse(&[legacy_head(object()).concat(), Pickle::new().raw(b"N").end()].concat(), "are no list");
}

#[test]
fn names_of_python_objects_are_refused_in_every_pickle_of_the_row() {
    let attack = Pickle::new().global("os", "system").text("id").raw(b"\x85R").end();
    let parts = legacy_head(object());
    for at in 0..5 {
        let file = [parts[..at].concat(), attack.clone(), parts[at..].concat()].concat();
        refuse(&file, "`os.system`, which is refused");
    }
}
