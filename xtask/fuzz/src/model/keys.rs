//! The metadata of a generated model.

use super::{container::Value, sizes::Sizes};
use crate::choices::Choices;

/// The keys that say what `sizes` are, and the constants.
pub fn keys(choices: &mut Choices, sizes: &Sizes, wildness: u32) -> Vec<(String, Value)> {
    let epsilon = match choices.chance(wildness) {
        true => choices.of(&[1e-6, 1e-38, 1e-45, 1e30, 3e38, 1.0]),
        false => 1e-5,
    };
    let base = match choices.chance(wildness) {
        true => choices.of(&[5e5, 1.0, 1e-3, 1e38, 1e-38, 1e-45, 3.4e38]),
        false => 1e4,
    };
    let counts = [
        ("embedding_length", sizes.n_embd),
        ("block_count", sizes.n_layers),
        ("feed_forward_length", sizes.n_ff),
        ("attention.head_count", sizes.n_heads),
        ("attention.head_count_kv", sizes.n_kv_heads),
        ("context_length", sizes.context_length),
    ];
    let mut keys: Vec<_> = counts
        .map(|(name, n)| (name, Value::u32(n as u64)))
        .to_vec();
    keys.push(("attention.layer_norm_rms_epsilon", Value::f32(epsilon)));
    keys.push(("rope.freq_base", Value::f32(base)));
    if sizes.n_query() != sizes.n_embd || choices.chance(30) {
        let head_dim = Value::u32(sizes.head_dim as u64);
        keys.push(("attention.key_length", head_dim.clone()));
        keys.push(("attention.value_length", head_dim));
    }
    if let Some(n) = sizes.rope_dim {
        keys.push(("rope.dimension_count", Value::u32(n as u64)));
    }
    if choices.chance(20) {
        let factor = choices.of(&[1.0, 2.0, 8.0, 1e-30, 1e30, 1e-45, 3.4e38]);
        keys.push(("rope.scaling.type", Value::text("linear")));
        keys.push(("rope.scaling.factor", Value::f32(factor)));
    }
    if choices.chance(20) {
        keys.push(("vocab_size", Value::u32(sizes.n_vocab as u64)));
    }
    let general = [
        ("general.architecture", sizes.architecture),
        ("general.name", "generated"),
    ];
    let general = general.map(|(key, text)| (key.to_owned(), Value::text(text)));
    let prefixed = keys
        .into_iter()
        .map(|(name, value)| (format!("{}.{name}", sizes.architecture), value));
    general.into_iter().chain(prefixed).collect()
}
