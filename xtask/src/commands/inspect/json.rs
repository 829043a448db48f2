//! What `inspect` prints for programs.

use engine_native::{Model, ModelShape};
use host::{input::tokenizer_of, machine::available_memory};
use serde_json::{Value, json};

use super::facts::{Content, Inspected, has_rope_base, memory};

/// Everything that can be read of a file. What only a model that can be run has is null otherwise, and
/// so is what only a file that is read to its end has.
pub fn json(inspected: &Inspected) -> Value {
    let (model, supported) = match &inspected.content {
        Content::Checked(Ok(model)) => (describe(model), Some(true)),
        Content::Unread(Ok(shape)) => (describe_shape(shape), None),
        Content::Checked(Err(_)) | Content::Unread(Err(_)) => (Value::Null, Some(false)),
    };
    json!({
        "name": inspected.name,
        "architecture": inspected.architecture,
        "file_bytes": inspected.bytes,
        "gguf_version": inspected.gguf_version,
        "sha256": inspected.sha256,
        "parameters": inspected.parameters(),
        "types": inspected.types,
        "supported": supported,
        "not_supported_because": inspected.content.error().map(ToString::to_string),
        "model": model,
    })
}

/// What stands in the header.
fn describe_shape(shape: &ModelShape) -> Value {
    json!({
        "layers": shape.n_layers,
        "vocabulary": shape.n_vocab,
        "embedding": shape.n_embd,
        "query_heads": shape.n_heads,
        "kv_heads": shape.n_kv_heads,
        "head_elements": shape.head_dim,
        "feed_forward": shape.n_ff,
        "context": shape.context_length,
    })
}

fn describe(model: &Model) -> Value {
    let shape = model.shape();
    let need = memory(model).map(|(n_positions, need)| {
        json!({
            "positions": n_positions,
            "total_bytes": need.total(),
            "file_bytes": need.file,
            "packed_bytes": need.packed,
            "session_bytes": need.session,
            "replay_bytes": need.replay,
        })
    });
    json!({
        "tokenizer": tokenizer_of(model).ok().map(|tokenizer| tokenizer.describe()),
        "layers": shape.n_layers,
        "vocabulary": shape.n_vocab,
        "embedding": shape.n_embd,
        "tied_output_matrix": model.is_tied(),
        "query_heads": shape.n_heads,
        "kv_heads": shape.n_kv_heads,
        "head_elements": shape.head_dim,
        "feed_forward": shape.n_ff,
        "i2s_layout": model.i2s_layout().map(|layout| layout.as_str()),
        "context": shape.context_length,
        "rope_base": shape.rope_base,
        "rope_base_is_default": !has_rope_base(model),
        "arithmetic": match model.description().has_grouped_projections {
            true => "grouped ternary",
            false => "BitLinear",
        },
        "bytes_per_token": model.bytes_per_token(),
        "memory": need,
        "available_bytes": available_memory(),
    })
}
