//! The container, written from parts that need not make sense.

use super::tensors::{Q2_0, Q2_0_OF_128};

/// A metadata value, encoded.
#[derive(Clone, Debug)]
pub struct Value {
    /// GGUF's number for its type.
    pub type_id: u32,
    pub bytes: Vec<u8>,
}

impl Value {
    pub fn new(type_id: u32, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { type_id, bytes }
    }

    pub fn u32(n: u64) -> Self {
        Self::new(4, (n as u32).to_le_bytes())
    }

    pub fn f32(x: f32) -> Self {
        Self::new(6, x.to_le_bytes())
    }

    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::new(8, string(text.as_ref()))
    }
}

/// A tensor and its contents.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub name: String,
    /// The fastest-varying first.
    pub dims: Vec<u64>,
    pub type_id: u32,
    pub data: Vec<u8>,
}

/// A whole file.
#[derive(Clone, Debug)]
pub struct File {
    pub version: u32,
    /// Of the data section and every tensor in it.
    pub alignment: usize,
    pub keys: Vec<(String, Value)>,
    pub tensors: Vec<Tensor>,
    /// Whether the infos stand in the opposite order of the data.
    pub reversed_infos: bool,
}

impl File {
    /// Bytes of padding at the end.
    pub fn last_padding(&self) -> usize {
        let len = self.tensors.last().map_or(0, |tensor| tensor.data.len());
        len.next_multiple_of(self.alignment) - len
    }

    /// Everything before the data section, padded.
    pub fn header(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.keys.len() as u64).to_le_bytes());
        for (key, value) in &self.keys {
            out.extend(string(key.as_bytes()));
            out.extend(value.type_id.to_le_bytes());
            out.extend(&value.bytes);
        }
        let mut infos = Vec::new();
        let mut offset = 0;
        for tensor in &self.tensors {
            let mut out = string(tensor.name.as_bytes());
            out.extend((tensor.dims.len() as u32).to_le_bytes());
            out.extend(tensor.dims.iter().flat_map(|dim| dim.to_le_bytes()));
            let type_id = match tensor.type_id {
                Q2_0_OF_128 => Q2_0,
                other => other,
            };
            out.extend(type_id.to_le_bytes());
            out.extend((offset as u64).to_le_bytes());
            offset = (offset + tensor.data.len()).next_multiple_of(self.alignment);
            infos.push(out);
        }
        if self.reversed_infos {
            infos.reverse();
        }
        out.extend(infos.concat());
        out.resize(out.len().next_multiple_of(self.alignment), 0);
        out
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.header();
        for tensor in &self.tensors {
            out.extend(&tensor.data);
            out.resize(out.len().next_multiple_of(self.alignment), 0);
        }
        out
    }
}

/// A string with its length before it.
pub fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u64).to_le_bytes()[..], bytes].concat()
}

/// An array of elements that are encoded already.
pub fn array(element_type: u32, elements: &[&[u8]]) -> Value {
    let head = [
        &element_type.to_le_bytes()[..],
        &(elements.len() as u64).to_le_bytes(),
    ];
    Value::new(9, [head.concat(), elements.concat()].concat())
}
