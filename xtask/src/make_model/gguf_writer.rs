//! Writes GGUF version 3 headers: valid ones and, for tests, invalid ones.
//!
//! A header is plain data with public fields. A test that needs a hostile file takes a valid
//! header, changes it, and encodes it again.

/// Alignment of the tensor data and of each tensor in it, in bytes: GGUF's default.
pub const ALIGNMENT: u64 = 32;

/// Type id of 32-bit floats.
pub const F32: u32 = 0;
/// Type id of 16-bit floats.
pub const F16: u32 = 1;
/// Type id of 8-bit integers, 32 to a block with one scale.
pub const Q8_0: u32 = 8;
/// Type id of 4-bit integers, 256 to a block with eight scales and minima.
pub const Q4_K: u32 = 12;
/// Type id of 6-bit integers, 256 to a block with sixteen scales.
pub const Q6_K: u32 = 14;
/// Type id of the upper halves of 32-bit floats.
pub const BF16: u32 = 30;
/// Type id of ternary weights, five to a byte, 256 to a block with one scale.
pub const TQ1_0: u32 = 34;
/// Type id of ternary weights, four to a byte, 256 to a block with one scale.
pub const TQ2_0: u32 = 35;
/// Type id of ternary weights, four to a byte, with one scale per tensor.
pub const I2_S: u32 = 36;
/// Type id of ternary weights, four to a byte, 64 to a block with one scale; in older files 128.
pub const Q2_0: u32 = 42;
/// Type id of ternary weights, four to a byte, 128 to a block with one scale.
pub const PQ2_0: u32 = 142;
/// Type id of ternary weights, five to a byte, 128 to a block with one scale.
pub const PTQ1_0: u32 = 143;

/// A metadata value: the types that generated models need, and `Raw` for all others.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An unsigned 32-bit integer.
    U32(u32),
    /// A 32-bit float.
    F32(f32),
    /// A truth value.
    Bool(bool),
    /// A text.
    String(String),
    /// An array of texts.
    Strings(Vec<String>),
    /// An array of signed 32-bit integers.
    I32s(Vec<i32>),
    /// Any type id and any bytes, written as they are.
    Raw {
        /// GGUF's number for the value's type.
        type_id: u32,
        /// The encoded value.
        bytes: Vec<u8>,
    },
}

impl Value {
    fn type_id(&self) -> u32 {
        match self {
            Self::U32(_) => 4,
            Self::F32(_) => 6,
            Self::Bool(_) => 7,
            Self::String(_) => 8,
            Self::Strings(_) | Self::I32s(_) => 9,
            Self::Raw { type_id, .. } => *type_id,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::U32(value) => put_u32(out, *value),
            Self::F32(value) => put_u32(out, value.to_bits()),
            Self::Bool(value) => out.push(u8::from(*value)),
            Self::String(text) => put_string(out, text),
            Self::Strings(texts) => {
                put_array_head(out, 8, texts.len());
                texts.iter().for_each(|text| put_string(out, text));
            }
            Self::I32s(values) => {
                put_array_head(out, 5, values.len());
                values
                    .iter()
                    .for_each(|value| out.extend(value.to_le_bytes()));
            }
            Self::Raw { bytes, .. } => out.extend(bytes),
        }
    }
}

/// The description of a tensor in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// The tensor's name.
    pub name: String,
    /// Its dimensions, fastest first: a matrix is `[n_cols, n_rows]`.
    pub dims: Vec<u64>,
    /// The type of its elements.
    pub type_id: u32,
    /// Bytes from the start of the data section.
    pub offset: u64,
}

/// Everything in a GGUF file before the tensor data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GgufHeader {
    /// Metadata keys and values, in file order.
    pub keys: Vec<(String, Value)>,
    /// Tensor infos, in file order.
    pub tensors: Vec<TensorInfo>,
    data_bytes: u64,
}

impl GgufHeader {
    /// Appends a metadata key.
    pub fn push_key(&mut self, key: &str, value: Value) {
        self.keys.push((key.to_owned(), value));
    }

    /// Appends a tensor of `n_bytes` bytes. Its data follows that of the previous tensors.
    pub fn push_tensor(&mut self, name: &str, dims: &[u64], type_id: u32, n_bytes: u64) {
        let offset = self.data_bytes;
        self.tensors.push(TensorInfo {
            name: name.to_owned(),
            dims: dims.to_vec(),
            type_id,
            offset,
        });
        self.data_bytes = (offset + n_bytes).next_multiple_of(ALIGNMENT);
    }

    /// The length of the data section in bytes, with the padding of the last tensor.
    pub fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// The bytes of the header, padded with zeros up to the start of the data section.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        put_u32(&mut out, 3);
        put_u64(&mut out, self.tensors.len() as u64);
        put_u64(&mut out, self.keys.len() as u64);
        for (key, value) in &self.keys {
            put_string(&mut out, key);
            put_u32(&mut out, value.type_id());
            value.put(&mut out);
        }
        for tensor in &self.tensors {
            put_tensor_info(&mut out, tensor);
        }
        out.resize(out.len().next_multiple_of(ALIGNMENT as usize), 0);
        out
    }
}

fn put_tensor_info(out: &mut Vec<u8>, tensor: &TensorInfo) {
    put_string(out, &tensor.name);
    put_u32(out, tensor.dims.len() as u32);
    tensor.dims.iter().for_each(|&dim| put_u64(out, dim));
    put_u32(out, tensor.type_id);
    put_u64(out, tensor.offset);
}

fn put_array_head(out: &mut Vec<u8>, element_type: u32, len: usize) {
    put_u32(out, element_type);
    put_u64(out, len as u64);
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    put_u64(out, text.len() as u64);
    out.extend(text.as_bytes());
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::{F16, GgufHeader, Value};

    #[test]
    fn encodes_one_key_and_one_tensor_byte_for_byte() {
        let mut header = GgufHeader::default();
        header.push_key("k", Value::I32s(vec![-1]));
        header.push_tensor("t", &[2, 3], F16, 12);
        let mut expected = Vec::new();
        expected.extend(b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0");
        expected
            .extend(b"\x01\0\0\0\0\0\0\0k\x09\0\0\0\x05\0\0\0\x01\0\0\0\0\0\0\0\xff\xff\xff\xff");
        expected.extend(b"\x01\0\0\0\0\0\0\0t\x02\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0");
        expected.extend(b"\x01\0\0\0\0\0\0\0\0\0\0\0");
        expected.resize(96, 0);
        assert_eq!(header.to_bytes(), expected);
    }

    #[test]
    fn tensors_start_on_the_alignment() {
        let mut header = GgufHeader::default();
        header.push_tensor("a", &[3], F16, 6);
        header.push_tensor("b", &[16], F16, 32);
        header.push_tensor("c", &[1], F16, 2);
        let offsets: Vec<u64> = header.tensors.iter().map(|tensor| tensor.offset).collect();
        assert_eq!((offsets, header.data_bytes()), (vec![0, 32, 64], 96));
    }
}
