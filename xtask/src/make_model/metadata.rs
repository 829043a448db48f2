//! The metadata of a model file, with the names and types that published files use.

use super::gguf_writer::{GgufHeader, Value};
use super::recipe::{Recipe, WeightType};
use super::shape::Shape;
use super::tokenizer::Tokenizer;

/// Appends all metadata keys of a model with this recipe and `general.name`.
pub(super) fn describe(recipe: &Recipe, name: &str, header: &mut GgufHeader) {
    let (architecture, shape) = (recipe.architecture.as_str(), &recipe.shape);
    header.push_key(
        "general.architecture",
        Value::String(architecture.to_owned()),
    );
    header.push_key("general.name", Value::String(name.to_owned()));
    header.push_key("general.file_type", Value::U32(file_type(recipe.weights)));
    for (key, value) in hyper_parameters(shape) {
        header.push_key(&format!("{architecture}.{key}"), value);
    }
    if shape.has_own_head_dim() {
        for key in ["attention.key_length", "attention.value_length"] {
            header.push_key(&format!("{architecture}.{key}"), Value::U32(shape.head_dim));
        }
    }
    describe_tokenizer(Tokenizer::new(shape.n_vocab), header);
}

/// The value of `general.file_type` for files whose projections have this type.
fn file_type(weights: WeightType) -> u32 {
    match weights {
        WeightType::F32 => 0,
        WeightType::F16 => 1,
        WeightType::Bf16 => 32,
        WeightType::Tq1_0 => 36,
        WeightType::Tq2_0 => 37,
        WeightType::I2S => 40,
    }
}

fn hyper_parameters(shape: &Shape) -> [(&'static str, Value); 10] {
    [
        ("vocab_size", Value::U32(shape.n_vocab)),
        ("context_length", Value::U32(shape.context_length)),
        ("embedding_length", Value::U32(shape.n_embd)),
        ("block_count", Value::U32(shape.n_layers)),
        ("feed_forward_length", Value::U32(shape.n_ff)),
        ("rope.dimension_count", Value::U32(shape.head_dim)),
        ("attention.head_count", Value::U32(shape.n_heads)),
        ("attention.head_count_kv", Value::U32(shape.n_kv_heads)),
        (
            "attention.layer_norm_rms_epsilon",
            Value::F32(shape.rms_epsilon),
        ),
        ("rope.freq_base", Value::F32(shape.rope_base)),
    ]
}

fn describe_tokenizer(tokenizer: Tokenizer, header: &mut GgufHeader) {
    let keys = [
        ("model", Value::String("gpt2".to_owned())),
        ("pre", Value::String("llama-bpe".to_owned())),
        ("tokens", Value::Strings(tokenizer.tokens)),
        ("token_type", Value::I32s(tokenizer.token_types)),
        ("merges", Value::Strings(tokenizer.merges)),
        ("bos_token_id", Value::U32(tokenizer.bos_id)),
        ("eos_token_id", Value::U32(tokenizer.eos_id)),
    ];
    for (key, value) in keys {
        header.push_key(&format!("tokenizer.ggml.{key}"), value);
    }
}
