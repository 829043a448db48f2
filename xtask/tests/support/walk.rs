//! An independent look at a GGUF file, for tests of the writer.

use std::collections::HashMap;

/// A tensor info as the file has it.
pub struct Tensor {
    pub name: String,
    pub dims: Vec<u64>,
    pub type_id: u32,
    pub offset: u64,
}

/// A reader for good files only, in as few lines as possible.
pub struct Walk {
    /// Raw bytes of the values that are not arrays.
    pub keys: HashMap<String, Vec<u8>>,
    pub tensors: Vec<Tensor>,
    pub data_start: usize,
}

impl Walk {
    /// Reads the header.
    pub fn over(file: &[u8]) -> Self {
        let mut rest = file;
        assert_eq!(take(&mut rest, 8), b"GGUF\x03\0\0\0");
        let (n_tensors, n_keys) = (long(&mut rest), long(&mut rest));
        let keys = (0..n_keys)
            .map(|_| (string(&mut rest), any_value(&mut rest)))
            .collect();
        let tensors = (0..n_tensors).map(|_| tensor(&mut rest)).collect();
        let data_start = (file.len() - rest.len()).next_multiple_of(32);
        Self {
            keys,
            tensors,
            data_start,
        }
    }
}

fn tensor(rest: &mut &[u8]) -> Tensor {
    let name = string(rest);
    let n_dims = int(rest);
    let dims = (0..n_dims).map(|_| long(rest)).collect();
    Tensor {
        name,
        dims,
        type_id: int(rest),
        offset: long(rest),
    }
}

fn any_value(rest: &mut &[u8]) -> Vec<u8> {
    let type_id = int(rest);
    value(rest, type_id)
}

fn value(rest: &mut &[u8], type_id: u32) -> Vec<u8> {
    match type_id {
        4..=6 => take(rest, 4).to_vec(),
        7 => take(rest, 1).to_vec(),
        8 => string(rest).into_bytes(),
        9 => {
            let (element_type, len) = (int(rest), long(rest));
            (0..len).for_each(|_| drop(value(rest, element_type)));
            Vec::new()
        }
        other => panic!("value type {other}"),
    }
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> &'a [u8] {
    rest.split_off(..n).unwrap()
}

fn int(rest: &mut &[u8]) -> u32 {
    u32::from_le_bytes(take(rest, 4).try_into().unwrap())
}

fn long(rest: &mut &[u8]) -> u64 {
    u64::from_le_bytes(take(rest, 8).try_into().unwrap())
}

fn string(rest: &mut &[u8]) -> String {
    let len = long(rest) as usize;
    String::from_utf8(take(rest, len).to_vec()).unwrap()
}
