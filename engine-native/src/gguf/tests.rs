//! Headers at the limits and one beyond them, and cut short at every byte. Small enough for an interpreter;
//! `xtask/tests/hostile.rs` has whole models.

use super::{Gguf, GgufError, caps};

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

    /// Parsed as the start of a file that is long enough.
    fn edited(edit: impl FnOnce(&mut Self)) -> Result<Gguf, GgufError> {
        let mut header = small();
        edit(&mut header);
        header.parse(1 << 40)
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
    assert_eq!(tensor.bytes, data_start..file_len);
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
fn arrays_nest_to_a_depth() {
    let array = |element_type: u32, len: u64, elements: &[u8]| {
        [
            &element_type.to_le_bytes(),
            &len.to_le_bytes()[..],
            elements,
        ]
        .concat()
    };
    let nested = |depth: u32| {
        let value = (1..depth).fold(array(0, 1, &[7]), |inner, _| array(9, 1, &inner));
        Header::edited(|h| (h.key, h.value) = (b"nested".into(), (9, value)))
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
        let one = vec![1; *width];
        let array = [
            &(type_id as u32).to_le_bytes(),
            &1u64.to_le_bytes()[..],
            &one,
        ]
        .concat();
        for value in [(type_id as u32, one), (9, array)] {
            let parsed = Header::edited(|h| (h.key, h.value) = (b"key".into(), value));
            assert_eq!(parsed.unwrap().tensors[0].name, "norm", "type {type_id}");
        }
    }
}
