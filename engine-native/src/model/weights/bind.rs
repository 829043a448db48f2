//! Binds the tensors of a file to their roles in the architecture. A tensor without a role is
//! rejected, because it could change the result.

use std::collections::BTreeMap;

use super::{
    GroupedMatrix, Layer, Projection, TernaryMatrix, VocabularyMatrix,
    dense::{bind_vector, check_cancelled},
    ternary::packed_row_bytes,
};
use crate::{
    all_cores,
    gguf::{Gguf, GgufError, TensorInfo, TensorType},
    model::{GroupedType, I2sLayout, ModelError, ModelShape},
    observer::Observer,
};

pub(super) struct Bound {
    pub(super) layers: Vec<Layer>,
    pub(super) token_embd: VocabularyMatrix,
    pub(super) output_norm: Vec<f32>,
    pub(super) output: Option<VocabularyMatrix>,
    pub(super) rope_factors: Option<Vec<f32>>,
}

pub(super) fn bind(
    gguf: &Gguf,
    shape: &ModelShape,
    file: &[u8],
    layout: I2sLayout,
    observer: &dyn Observer,
) -> Result<Bound, ModelError> {
    let mut tensors = Unbound {
        by_name: gguf.tensors.iter().map(|t| (t.name.as_str(), t)).collect(),
    };
    let rows = [shape.n_embd, shape.n_vocab];
    let token_embd = tensors.claim("token_embd.weight", &rows)?;
    let output = tensors.claim_if_present("output.weight", &rows)?;
    let output_norm = tensors.claim("output_norm.weight", &[shape.n_embd])?;
    let rope_factors = match shape.architecture.allows_rope_factors() {
        true => tensors.claim_if_present("rope_freqs.weight", &[shape.rope_dim / 2])?,
        false => None,
    };
    let layers = (0..shape.n_layers)
        .map(|index| claim_layer(&mut tensors, index, shape))
        .collect::<Result<Vec<_>, _>>()?;
    tensors.refuse_rest()?;
    check_one_kind(&layers)?;
    // All results are kept, so that the error names the first bad tensor, whichever thread found
    // it.
    let layers = all_cores::map(layers.iter(), |layer| layer.bind(file, layout, observer));
    Ok(Bound {
        token_embd: VocabularyMatrix::bind(token_embd, file, observer)?,
        output: output
            .map(|t| VocabularyMatrix::bind(t, file, observer))
            .transpose()?,
        output_norm: bind_vector(output_norm, file)?,
        rope_factors: rope_factors.map(|t| bind_factors(t, file)).transpose()?,
        layers: layers.into_iter().collect::<Result<_, _>>()?,
    })
}

/// Binds the divisors of the RoPE frequencies.
fn bind_factors(info: &TensorInfo, file: &[u8]) -> Result<Vec<f32>, ModelError> {
    let factors = bind_vector(info, file)?;
    match factors.iter().position(|&f| f <= 0.0) {
        None => Ok(factors),
        Some(at) => Err(GgufError::invalid(
            format!("tensor {}, element {at}", info.name),
            factors[at],
            "numbers above 0",
        )
        .into()),
    }
}

/// The tensors of one layer, with their shapes checked.
struct ClaimedLayer<'a> {
    attn_norm: &'a TensorInfo,
    attn_q: &'a TensorInfo,
    attn_k: &'a TensorInfo,
    attn_v: &'a TensorInfo,
    attn_q_norm: Option<&'a TensorInfo>,
    attn_k_norm: Option<&'a TensorInfo>,
    attn_sub_norm: Option<&'a TensorInfo>,
    attn_output: &'a TensorInfo,
    ffn_norm: &'a TensorInfo,
    ffn_gate: &'a TensorInfo,
    ffn_up: &'a TensorInfo,
    ffn_sub_norm: Option<&'a TensorInfo>,
    ffn_down: &'a TensorInfo,
}

fn claim_layer<'a>(
    tensors: &mut Unbound<'a>,
    index: u64,
    shape: &ModelShape,
) -> Result<ClaimedLayer<'a>, ModelError> {
    let overflow = || GgufError::invalid("attention.head_count", shape.n_heads, "fewer heads");
    let (embd, ff) = (shape.n_embd, shape.n_ff);
    let q_dim = shape.q_dim().ok_or_else(overflow)?;
    let kv_dim = shape.kv_dim().ok_or_else(overflow)?;
    let head = shape.head_dim;
    let mut claim =
        |part: &str, dims: &[u64]| tensors.claim(&format!("blk.{index}.{part}.weight"), dims);
    let sub_norms = shape.architecture.has_sub_norms();
    let head_norms = shape.architecture.has_head_norms();
    Ok(ClaimedLayer {
        attn_norm: claim("attn_norm", &[embd])?,
        attn_q: claim("attn_q", &[embd, q_dim])?,
        attn_k: claim("attn_k", &[embd, kv_dim])?,
        attn_v: claim("attn_v", &[embd, kv_dim])?,
        attn_q_norm: head_norms
            .then(|| claim("attn_q_norm", &[head]))
            .transpose()?,
        attn_k_norm: head_norms
            .then(|| claim("attn_k_norm", &[head]))
            .transpose()?,
        attn_sub_norm: sub_norms
            .then(|| claim("attn_sub_norm", &[q_dim]))
            .transpose()?,
        attn_output: claim("attn_output", &[q_dim, embd])?,
        ffn_norm: claim("ffn_norm", &[embd])?,
        ffn_gate: claim("ffn_gate", &[embd, ff])?,
        ffn_up: claim("ffn_up", &[embd, ff])?,
        ffn_sub_norm: sub_norms
            .then(|| claim("ffn_sub_norm", &[ff]))
            .transpose()?,
        ffn_down: claim("ffn_down", &[ff, embd])?,
    })
}

impl<'a> ClaimedLayer<'a> {
    /// The tensors of all projections.
    fn projections(&self) -> [&'a TensorInfo; 7] {
        [
            self.attn_q,
            self.attn_k,
            self.attn_v,
            self.attn_output,
            self.ffn_gate,
            self.ffn_up,
            self.ffn_down,
        ]
    }

    fn bind(
        &self,
        file: &[u8],
        layout: I2sLayout,
        observer: &dyn Observer,
    ) -> Result<Layer, ModelError> {
        let norm = |info| bind_vector(info, file);
        let ternary = |info| bind_projection(info, file, layout, observer);
        Ok(Layer {
            attn_norm: norm(self.attn_norm)?,
            attn_q: ternary(self.attn_q)?,
            attn_k: ternary(self.attn_k)?,
            attn_v: ternary(self.attn_v)?,
            attn_q_norm: self.attn_q_norm.map(norm).transpose()?,
            attn_k_norm: self.attn_k_norm.map(norm).transpose()?,
            attn_sub_norm: self.attn_sub_norm.map(norm).transpose()?,
            attn_output: ternary(self.attn_output)?,
            ffn_norm: norm(self.ffn_norm)?,
            ffn_gate: ternary(self.ffn_gate)?,
            ffn_up: ternary(self.ffn_up)?,
            ffn_sub_norm: self.ffn_sub_norm.map(norm).transpose()?,
            ffn_down: ternary(self.ffn_down)?,
        })
    }
}

fn bind_projection(
    info: &TensorInfo,
    file: &[u8],
    layout: I2sLayout,
    observer: &dyn Observer,
) -> Result<Projection, ModelError> {
    check_cancelled(observer)?;
    if let Some(grouped) = GroupedType::of_tensor_type(info.tensor_type) {
        let matrix = GroupedMatrix::bind(info, grouped, file, observer)?;
        return Ok(Projection::Grouped(matrix));
    }
    let matrix = TernaryMatrix::bind(info, file, layout)?;
    observer.advance(info.n_bytes());
    Ok(Projection::OneScale(matrix))
}

/// Checks that either every projection has one scale or every projection is grouped. The two kinds
/// quantize activations differently, and a file may not mix them.
fn check_one_kind(layers: &[ClaimedLayer]) -> Result<(), ModelError> {
    let is_grouped = |t: &TensorInfo| GroupedType::of_tensor_type(t.tensor_type).is_some();
    let mut projections = layers.iter().flat_map(ClaimedLayer::projections);
    let Some(first) = projections.next() else {
        return Ok(());
    };
    match projections.find(|t| is_grouped(t) != is_grouped(first)) {
        None => Ok(()),
        Some(other) => Err(ModelError::Unsupported {
            what: format!("type of tensor {}", other.name),
            found: format!(
                "{}, but tensor {} is {}",
                other.tensor_type, first.name, first.tensor_type
            ),
            supported: "projections that are all of Q2_0, PQ2_0 and PTQ1_0, or none of them".into(),
        }),
    }
}

/// Bytes to allocate for projections that have to be packed.
pub(super) fn bytes_to_pack(gguf: &Gguf, layout: I2sLayout) -> u64 {
    let is_packed = |t: &&TensorInfo| match t.tensor_type {
        TensorType::Tq1_0 | TensorType::Tq2_0 => true,
        TensorType::I2S => layout != I2sLayout::Block128,
        TensorType::F32 | TensorType::F16 | TensorType::Bf16 => {
            t.name.starts_with("blk.") && t.dims.len() == 2
        }
        _ => false,
    };
    let packed = gguf.tensors.iter().filter(is_packed);
    let n_bytes = |t: &TensorInfo| {
        let row_bytes = packed_row_bytes(t.n_cols() as usize) as u64;
        t.n_rows().saturating_mul(row_bytes)
    };
    packed.fold(0, |sum, t| n_bytes(t).saturating_add(sum))
}

/// The tensors of the file without a role so far.
struct Unbound<'a> {
    by_name: BTreeMap<&'a str, &'a TensorInfo>,
}

impl<'a> Unbound<'a> {
    /// Takes the tensor `name`, which must have `dims`, fastest-varying first.
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

    fn claim_if_present(
        &mut self,
        name: &str,
        dims: &[u64],
    ) -> Result<Option<&'a TensorInfo>, ModelError> {
        let present = self.by_name.contains_key(name);
        present.then(|| self.claim(name, dims)).transpose()
    }

    fn refuse_rest(&self) -> Result<(), ModelError> {
        match self.by_name.first_key_value() {
            None => Ok(()),
            Some((name, info)) => Err(ModelError::Unsupported {
                what: format!("tensor {}", name.escape_default()),
                found: format!("{} {:?}{}", info.tensor_type, info.dims, tensor_note(name)),
                supported: "only the tensors of the architecture, without biases".into(),
            }),
        }
    }
}

/// Why a tensor without a role is there, if that is known.
fn tensor_note(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "scale" | "weight_scale" | "input_scale")) => {
            ": a projection's scale in a tensor of its own, as llama.cpp's first BitNet converter \
             wrote it; convert the original model again"
        }
        Some((_, "bias")) => ", which is a bias",
        _ => "",
    }
}
