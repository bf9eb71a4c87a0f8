//! Attacks in the pickle of a PyTorch checkpoint.

use super::build::{HONEST, Pickle, Tensor, floats, one_tensor, pytorch};
use super::{read, refuse};

fn refuse_pickle(pickle: Pickle, what: &str) {
    refuse(&pytorch(pickle, &floats(6)), what);
}

#[test]
fn python_objects_outside_of_the_list_are_refused_by_name() {
    let names = [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "exec"),
        ("builtins", "getattr"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch.jit", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        ("torch.nn.modules.container", "Sequential"),
    ];
    for (module, name) in names {
        let call = Pickle::new().global(module, name).text("touch /tmp/owned").raw(b"\x85R");
        refuse_pickle(call, &format!("`{module}.{name}`, which is refused"));
        let stacked = Pickle::new().text(module).text(name).raw(b"\x93");
        refuse_pickle(stacked, &format!("`{module}.{name}`, which is refused"));
    }
}

#[test]
fn a_name_hidden_in_a_dict_beside_honest_tensors_is_refused() {
    let hidden = Pickle::new().state_dict(&[("w", HONEST)]).text("hook").global("os", "system").raw(b"s");
    refuse_pickle(hidden, "`os.system`");
}

#[test]
fn opcodes_that_make_objects_by_other_ways_are_refused() {
    let opcodes: [&[u8]; 9] = [
        b"ios\nsystem\n",
        b"(o",
        b"\x82\x01",
        b"\x83\x01\0",
        b"\x84\x01\0\0\0",
        b"P1\n",
        b"\x92",
        b"\x97",
        b"\xff",
    ];
    for opcode in opcodes {
        refuse_pickle(Pickle::new().raw(opcode), "is not one that a state dict needs");
    }
}

#[test]
fn calls_of_what_is_no_function_are_refused() {
    refuse_pickle(Pickle::new().text("eval").raw(b")R"), "calls what cannot be called");
    refuse_pickle(Pickle::new().global("torch", "FloatStorage").raw(b")R"), "a storage lies in the pickle");
    refuse_pickle(Pickle::new().global("torch._utils", "_rebuild_tensor_v2").raw(b"NR"), "without a tuple");
    refuse_pickle(Pickle::new().global("torch._utils", "_rebuild_tensor_v2").raw(b")R"), "0 arguments");
    refuse_pickle(Pickle::new().global("torch._utils", "_rebuild_parameter").raw(b"N\x85R"), "is no tensor");
    refuse_pickle(Pickle::new().text("x").raw(b"}b"), "sets attributes of what has none");
}

#[test]
fn protocols_that_do_not_exist_are_refused() {
    for protocol in [0, 1, 6, 255] {
        refuse_pickle(Pickle(vec![0x80, protocol]).raw(b"N"), &format!("protocol {protocol} is not read"));
    }
}

#[test]
fn an_empty_stack_is_an_error() {
    for opcodes in [&b"0"[..], b"2", b"R", b"s", b"a", b"b", b"Q", b"\x85", b"q\0", b"\x94", b"(s", b"(0."] {
        refuse_pickle(Pickle::new().raw(opcodes), "empty stack");
    }
    for opcodes in [&b"t"[..], b"e", b"u", b"1", b"N)e"] {
        refuse_pickle(Pickle::new().raw(opcodes), "mark that was not made");
    }
    refuse_pickle(Pickle::new().raw(b"}(Nu"), "a key without a value");
    refuse_pickle(Pickle::new().raw(b"NNa"), "appends to what is no list");
    refuse_pickle(Pickle::new().raw(b"NNNs"), "what is no dict");
    refuse_pickle(Pickle::new().raw(b"h\x07"), "memo 7 was not set");
}

#[test]
fn lengths_beyond_the_pickle_are_cut() {
    let lengths: [&[u8]; 6] = [
        b"X\xff\xff\xff\xff",
        b"T\xff\xff\xff\xff",
        b"B\xff\xff\xff\x7f",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x8c\xff",
    ];
    for length in lengths {
        refuse_pickle(Pickle::new().raw(length), "ends inside");
    }
}

#[test]
fn long_integers_and_names_are_refused() {
    refuse_pickle(Pickle::new().raw(b"\x8b\xff\xff\xff\x7f"), "bytes in an integer");
    refuse_pickle(Pickle::new().raw(b"\x8b\xff\xff\xff\xff"), "bytes in an integer");
    refuse_pickle(Pickle::new().raw(b"c").raw(&[b'a'; 5000]), "bytes in a name of a Python object");
    refuse_pickle(Pickle::new().global("m\u{1b}[2J", "\u{202e}"), "which is refused");
}

#[test]
fn nested_tuples_take_no_recursion() {
    let deep = Pickle::new().raw(b"N").raw(&b"\x85".repeat(500_000));
    refuse_pickle(deep, "has no dict of tensors");
    let marks = Pickle::new().raw(&b"(".repeat(500_000));
    refuse_pickle(marks, "levels of nesting");
}

#[test]
fn a_billion_laughs_take_little_memory() {
    let doubled = Pickle::new().raw(b"N").raw(&b"2\x86".repeat(400_000));
    refuse_pickle(doubled, "has no dict of tensors");
    let memo = Pickle::new().raw(b"]q\0").raw(&b"h\0h\0h\0\x87q\0".repeat(100_000));
    refuse_pickle(memo, "has no dict of tensors");
}

#[test]
fn lists_copied_into_dicts_are_bounded() {
    let pairs = Pickle::new().raw(b"NN\x86q\0").raw(b"](").raw(&b"h\0".repeat(10_000)).raw(b"e\x85q\x01");
    let copies = pairs.global("collections", "OrderedDict").raw(b"q\x02").raw(&b"h\x02h\x01R".repeat(10_000));
    refuse_pickle(copies, "too many pairs");
}

#[test]
fn endless_opcodes_stack_and_memo_are_bounded() {
    refuse_pickle(Pickle::new().raw(&b"N0".repeat(1_000_001)), "opcodes in its pickle");
    refuse_pickle(Pickle::new().raw(&b"N".repeat(1_000_001)), "values on its pickle's stack");
    refuse_pickle(Pickle::new().raw(b"N").raw(&b"\x94".repeat(1_000_001)), "entries in its pickle's memo");
}

#[test]
fn a_memo_index_allocates_nothing_by_itself() {
    refuse_pickle(Pickle::new().raw(b"Nr\xff\xff\xff\xff"), "has no dict of tensors");
}

#[test]
fn a_dict_that_holds_itself_ends() {
    let cycle = Pickle::new().raw(b"}q\0").text("state_dict").raw(b"h\0s").text("model").raw(b"h\0s");
    refuse_pickle(cycle, "has no dict of tensors; at its top are `state_dict`, `model`");
}

#[test]
fn keys_that_take_more_when_they_are_printed_are_told_shortly() {
    let key = "\u{1}".repeat(500);
    let dict = (0..9).fold(Pickle::new().raw(b"}"), |pickle, _| pickle.text(&key).raw(b"Ns"));
    refuse_pickle(dict, "has no dict of tensors; at its top are `\\u{1}");
}

#[test]
fn many_keys_for_one_large_dict_take_no_quadratic_time() {
    let inner = Pickle::new().raw(b"}(").raw(&b"NN".repeat(100_000)).raw(b"uq\0").text("k").raw(b"q\x01");
    refuse_pickle(inner.raw(b"}(").raw(&b"h\x01h\0".repeat(100_000)).raw(b"u"), "has no dict of tensors");
}

#[test]
fn storages_that_are_none_are_refused() {
    refuse_pickle(Pickle::new().raw(b"NQ"), "a persistent id is no tuple");
    refuse_pickle(Pickle::new().raw(b"(tQ"), "a persistent id has 0 elements");
    refuse_pickle(Pickle::new().raw(b"(").text("module").raw(b"NNNNtQ"), "a persistent id is a `module`");
    refuse_pickle(Pickle::new().raw(b"(").text("storage").raw(b"NNNNtQ"), "a storage's type is no type");
    let typed = Pickle::new().raw(b"(").text("storage").global("torch", "Size").raw(b"NNNtQ");
    refuse_pickle(typed, "a storage's type is Size");
    refuse_pickle(Pickle::new().storage("QInt8Storage", "0", 6, b""), "`torch.QInt8Storage`");
    refuse_pickle(Pickle::new().storage("FloatStorage", &"k".repeat(300), 6, b""), "key has 300 bytes");
    refuse_pickle(Pickle::new().storage("FloatStorage", "0", -1, b""), "a storage's length is -1");
    let twice = Pickle::new().storage("FloatStorage", "0", 6, b"").storage("DoubleStorage", "0", 3, b"");
    refuse_pickle(twice, "storage `0` is of two kinds");
    refuse_pickle(Pickle::new().state_dict(&[("w", Tensor { key: "../0", ..HONEST })]), "has no member");
}

#[test]
fn tensors_beyond_their_storage_are_refused() {
    let cases: [(i64, &[i64], &[i64]); 9] = [
        (1, &[2, 3], &[3, 1]),
        (0, &[2, 4], &[4, 1]),
        (0, &[2, 3], &[4, 1]),
        (6, &[1], &[1]),
        (7, &[0], &[1]),
        (i64::MAX, &[2], &[1]),
        (0, &[2], &[i64::MAX]),
        (0, &[3, 2], &[i64::MAX, i64::MAX]),
        (6, &[4], &[0]),
    ];
    for (offset, shape, strides) in cases {
        refuse(&one_tensor(Tensor { offset, shape, strides, ..HONEST }), "exceeds its storage of 6");
    }
}

#[test]
fn negative_and_huge_sizes_strides_and_offsets_are_refused() {
    refuse(&one_tensor(Tensor { offset: -1, ..HONEST }), "a tensor's offset is -1");
    refuse(&one_tensor(Tensor { shape: &[-2, -3], ..HONEST }), "a tensor's size is -2");
    refuse(&one_tensor(Tensor { strides: &[3, -1], ..HONEST }), "a tensor's stride is -1");
    refuse(&one_tensor(Tensor { shape: &[i64::MAX, 4], strides: &[0, 0], ..HONEST }), "is too large");
    refuse(
        &one_tensor(Tensor { shape: &[0, i64::MAX, i64::MAX], strides: &[1; 3], ..HONEST }),
        "is too large",
    );
    refuse(&one_tensor(Tensor { shape: &[1; 9], strides: &[1; 9], ..HONEST }), "has rank 9");
    refuse(&one_tensor(Tensor { strides: &[1], ..HONEST }), "has strides [1]");
}

#[test]
fn one_element_repeated_without_end_is_refused() {
    let expanded = Tensor { shape: &[1 << 40], strides: &[0], ..HONEST };
    refuse(&one_tensor(expanded), "in a file of");
    let little = Tensor { shape: &[10], strides: &[0], ..HONEST };
    assert!(read(&one_tensor(little)).is_ok());
    let shared: Vec<String> = (0..100).map(|i| format!("w{i}")).collect();
    let tensor = Tensor { shape: &[1000], ..little };
    let many: Vec<(&str, Tensor<'_>)> = shared.iter().map(|name| (&**name, tensor)).collect();
    refuse_pickle(Pickle::new().state_dict(&many), "in a file of");
}

#[test]
fn a_tensor_name_that_occurs_twice_is_refused() {
    refuse_pickle(Pickle::new().state_dict(&[("w", HONEST), ("w", HONEST)]), "tensor `w`: occurs twice");
}

#[test]
fn objects_without_tensors_are_refused_with_their_keys() {
    refuse_pickle(Pickle::new().raw(b"N"), "there is no dict");
    refuse_pickle(Pickle::new().raw(b"}").text("epoch").raw(b"K\x05s"), "at its top are `epoch`");
    refuse_pickle(Pickle::new().tensor(&HONEST), "there is no dict");
}
