//! Builders for files, honest if used honestly: .safetensors, pickles, zip archives, and the two forms
//! of PyTorch checkpoints made of them.

/// A .safetensors file of this header and data.
pub(crate) fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// Opcodes of a pickle, in the order of the calls.
#[derive(Clone, Default)]
pub(crate) struct Pickle(pub Vec<u8>);

impl Pickle {
    /// Begins a pickle of protocol 2.
    pub(crate) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// Opcodes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A name of a Python object.
    pub(crate) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// A string.
    pub(crate) fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    /// An integer of eight bytes.
    pub(crate) fn int(self, int: i64) -> Self {
        self.raw(&[0x8a, 8]).raw(&int.to_le_bytes())
    }

    /// A tuple of integers.
    pub(crate) fn ints(self, ints: &[i64]) -> Self {
        ints.iter().fold(self.raw(b"("), |pickle, &int| pickle.int(int)).raw(b"t")
    }

    /// The persistent id of a storage, and the storage.
    pub(crate) fn storage(self, kind: &str, key: &str, len: i64, part: &[u8]) -> Self {
        let id = self.raw(b"(").text("storage").global("torch", kind).text(key).text("cpu").int(len);
        id.raw(part).raw(b"tQ")
    }

    /// A tensor over a storage of float32.
    pub(crate) fn tensor(self, tensor: &Tensor<'_>) -> Self {
        let call = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
        let call = call.storage(tensor.kind, tensor.key, tensor.len, tensor.part).int(tensor.offset);
        let call = call.ints(tensor.shape).ints(tensor.strides).raw(b"\x89");
        call.global("collections", "OrderedDict").raw(b")RtR")
    }

    /// A dict of tensors.
    pub(crate) fn state_dict(self, tensors: &[(&str, Tensor<'_>)]) -> Self {
        let dict = self.raw(b"}(");
        tensors.iter().fold(dict, |dict, (name, tensor)| dict.text(name).tensor(tensor)).raw(b"u")
    }

    /// Ends the pickle.
    pub(crate) fn end(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// A tensor as a pickle describes it.
#[derive(Clone, Copy)]
pub(crate) struct Tensor<'a> {
    pub kind: &'a str,
    pub key: &'a str,
    pub len: i64,
    /// Opcodes of the persistent id's sixth element; none in an archive.
    pub part: &'a [u8],
    pub offset: i64,
    pub shape: &'a [i64],
    pub strides: &'a [i64],
}

/// Two by three, all of a storage `0` of six float32.
pub(crate) const HONEST: Tensor<'static> =
    Tensor { kind: "FloatStorage", key: "0", len: 6, part: b"", offset: 0, shape: &[2, 3], strides: &[3, 1] };

/// A member of a zip archive; everything that is said of it can be changed.
#[derive(Clone)]
pub(crate) struct Member {
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    /// Sizes in the central directory: in the archive, and unpacked.
    pub sizes: [u32; 2],
    /// Added to the offset of its header, modulo 2^32.
    pub shift: u32,
    /// Extra field in the central directory.
    pub extra: Vec<u8>,
    /// The name in its own header, if another.
    pub local_name: Option<Vec<u8>>,
}

impl Member {
    /// A stored member.
    pub(crate) fn new(name: &str, data: &[u8]) -> Self {
        let size = data.len() as u32;
        Self {
            name: name.into(),
            data: data.into(),
            flags: 0,
            method: 0,
            sizes: [size, size],
            shift: 0,
            extra: Vec::new(),
            local_name: None,
        }
    }
}

/// What an archive says of its central directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    pub count: u64,
    pub size: u64,
    pub start: u64,
}

/// A zip archive.
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    zip_with(members, false, |_| {})
}

/// A zip archive, perhaps with a zip64 end record, whose end record is changed before it is written.
pub(crate) fn zip_with(members: &[Member], wide: bool, change: impl FnOnce(&mut Directory)) -> Vec<u8> {
    let (mut file, mut central) = (Vec::new(), Vec::new());
    for member in members {
        let offset = (file.len() as u32).wrapping_add(member.shift);
        let local_name = member.local_name.as_ref().unwrap_or(&member.name);
        file.extend(b"PK\x03\x04\0\0");
        file.extend([member.flags, member.method, 0, 0].map(u16::to_le_bytes).concat());
        file.extend([0, member.data.len() as u32, member.data.len() as u32].map(u32::to_le_bytes).concat());
        file.extend([local_name.len() as u16, 0].map(u16::to_le_bytes).concat());
        file.extend([&local_name[..], &member.data].concat());

        central.extend(b"PK\x01\x02\0\0\0\0");
        central.extend([member.flags, member.method, 0, 0].map(u16::to_le_bytes).concat());
        central.extend([0, member.sizes[0], member.sizes[1]].map(u32::to_le_bytes).concat());
        let lengths = [member.name.len() as u16, member.extra.len() as u16, 0, 0, 0];
        central.extend(lengths.map(u16::to_le_bytes).concat());
        central.extend([0, offset].map(u32::to_le_bytes).concat());
        central.extend([&member.name[..], &member.extra].concat());
    }
    let (count, size, start) = (members.len() as u64, central.len() as u64, file.len() as u64);
    let mut directory = Directory { count, size, start };
    change(&mut directory);
    file.extend(central);
    let end64 = file.len() as u64;
    if wide {
        file.extend(b"PK\x06\x06");
        file.extend([&44_u64.to_le_bytes()[..], &[0; 12]].concat());
        let Directory { count, size, start } = directory;
        file.extend([count, count, size, start].map(u64::to_le_bytes).concat());
        file.extend(b"PK\x06\x07\0\0\0\0");
        file.extend([&end64.to_le_bytes()[..], &1_u32.to_le_bytes()].concat());
        directory = Directory { count: 0xffff, size: 0xffff_ffff, start: 0xffff_ffff };
    }
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([directory.count as u16; 2].map(u16::to_le_bytes).concat());
    file.extend([directory.size as u32, directory.start as u32].map(u32::to_le_bytes).concat());
    file.extend([0, 0]);
    file
}

/// Little-endian float32: 0, 1, 2, ...
pub(crate) fn floats(count: usize) -> Vec<u8> {
    (0..count).flat_map(|i| (i as f32).to_le_bytes()).collect()
}

/// The members of a PyTorch checkpoint with one storage.
pub(crate) fn members(pickle: Pickle, storage: &[u8]) -> [Member; 3] {
    [
        Member::new("archive/data.pkl", &pickle.end()),
        Member::new("archive/byteorder", b"little"),
        Member::new("archive/data/0", storage),
    ]
}

/// A PyTorch checkpoint in the archive form with one storage.
pub(crate) fn pytorch(pickle: Pickle, storage: &[u8]) -> Vec<u8> {
    zip(&members(pickle, storage))
}

/// A PyTorch checkpoint of one tensor `w`, with a storage of six float32.
pub(crate) fn one_tensor(tensor: Tensor<'_>) -> Vec<u8> {
    pytorch(Pickle::new().state_dict(&[("w", tensor)]), &floats(6))
}

/// The four pickles before the keys of a PyTorch checkpoint in the older form, in order.
pub(crate) fn legacy_head(object: Pickle) -> [Vec<u8>; 4] {
    let magic = Pickle::new().raw(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19").end();
    let version = Pickle::new().raw(b"M\xe9\x03").end();
    let machine = Pickle::new().raw(b"}(").text("little_endian").raw(b"\x88u").end();
    [magic, version, machine, object.end()]
}

/// The keys of the storages, and the storages: key, number of elements, bytes.
pub(crate) fn legacy_tail(storages: &[(&str, i64, &[u8])]) -> Vec<u8> {
    let keys = storages.iter().fold(Pickle::new().raw(b"]("), |keys, storage| keys.text(storage.0));
    let data = storages.iter().flat_map(|(_, len, bytes)| [&len.to_le_bytes()[..], bytes].concat());
    [keys.raw(b"e").end(), data.collect()].concat()
}

/// A PyTorch checkpoint in the older form.
pub(crate) fn legacy(object: Pickle, storages: &[(&str, i64, &[u8])]) -> Vec<u8> {
    [legacy_head(object).concat(), legacy_tail(storages)].concat()
}
