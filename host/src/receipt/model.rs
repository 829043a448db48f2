//! The model file as receipts describe it.

use engine_native::{I2sLayout, ModelDescription};

use super::fields::{ModelRecord, ShapeRecord, WeightType};
use crate::digest::Digest;

impl ModelRecord {
    /// The record of a file with this name, digest and size in bytes. `i2s_layout` is how its I2_S
    /// tensors are read, if it has any.
    pub fn of(
        model: &ModelDescription,
        file_name: String,
        (sha256, file_bytes): (Digest, u64),
        i2s_layout: I2sLayout,
    ) -> Self {
        let layout = model.has_i2s.then(|| i2s_layout.as_str().to_owned());
        Self {
            file_name,
            sha256,
            file_bytes,
            architecture: model.shape.architecture.to_string(),
            i2s_layout: layout,
            shape: shape(model),
            tied_embeddings: model.is_tied,
            rope_factors: model.has_rope_factors,
            parameters: model.n_parameters,
            weight_types: weight_types(model),
        }
    }

    /// How the I2_S tensors were read. A rule refuses layouts that do not exist.
    pub fn layout(&self) -> I2sLayout {
        let layout = self.i2s_layout.as_deref();
        layout.and_then(I2sLayout::from_name).unwrap_or_default()
    }
}

fn weight_types(model: &ModelDescription) -> Vec<WeightType> {
    let types = model.weight_types.iter();
    types
        .map(|(tensor_type, bytes)| WeightType {
            tensor_type: tensor_type.to_string(),
            bytes: *bytes,
        })
        .collect()
}

fn shape(model: &ModelDescription) -> ShapeRecord {
    let shape = &model.shape;
    ShapeRecord {
        n_vocab: shape.n_vocab,
        n_embd: shape.n_embd,
        n_layers: shape.n_layers,
        n_heads: shape.n_heads,
        n_kv_heads: shape.n_kv_heads,
        head_dim: shape.head_dim,
        rope_dim: shape.rope_dim,
        n_ff: shape.n_ff,
        context_length: shape.context_length,
    }
}
