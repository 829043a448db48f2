//! Binds the tensors of a file to the places of the architecture. Nothing is ignored: a tensor
//! that the architecture does not name is refused, because it could change the result.

use std::collections::BTreeMap;

use super::{DenseMatrix, Layer, ModelError, ModelShape, TernaryMatrix, matrix::bind_norm};
use crate::gguf::{Gguf, GgufError, TensorInfo, TensorType};

pub(super) struct Bound {
    pub(super) layers: Vec<Layer>,
    pub(super) token_embd: DenseMatrix,
    pub(super) output_norm: Vec<f32>,
    pub(super) output: Option<DenseMatrix>,
}

pub(super) fn bind(gguf: &Gguf, shape: &ModelShape, file: &[u8]) -> Result<Bound, ModelError> {
    let mut tensors = Unbound {
        by_name: gguf.tensors.iter().map(|t| (t.name.as_str(), t)).collect(),
        file,
    };
    let token_embd = tensors.dense("token_embd.weight", shape)?;
    let output = match tensors.by_name.contains_key("output.weight") {
        true => Some(tensors.dense("output.weight", shape)?),
        false => None,
    };
    let output_norm = tensors.norm("output_norm.weight", shape.n_embd)?;
    let layers = (0..shape.n_layers)
        .map(|index| bind_layer(&mut tensors, index, shape))
        .collect::<Result<_, _>>()?;
    tensors.refuse_rest()?;
    Ok(Bound {
        layers,
        token_embd,
        output_norm,
        output,
    })
}

fn bind_layer(tensors: &mut Unbound, index: u64, shape: &ModelShape) -> Result<Layer, ModelError> {
    let name = |part: &str| format!("blk.{index}.{part}.weight");
    let overflow = || GgufError::invalid("attention.head_count", shape.n_heads, "fewer heads");
    let (embd, ff) = (shape.n_embd, shape.n_ff);
    let q_dim = shape.q_dim().ok_or_else(overflow)?;
    let kv_dim = shape.kv_dim().ok_or_else(overflow)?;
    Ok(Layer {
        attn_norm: tensors.norm(&name("attn_norm"), embd)?,
        attn_q: tensors.ternary(&name("attn_q"), q_dim, embd)?,
        attn_k: tensors.ternary(&name("attn_k"), kv_dim, embd)?,
        attn_v: tensors.ternary(&name("attn_v"), kv_dim, embd)?,
        attn_sub_norm: tensors.norm(&name("attn_sub_norm"), q_dim)?,
        attn_output: tensors.ternary(&name("attn_output"), embd, q_dim)?,
        ffn_norm: tensors.norm(&name("ffn_norm"), embd)?,
        ffn_gate: tensors.ternary(&name("ffn_gate"), ff, embd)?,
        ffn_up: tensors.ternary(&name("ffn_up"), ff, embd)?,
        ffn_sub_norm: tensors.norm(&name("ffn_sub_norm"), ff)?,
        ffn_down: tensors.ternary(&name("ffn_down"), embd, ff)?,
    })
}

/// Bytes of each tensor type in the file, sorted by type.
pub(super) fn weight_types(gguf: &Gguf) -> Vec<(TensorType, u64)> {
    let mut bytes = BTreeMap::new();
    for tensor in &gguf.tensors {
        *bytes.entry(tensor.tensor_type).or_insert(0) += tensor.bytes.len() as u64;
    }
    bytes.into_iter().collect()
}

/// Tensors of the file that no place has claimed yet.
struct Unbound<'a> {
    by_name: BTreeMap<&'a str, &'a TensorInfo>,
    file: &'a [u8],
}

impl<'a> Unbound<'a> {
    /// Claims the tensor `name`; `dims` as in the file, fastest first.
    fn claim(&mut self, name: &str, dims: &[u64]) -> Result<&'a TensorInfo, ModelError> {
        let info = self
            .by_name
            .remove(name)
            .ok_or_else(|| ModelError::MissingTensor {
                name: name.into(),
                shape: format!("{dims:?}"),
            })?;
        if info.dims != dims {
            return Err(GgufError::invalid(
                format!("shape of tensor {name}"),
                format_args!("{:?}", info.dims),
                format_args!("{dims:?}, from the metadata"),
            )
            .into());
        }
        Ok(info)
    }

    fn norm(&mut self, name: &str, n: u64) -> Result<Vec<f32>, ModelError> {
        let info = self.claim(name, &[n])?;
        Ok(bind_norm(info, self.file)?)
    }

    fn dense(&mut self, name: &str, shape: &ModelShape) -> Result<DenseMatrix, ModelError> {
        let info = self.claim(name, &[shape.n_embd, shape.n_vocab])?;
        Ok(DenseMatrix::bind(info, self.file)?)
    }

    fn ternary(&mut self, name: &str, rows: u64, cols: u64) -> Result<TernaryMatrix, ModelError> {
        let info = self.claim(name, &[cols, rows])?;
        if info.tensor_type != TensorType::I2S {
            return Err(ModelError::Unsupported {
                what: format!("type of tensor {name}"),
                found: info.tensor_type.to_string(),
                supported: "I2_S".into(),
            });
        }
        Ok(TernaryMatrix::bind(info, self.file)?)
    }

    fn refuse_rest(&self) -> Result<(), ModelError> {
        match self.by_name.first_key_value() {
            None => Ok(()),
            Some((name, info)) => Err(ModelError::Unsupported {
                what: format!("tensor {}", name.escape_default()),
                found: format!("{} {:?}", info.tensor_type, info.dims),
                supported: "only the tensors of the architecture, without biases".into(),
            }),
        }
    }
}
