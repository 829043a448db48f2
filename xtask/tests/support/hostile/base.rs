//! The valid models, and the ways to change one thing in it.

use engine_native::Architecture;
use xtask::make_model::gguf_writer::{ALIGNMENT, GgufHeader, TensorInfo, Value};
use xtask::make_model::{DenseType, OutputMatrix, Recipe, Shape, WeightType, model_header, to_vec};

const MODEL_NAME: &str = "hostile";
const SEED: u64 = 3;

/// Rows of the vocabulary.
pub(super) const N_VOCAB: u64 = 258;

/// Two layers, so that one can be whole while the other is not; two heads sharing one KV head.
fn shape() -> Shape {
    Shape {
        n_vocab: N_VOCAB as u32,
        n_embd: 128,
        n_layers: 2,
        n_heads: 2,
        n_kv_heads: 1,
        head_dim: 64,
        n_ff: 256,
        context_length: 64,
        rope_base: 10_000.0,
        rms_epsilon: 1e-5,
    }
}

/// The valid model, in the two parts that are changed separately.
pub(super) struct Base {
    pub(super) header: GgufHeader,
    data: Vec<u8>,
}

impl Base {
    /// BitNet b1.58 in I2_S.
    pub(super) fn new() -> Self {
        Self::of(&Recipe::from(&shape()))
    }

    /// The same with projections, embedding and output matrix of these types, 256 columns wide.
    pub(super) fn in_types(
        weights: WeightType,
        embedding: DenseType,
        output: OutputMatrix,
    ) -> Self {
        let wide = Shape {
            n_embd: 256,
            head_dim: 128,
            ..shape()
        };
        Self::of(&Recipe {
            weights,
            embedding,
            output,
            ..Recipe::from(&wide)
        })
    }

    /// `qwen3` of the same shape, whose heads are wider together than the embedding.
    pub(super) fn qwen3(weights: WeightType, embedding: DenseType, output: OutputMatrix) -> Self {
        let wide = Shape {
            n_embd: 256,
            n_heads: 4,
            head_dim: 128,
            ..shape()
        };
        Self::of(&Recipe {
            architecture: Architecture::Qwen3,
            weights,
            embedding,
            output,
            ..Recipe::from(&wide)
        })
    }

    /// Another architecture of the same shape.
    pub(super) fn of_architecture(architecture: Architecture) -> Self {
        Self::of(&Recipe {
            architecture,
            ..Recipe::from(&shape())
        })
    }

    /// F32 projections of 200 columns, which are whole blocks of no other type.
    pub(super) fn of_odd_columns() -> Self {
        let odd = Shape {
            n_embd: 200,
            head_dim: 100,
            n_ff: 200,
            ..shape()
        };
        Self::of(&Recipe {
            weights: WeightType::F32,
            ..Recipe::from(&odd)
        })
    }

    /// 64 heads of two elements share a KV head: two rows in `attn_k`.
    pub(super) fn of_two_kv_rows() -> Self {
        let narrow = Shape {
            n_heads: 64,
            head_dim: 2,
            ..shape()
        };
        Self::of(&Recipe::from(&narrow))
    }

    fn of(recipe: &Recipe) -> Self {
        let header = model_header(recipe, MODEL_NAME).unwrap();
        let file = to_vec(recipe.clone(), MODEL_NAME, SEED).unwrap();
        let data = file[header.to_bytes().len()..].to_vec();
        Self { header, data }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.header.to_bytes(), self.data.clone()].concat()
    }

    /// The file with another header; zeros at its end for tensors that the header adds.
    pub(super) fn with_header(&self, edit: impl FnOnce(&mut GgufHeader)) -> Vec<u8> {
        let mut header = self.header.clone();
        edit(&mut header);
        let mut data = self.data.clone();
        data.resize(header.data_bytes() as usize, 0);
        [header.to_bytes(), data].concat()
    }

    /// The file with another tensor, whose contents are the last.
    pub(super) fn with_new_tensor(
        &self,
        name: &str,
        dims: &[u64],
        type_id: u32,
        contents: &[u8],
    ) -> Vec<u8> {
        let n_bytes = contents.len();
        let file = self.with_header(|h| h.push_tensor(name, dims, type_id, n_bytes as u64));
        let start = file.len() - n_bytes.next_multiple_of(ALIGNMENT as usize);
        overwritten(file, start, contents)
    }

    pub(super) fn with_key(&self, name: &str, value: Value) -> Vec<u8> {
        self.with_header(|header| {
            let found = header.keys.iter_mut().find(|(key, _)| key == name);
            match found {
                Some((_, old)) => *old = value,
                None => header.push_key(name, value),
            }
        })
    }

    pub(super) fn without_key(&self, name: &str) -> Vec<u8> {
        self.with_header(|header| header.keys.retain(|(key, _)| key != name))
    }

    pub(super) fn with_tensor(&self, name: &str, edit: impl FnOnce(&mut TensorInfo)) -> Vec<u8> {
        self.with_header(|header| edit(tensor_mut(header, name)))
    }

    /// The file with a tensor of another type in its place, all zeros.
    pub(super) fn with_type(&self, name: &str, type_id: u32, n_bytes: u64) -> Vec<u8> {
        let mut header = self.header.clone();
        let dims = tensor_mut(&mut header, name).dims.clone();
        self.with_other(name, &dims, type_id, n_bytes)
    }

    /// The file with a tensor of another shape and type in its place, all zeros.
    pub(super) fn with_other(
        &self,
        name: &str,
        dims: &[u64],
        type_id: u32,
        n_bytes: u64,
    ) -> Vec<u8> {
        let others = self.retained(|tensor| tensor != name);
        others.with_header(|header| header.push_tensor(name, dims, type_id, n_bytes))
    }

    pub(super) fn without_tensor(&self, name: &str) -> Vec<u8> {
        self.retained(|tensor| tensor != name).bytes()
    }

    /// The model with some of its tensors, without gaps.
    pub(super) fn retained(&self, keep: impl Fn(&str) -> bool) -> Self {
        let tensors = &self.header.tensors;
        let ends = tensors[1..].iter().map(|tensor| tensor.offset);
        let ends = ends.chain([self.header.data_bytes()]);
        let mut header = GgufHeader::default();
        header.keys.clone_from(&self.header.keys);
        let mut data = Vec::new();
        for (tensor, end) in tensors.iter().zip(ends) {
            if keep(&tensor.name) {
                let TensorInfo { name, dims, .. } = tensor;
                header.push_tensor(name, dims, tensor.type_id, end - tensor.offset);
                data.extend(&self.data[tensor.offset as usize..end as usize]);
            }
        }
        Self { header, data }
    }

    /// The file with these bytes at byte `at` of a tensor.
    pub(super) fn with_data(&self, name: &str, at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut header = self.header.clone();
        let start = header.to_bytes().len() + tensor_mut(&mut header, name).offset as usize + at;
        overwritten(self.bytes(), start, bytes)
    }

    /// The file with these bytes `after` bytes past the start of the first such text.
    pub(super) fn with_patch(&self, text: &str, after: usize, bytes: &[u8]) -> Vec<u8> {
        let file = self.bytes();
        let found = file
            .windows(text.len())
            .position(|window| window == text.as_bytes());
        overwritten(file, found.unwrap() + after, bytes)
    }

    pub(super) fn cut(&self, len: usize) -> Vec<u8> {
        self.bytes()[..len].to_vec()
    }
}

pub(super) fn tensor_mut<'a>(header: &'a mut GgufHeader, name: &str) -> &'a mut TensorInfo {
    header
        .tensors
        .iter_mut()
        .find(|tensor| tensor.name == name)
        .unwrap()
}

pub(super) fn overwritten(mut file: Vec<u8>, start: usize, bytes: &[u8]) -> Vec<u8> {
    file[start..start + bytes.len()].copy_from_slice(bytes);
    file
}
