//! Writes GGUF files, well formed or broken in one chosen place.

/// Type numbers of tensors.
pub const F32: u32 = 0;
pub const F16: u32 = 1;
pub const Q8_0: u32 = 8;
pub const I2_S: u32 = 36;

/// A metadata value: type number and bytes.
#[derive(Clone)]
pub struct Value {
    pub type_id: u32,
    pub bytes: Vec<u8>,
}

impl Value {
    pub fn raw(type_id: u32, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { type_id, bytes }
    }

    pub fn u32(n: u32) -> Self {
        Self::raw(4, n.to_le_bytes())
    }

    pub fn f32(x: f32) -> Self {
        Self::raw(6, x.to_le_bytes())
    }

    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::raw(8, string(text.as_ref()))
    }

    /// An array of `len` elements of type `type_id`, whose bytes are `elements`.
    pub fn array(type_id: u32, len: u64, elements: &[u8]) -> Self {
        Self::raw(9, array(type_id, len, elements))
    }
}

/// The bytes of an array value.
pub fn array(type_id: u32, len: u64, elements: &[u8]) -> Vec<u8> {
    let head = [&type_id.to_le_bytes()[..], &len.to_le_bytes()].concat();
    [&head, elements].concat()
}

/// The bytes of a string: length, then text.
pub fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

/// A tensor with its data.
#[derive(Clone)]
pub struct Tensor {
    pub name: Vec<u8>,
    /// Fastest varying first.
    pub dims: Vec<u64>,
    pub type_id: u32,
    /// Stated instead of the true offset.
    pub offset: Option<u64>,
    pub data: Vec<u8>,
}

/// A file to be written.
#[derive(Clone)]
pub struct Gguf {
    pub magic: [u8; 4],
    pub version: u32,
    /// Stated instead of the true counts.
    pub n_tensors: Option<u64>,
    pub n_keys: Option<u64>,
    /// What the data section is aligned to; `general.alignment` is a key of its own.
    pub alignment: usize,
    pub keys: Vec<(Vec<u8>, Value)>,
    pub tensors: Vec<Tensor>,
}

impl Gguf {
    pub fn new() -> Self {
        Self {
            magic: *b"GGUF",
            version: 3,
            n_tensors: None,
            n_keys: None,
            alignment: 32,
            keys: Vec::new(),
            tensors: Vec::new(),
        }
    }

    /// Adds a key, even if it is there already.
    pub fn push_key(&mut self, key: impl AsRef<[u8]>, value: Value) {
        self.keys.push((key.as_ref().into(), value));
    }

    /// Replaces or adds a key.
    pub fn set(&mut self, key: &str, value: Value) {
        self.remove_key(key);
        self.push_key(key, value);
    }

    pub fn remove_key(&mut self, key: &str) {
        self.keys.retain(|(k, _)| k != key.as_bytes());
    }

    pub fn push_tensor(&mut self, name: &str, dims: &[u64], type_id: u32, data: Vec<u8>) {
        self.tensors.push(Tensor {
            name: name.into(),
            dims: dims.into(),
            type_id,
            offset: None,
            data,
        });
    }

    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        let found = self.tensors.iter_mut().find(|t| t.name == name.as_bytes());
        found.unwrap_or_else(|| panic!("the model has no tensor {name}"))
    }

    pub fn remove_tensor(&mut self, name: &str) {
        self.tensors.retain(|t| t.name != name.as_bytes());
    }

    /// Bytes before the padding of the data section.
    pub fn header_len(&self) -> usize {
        self.header().len()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut file = self.header();
        for tensor in &self.tensors {
            pad(&mut file, self.alignment);
            file.extend(&tensor.data);
        }
        file
    }

    fn header(&self) -> Vec<u8> {
        let mut out = self.magic.to_vec();
        out.extend(self.version.to_le_bytes());
        let n_tensors = self.n_tensors.unwrap_or(self.tensors.len() as u64);
        out.extend(n_tensors.to_le_bytes());
        out.extend(self.n_keys.unwrap_or(self.keys.len() as u64).to_le_bytes());
        for (key, value) in &self.keys {
            out.extend(string(key));
            out.extend(value.type_id.to_le_bytes());
            out.extend(&value.bytes);
        }
        let mut offset = 0usize;
        for tensor in &self.tensors {
            offset = offset.next_multiple_of(self.alignment);
            out.extend(info(tensor, offset as u64));
            offset += tensor.data.len();
        }
        out
    }
}

fn info(tensor: &Tensor, offset: u64) -> Vec<u8> {
    let mut out = string(&tensor.name);
    out.extend((tensor.dims.len() as u32).to_le_bytes());
    out.extend(tensor.dims.iter().flat_map(|dim| dim.to_le_bytes()));
    out.extend(tensor.type_id.to_le_bytes());
    out.extend(tensor.offset.unwrap_or(offset).to_le_bytes());
    out
}

fn pad(file: &mut Vec<u8>, alignment: usize) {
    file.resize(file.len().next_multiple_of(alignment), 0);
}
