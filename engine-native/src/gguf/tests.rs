//! Headers at the limits and one beyond them, and cut short at every byte. Small enough for an interpreter;
//! `xtask/tests/hostile.rs` has whole models.

use super::{Gguf, GgufError, TensorType, Value, caps};

/// The header of a file of one key and one tensor.
#[derive(Clone)]
struct Header {
    key: Vec<u8>,
    /// Type and bytes.
    value: (u32, Vec<u8>),
    name: Vec<u8>,
    dims: Vec<u64>,
    tensor_type: u32,
    offset: u64,
}

const ALIGNMENT: &str = "general.alignment";

/// Two values in F32, right behind the header.
fn small() -> Header {
    Header {
        key: ALIGNMENT.into(),
        value: (4, 8u32.to_le_bytes().into()),
        name: b"norm".into(),
        dims: vec![2],
        tensor_type: 0,
        offset: 0,
    }
}

fn text(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

impl Header {
    fn bytes(&self) -> Vec<u8> {
        let dims = self.dims.iter().flat_map(|dim| dim.to_le_bytes());
        [
            b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec(),
            text(&self.key),
            self.value.0.to_le_bytes().into(),
            self.value.1.clone(),
            text(&self.name),
            (self.dims.len() as u32).to_le_bytes().into(),
            dims.collect(),
            self.tensor_type.to_le_bytes().into(),
            self.offset.to_le_bytes().into(),
        ]
        .concat()
    }

    fn parse(&self, file_len: u64) -> Result<Gguf, GgufError> {
        Gguf::parse_header(&self.bytes(), file_len)
    }

    fn alignment(&self) -> u64 {
        let value = self
            .value
            .1
            .iter()
            .rev()
            .fold(0, |n, &b| n << 8 | u64::from(b));
        match self.key == ALIGNMENT.as_bytes() && value > 0 {
            true => value,
            false => 32,
        }
    }

    /// Parsed as the start of a file that ends with the tensor.
    fn edited(edit: impl FnOnce(&mut Self)) -> Result<Gguf, GgufError> {
        let mut header = small();
        edit(&mut header);
        let n_elements = header
            .dims
            .iter()
            .fold(1u64, |n, &dim| n.saturating_mul(dim));
        let n_bytes = TensorType::from_id(header.tensor_type).n_bytes(n_elements.min(1 << 61));
        let start = (header.bytes().len() as u64).next_multiple_of(header.alignment());
        header.parse(start + n_bytes)
    }
}

#[test]
fn every_prefix_of_a_header_is_refused() {
    let bytes = small().bytes();
    for len in 0..bytes.len() {
        let error = Gguf::parse(&bytes[..len]).expect_err("a part");
        assert!(
            matches!(error, GgufError::Truncated { .. }),
            "{len}: {error}"
        );
    }
}

#[test]
fn a_tensor_ends_with_its_file() {
    let data_start = small().bytes().len().next_multiple_of(8);
    let file_len = data_start + 8;
    let parsed = small().parse(file_len as u64).unwrap();
    let tensor = &parsed.tensors[0];
    assert_eq!(tensor.bytes, data_start as u64..file_len as u64);
    assert_eq!(
        (tensor.n_elements(), tensor.n_cols(), tensor.n_rows()),
        (2, 2, 1)
    );
    assert!(small().parse(file_len as u64 - 1).is_err());
}

#[test]
fn keys_and_names_have_a_length() {
    let key = |n: u64| Header::edited(|h| h.key = vec![b'k'; n as usize]);
    key(caps::KEY_BYTES).unwrap();
    assert!(key(caps::KEY_BYTES + 1).is_err());
    let name = |n: u64| Header::edited(|h| h.name = vec![b'n'; n as usize]);
    name(caps::NAME_BYTES).unwrap();
    assert!(name(caps::NAME_BYTES + 1).is_err());
}

#[test]
fn alignments_are_powers_of_two_in_a_range() {
    let with = |n: u64| Header::edited(|h| h.value = (10, n.to_le_bytes().into()));
    for n in [8, 64, caps::ALIGNMENT] {
        with(n).unwrap();
    }
    for n in [0, 4, 48, 2 * caps::ALIGNMENT] {
        assert!(with(n).is_err(), "{n}");
    }
}

#[test]
fn dimensions_are_few_and_positive() {
    let with = |dims: &[u64]| Header::edited(|h| h.dims = dims.to_vec());
    let parsed = with(&[5, 2, 3, 4]).unwrap();
    let tensor = &parsed.tensors[0];
    assert_eq!(
        (tensor.n_elements(), tensor.n_cols(), tensor.n_rows()),
        (120, 5, 24)
    );
    for dims in [
        &[][..],
        &[2, 1, 1, 1, 1],
        &[0],
        &[2, 0],
        &[1 << 32, 1 << 32],
    ] {
        assert!(with(dims).is_err(), "{dims:?}");
    }
    // Of a type of one byte, or none is known: no number of bytes overflows.
    let huge = |n: u64| Header::edited(|h| (h.dims, h.tensor_type) = (vec![n], 2));
    huge(1 << 61).unwrap();
    assert!(huge((1 << 61) + 1).is_err());
}

#[test]
fn counts_have_a_limit() {
    let with = |at: usize, n: u64| {
        let mut bytes = small().bytes();
        bytes[at..at + 8].copy_from_slice(&n.to_le_bytes());
        Gguf::parse(&bytes).unwrap_err()
    };
    for (at, limit) in [(8, caps::TENSORS), (16, caps::KEYS)] {
        // As many are allowed, but they are not there.
        let missing = with(at, limit);
        assert!(!matches!(missing, GgufError::Limit { .. }), "{missing}");
        let error = with(at, limit + 1);
        assert!(matches!(error, GgufError::Limit { .. }), "{error}");
    }
}

/// An array value: its type, length and elements.
fn array(element_type: u32, len: u64, elements: &[u8]) -> (u32, Vec<u8>) {
    let head = [&element_type.to_le_bytes(), &len.to_le_bytes()[..]].concat();
    (9, [&head, elements].concat())
}

/// The file whose one key is called "key" and has this value.
fn file_with(value: (u32, Vec<u8>)) -> Vec<u8> {
    let mut header = small();
    (header.key, header.value) = (b"key".into(), value);
    let mut file = header.bytes();
    file.resize(file.len().next_multiple_of(32) + 8, 0);
    file
}

fn with_value(value: (u32, Vec<u8>)) -> Result<Gguf, GgufError> {
    Gguf::parse(&file_with(value))
}

#[test]
fn arrays_nest_to_a_depth() {
    let nested = |depth: u32| {
        let inner = array(0, 1, &[7]);
        with_value((1..depth).fold(inner, |(_, inner), _| array(9, 1, &inner)))
    };
    nested(caps::ARRAY_DEPTH).unwrap();
    assert!(nested(caps::ARRAY_DEPTH + 1).is_err());
}

#[test]
fn values_have_the_width_of_their_type() {
    for (type_id, width) in [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8].iter().enumerate() {
        if *width == 0 {
            continue;
        }
        let (type_id, one) = (type_id as u32, vec![1; *width]);
        for value in [(type_id, one.clone()), array(type_id, 1, &one)] {
            let parsed = with_value(value).unwrap();
            assert_eq!(parsed.tensors[0].name, "norm", "type {type_id}");
        }
    }
    for value in [(13, vec![0; 8]), array(13, 1, &[0; 8]), (7, vec![2])] {
        assert!(with_value(value).is_err());
    }
}

#[test]
fn integers_have_the_sign_of_their_type() {
    let bytes = (-2i64).to_le_bytes();
    for (type_id, width, expected) in [
        (0, 1, Value::Unsigned(0xFE)),
        (1, 1, Value::Signed(-2)),
        (2, 2, Value::Unsigned(0xFFFE)),
        (3, 2, Value::Signed(-2)),
        (4, 4, Value::Unsigned(0xFFFF_FFFE)),
        (5, 4, Value::Signed(-2)),
        (10, 8, Value::Unsigned(u64::MAX - 1)),
        (11, 8, Value::Signed(-2)),
    ] {
        let metadata = with_value((type_id, bytes[..width].into()))
            .unwrap()
            .metadata;
        assert_eq!(metadata.get("key"), Some(&expected), "type {type_id}");
    }
}

/// A value is asked for by its type: any other type is an error, and no key is no value.
#[test]
fn keys_are_asked_for_by_type() {
    let of = |type_id, bytes: &[u8]| with_value((type_id, bytes.into())).unwrap().metadata;
    let unsigned = of(4, &7u32.to_le_bytes());
    let real = of(6, &0.5f32.to_le_bytes());
    let string = of(8, &text(b"seven"));
    assert_eq!(unsigned.unsigned("key").unwrap(), Some(7));
    assert_eq!(real.f32("key").unwrap(), Some(0.5));
    assert_eq!(string.string("key").unwrap(), Some("seven"));
    for (bit, expected) in [(0, false), (1, true)] {
        assert_eq!(of(7, &[bit]).bool("key").unwrap(), Some(expected));
    }
    let all: Vec<_> = unsigned.iter().collect();
    assert_eq!(all, [("key", &Value::Unsigned(7))]);
    assert_eq!(real.unsigned("other").unwrap(), None);
    assert_eq!(unsigned.f32("other").unwrap(), None);
    assert_eq!(unsigned.string("other").unwrap(), None);
    assert_eq!(unsigned.bool("other").unwrap(), None);
    for error in [
        unsigned.f32("key").unwrap_err(),
        unsigned.string("key").unwrap_err(),
        unsigned.bool("key").unwrap_err(),
    ] {
        assert!(error.to_string().contains("an unsigned integer"), "{error}");
    }
    assert!(real.unsigned("key").is_err());
}

#[test]
fn arrays_are_read_from_their_file() {
    let read = |value| {
        let file = file_with(value);
        (Gguf::parse(&file).unwrap().metadata, file)
    };
    let (strings, file) = read(array(8, 2, &[text(b"a"), text(b"\xFFb")].concat()));
    let found = strings.strings("key", &file).unwrap().unwrap();
    assert_eq!(found, [&b"a"[..], b"\xFFb"]);
    assert!(strings.f32s("key", &file).is_err());
    let (reals, file) = read(array(6, 2, &[1.5f32, 2.0].map(f32::to_le_bytes).concat()));
    assert_eq!(reals.f32s("key", &file).unwrap().unwrap(), [1.5, 2.0]);
    assert!(reals.i32s("key", &file).is_err() && reals.strings("key", &file).is_err());
    for type_id in [4, 5] {
        let elements = [-3i32, 4].map(i32::to_le_bytes).concat();
        let (integers, file) = read(array(type_id, 2, &elements));
        assert_eq!(integers.i32s("key", &file).unwrap().unwrap(), [-3, 4]);
        assert_eq!(integers.i32s("other", &file).unwrap(), None);
    }
    // More strings than there are bytes for.
    assert!(with_value(array(8, u64::MAX, &text(b"a"))).is_err());
}

#[test]
fn types_have_blocks_and_a_trailer() {
    for (type_id, n, n_bytes) in [
        (0, 3, 12),
        (1, 3, 6),
        (30, 3, 6),
        (8, 64, 68),
        (12, 512, 288),
        (14, 256, 210),
        (34, 256, 54),
        (35, 512, 132),
        (36, 256, 96),
        (42, 4096, 1152),
        (142, 256, 68),
        (143, 128, 28),
        // Nothing is known of it but its name.
        (2, 3, 0),
    ] {
        let parsed = Header::edited(|h| (h.dims, h.tensor_type) = (vec![n], type_id)).unwrap();
        let tensor = &parsed.tensors[0];
        assert_eq!(tensor.n_bytes(), n_bytes as u64, "type {type_id}");
        assert_eq!(parsed.n_parameters(), n);
        let types = [(tensor.tensor_type, n_bytes as u64)];
        assert_eq!(parsed.weight_types(), types);
        let half = Header::edited(|h| (h.dims, h.tensor_type) = (vec![n + 1], type_id));
        assert_eq!(half.is_err(), n > 3, "type {type_id}");
    }
    let names = [36, 2, 99].map(|id| TensorType::from_id(id).to_string());
    assert_eq!(names, ["I2_S", "Q4_0 (type 2)", "type 99"]);
}

/// Parses a file of tensors of one row each (type, elements, offset), whose data section has `end` bytes.
fn file_of(tensors: &[(u32, u64, u64)], end: u64) -> Result<Gguf, GgufError> {
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend(0u64.to_le_bytes());
    for (index, (tensor_type, n, offset)) in tensors.iter().enumerate() {
        out.extend(text(format!("t{index}").as_bytes()));
        out.extend(1u32.to_le_bytes());
        out.extend(n.to_le_bytes());
        out.extend(tensor_type.to_le_bytes());
        out.extend(offset.to_le_bytes());
    }
    let start = out.len().next_multiple_of(32) as u64;
    Gguf::parse_header(&out, start + end)
}

#[test]
fn tensors_follow_one_another() {
    // Two F16 values each: 4 bytes, 28 of padding.
    let two = |second, end| file_of(&[(1, 2, second), (1, 2, 0)], end);
    for end in [36, 37, 64] {
        two(32, end).unwrap();
    }
    for (second, end, rule) in [
        (64, 96, "gap after t1"),
        (0, 32, "overlap t0"),
        (32, 35, "inside the"),
        (32, 65, "1 bytes after t0"),
        (32, 1 << 40, "belong to no tensor"),
    ] {
        let error = two(second, end).unwrap_err().to_string();
        assert!(error.contains(rule), "{error}");
    }
    let error = file_of(&[(1, 2, 32)], 64).unwrap_err().to_string();
    assert!(error.contains("gap after the header"), "{error}");
    // Nothing is known of the size of the first: the model refuses it.
    file_of(&[(2, 32, 0), (1, 2, 1024)], 4096).unwrap();
    file_of(&[], 0).unwrap();
    assert!(file_of(&[], 1).is_err());
}

#[test]
fn the_file_shows_which_q2_0_it_has() {
    let of = |tensors: &[_], end| {
        let parsed = file_of(tensors, end)?;
        let types = parsed.tensors.iter().map(|tensor| tensor.tensor_type);
        Ok::<Vec<_>, GgufError>(types.collect())
    };
    let (g64, g128) = (TensorType::Q2_0, TensorType::Q2_0G128);
    // 2,048 weights: 576 or 544 bytes.
    for (second, expected) in [(576, g64), (544, g128)] {
        let behind = [(0, 8, second), (42, 2048, 0)];
        assert_eq!(of(&behind, second + 32).unwrap()[1], expected);
        let both = [(42, 2048, second), (42, 2048, 0)];
        assert_eq!(of(&both, 2 * second).unwrap(), [expected; 2]);
    }
    // A row that is no multiple of 128 leaves one reading.
    assert_eq!(of(&[(42, 64, 0)], 18).unwrap(), [g64]);
    for (tensors, end, rule) in [
        // 288 bytes, or 272 and their padding.
        (&[(42, 1024, 0)][..], 288, "both layouts fit"),
        // Each tensor by itself would do, but in different layouts.
        (
            &[(42, 2048, 0), (42, 2048, 576)],
            576 + 544,
            "neither layout fits",
        ),
        (&[(42, 2048, 0)], 577, "neither layout fits"),
        (&[(42, 96, 0)], 64, "neither layout fits"),
    ] {
        let error = of(tensors, end).unwrap_err().to_string();
        assert!(error.contains(rule), "{error}");
        assert!(error.contains("64 weights in 18") && error.contains("128 in 34"));
    }
}
