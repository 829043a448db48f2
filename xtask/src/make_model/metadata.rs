//! The metadata keys of a `bitnet-b1.58` file, with the names and types published files use.

use super::gguf_writer::{GgufHeader, Value};
use super::shape::Shape;
use super::tokenizer::Tokenizer;

const ARCHITECTURE: &str = "bitnet-b1.58";

/// `general.file_type` of I2_S files.
const FILE_TYPE_I2_S: u32 = 40;

/// Appends all keys of a model with this shape and `general.name`.
pub(super) fn describe(shape: &Shape, name: &str, header: &mut GgufHeader) {
    header.push_key(
        "general.architecture",
        Value::String(ARCHITECTURE.to_owned()),
    );
    header.push_key("general.name", Value::String(name.to_owned()));
    header.push_key("general.file_type", Value::U32(FILE_TYPE_I2_S));
    for (key, value) in hyper_parameters(shape) {
        header.push_key(&format!("{ARCHITECTURE}.{key}"), value);
    }
    if shape.has_own_head_dim() {
        for key in ["attention.key_length", "attention.value_length"] {
            header.push_key(&format!("{ARCHITECTURE}.{key}"), Value::U32(shape.head_dim));
        }
    }
    describe_tokenizer(Tokenizer::new(shape.n_vocab), header);
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
