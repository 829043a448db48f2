//! The metadata of a model file, with the names and types that published files use.

use engine_native::Architecture;

use super::gguf_writer::{GgufHeader, Value};
use super::recipe::{Recipe, Yarn};
use super::shape::Shape;
use super::tokenizer::{Style, Tokenizer};
use super::types::{GroupedType, WeightType};

/// Appends all metadata keys of a model with this recipe and `general.name`.
pub(super) fn describe(recipe: &Recipe, name: &str, header: &mut GgufHeader) {
    let (architecture, shape) = (recipe.architecture.as_str(), &recipe.shape);
    header.push_key(
        "general.architecture",
        Value::String(architecture.to_owned()),
    );
    header.push_key("general.name", Value::String(name.to_owned()));
    if let Some(file_type) = file_type(recipe.weights) {
        header.push_key("general.file_type", Value::U32(file_type));
    }
    // What converters write for Qwen3, and what they leave out.
    let is_qwen3 = recipe.architecture == Architecture::Qwen3;
    for (key, value) in hyper_parameters(shape) {
        if !(is_qwen3 && LEFT_OUT_OF_QWEN3.contains(&key)) {
            header.push_key(&format!("{architecture}.{key}"), value);
        }
    }
    if is_qwen3 || shape.has_own_head_dim() {
        for key in ["attention.key_length", "attention.value_length"] {
            header.push_key(&format!("{architecture}.{key}"), Value::U32(shape.head_dim));
        }
    }
    for (key, value) in recipe.yarn.into_iter().flat_map(rope_scaling) {
        header.push_key(&format!("{architecture}.rope.scaling.{key}"), value);
    }
    describe_tokenizer(shape.n_vocab, is_qwen3, header);
}

/// Keys that have defaults.
const LEFT_OUT_OF_QWEN3: [&str; 2] = ["vocab_size", "rope.dimension_count"];

/// The value of `general.file_type` for files whose projections have this type; none for types of
/// forks, which have no agreed value.
fn file_type(weights: WeightType) -> Option<u32> {
    match weights {
        WeightType::F32 => Some(0),
        WeightType::F16 => Some(1),
        WeightType::Bf16 => Some(32),
        WeightType::Tq1_0 => Some(36),
        WeightType::Tq2_0 => Some(37),
        WeightType::I2S => Some(40),
        WeightType::Grouped(GroupedType::Pq2_0 | GroupedType::Ptq1_0) => None,
        WeightType::Grouped(_) => Some(41),
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

fn rope_scaling(yarn: Yarn) -> [(&'static str, Value); 3] {
    [
        ("type", Value::String("yarn".to_owned())),
        ("factor", Value::F32(yarn.factor)),
        (
            "original_context_length",
            Value::U32(yarn.original_context_length),
        ),
    ]
}

fn describe_tokenizer(n_vocab: u32, is_qwen3: bool, header: &mut GgufHeader) {
    let style = if is_qwen3 {
        Style::Qwen3
    } else {
        Style::Llama3
    };
    let tokenizer = Tokenizer::new(n_vocab, style);
    let mut keys = vec![
        ("model", Value::String("gpt2".to_owned())),
        ("pre", Value::String(style.pre().to_owned())),
        ("tokens", Value::Strings(tokenizer.tokens)),
        ("token_type", Value::I32s(tokenizer.token_types)),
        ("merges", Value::Strings(tokenizer.merges)),
        ("bos_token_id", Value::U32(tokenizer.bos_id)),
        ("eos_token_id", Value::U32(tokenizer.eos_id)),
    ];
    if is_qwen3 {
        keys.push(("padding_token_id", Value::U32(tokenizer.bos_id)));
        keys.push(("add_bos_token", Value::Bool(false)));
    }
    for (key, value) in keys {
        header.push_key(&format!("tokenizer.ggml.{key}"), value);
    }
}
