//! The metadata of a generated model.

use super::{container::Value, sizes::Sizes};
use crate::choices::Choices;

/// RoPE scaling of one type.
fn scaling(choices: &mut Choices) -> Vec<(&'static str, Value)> {
    let factor = choices.of(&[1.0, 2.0, 8.0, 1e-30, 1e30, 1e-45, 3.4e38]);
    let factor = ("rope.scaling.factor", Value::f32(factor));
    if choices.chance(50) {
        return vec![("rope.scaling.type", Value::text("linear")), factor];
    }
    let context = choices.of(&[8, 64, 4096, 1, 1 << 24]);
    let mut keys = vec![
        ("rope.scaling.type", Value::text("yarn")),
        factor,
        ("rope.scaling.original_context_length", Value::u32(context)),
    ];
    if choices.chance(30) {
        let (fast, slow) = choices.of(&[(32.0, 1.0), (1e30, 1e-30), (2.0, 1.5), (1.0, 2.0)]);
        keys.push(("rope.scaling.yarn_beta_fast", Value::f32(fast)));
        keys.push(("rope.scaling.yarn_beta_slow", Value::f32(slow)));
    }
    keys
}

/// Keys that change nothing at these values.
pub fn neutral() -> Vec<Vec<(&'static str, Value)>> {
    let off = || Value::f32(0.0);
    let one = || Value::f32(1.0);
    let zero = || Value::u32(0);
    vec![
        vec![("expert_count", zero()), ("expert_used_count", zero())],
        vec![
            ("expert_shared_count", zero()),
            ("nextn_predict_layers", zero()),
        ],
        vec![
            ("pooling_type", zero()),
            ("attention.sliding_window", zero()),
        ],
        vec![("attention.causal", Value::new(7, [1]))],
        vec![("use_parallel_residual", Value::new(7, [0]))],
        vec![
            ("attention.clamp_kqv", off()),
            ("attention.max_alibi_bias", off()),
        ],
        vec![("attention.scale", off())],
        vec![("logit_scale", one()), ("residual_scale", one())],
        vec![("embedding_scale", one()), ("rope.scale_linear", one())],
        vec![("rope.scaling.attn_factor", one())],
        vec![("rope.scaling.yarn_attn_factor", one())],
        vec![("tensor_data_layout", Value::text("reference"))],
        vec![("tensor_data_layout", Value::text("Meta AI original pth"))],
    ]
}

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
        keys.extend(scaling(choices));
    }
    if choices.chance(20) {
        keys.extend(choices.of(&neutral()));
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
