//! Every key that a reader looks at, with values that are right and values that are not.

use xtask::make_model::gguf_writer::Value;

use crate::model::{ARCHITECTURE, Base};

/// Keys that a file must have.
pub const REQUIRED: [&str; 7] = [
    "general.architecture",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "context_length",
    "attention.head_count",
    "attention.layer_norm_rms_epsilon",
];

/// Keys that a file of today has. Both readers take the same where they are absent.
pub const WITH_DEFAULT: [&str; 1] = ["rope.freq_base"];

/// Keys that a file may have.
pub const OPTIONAL: [&str; 10] = [
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "rope.dimension_count",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "vocab_size",
    "general.alignment",
];

/// Optional keys of which one says what another means, or may be.
pub const INTERACTING: [&str; 6] = [
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "rope.dimension_count",
    "rope.scaling.type",
    "rope.scaling.factor",
];

/// Keys that decide YaRN, and the architecture's base.
pub const OF_YARN: [&str; 6] = [
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.freq_base",
];

/// Every key with a meaning for the run, without the architecture's prefix where they have one.
pub fn known() -> Vec<&'static str> {
    let mut known = [&REQUIRED[..], &WITH_DEFAULT, &OPTIONAL].concat();
    known.extend(OF_YARN.iter().filter(|name| name.contains("beta")));
    known
}

/// Keys that change nothing at their value here.
pub fn neutral_values() -> Vec<(&'static str, Value)> {
    let zero = || Value::U32(0);
    let (off, one) = (Value::F32(0.0), Value::F32(1.0));
    vec![
        ("attention.causal", Value::Bool(true)),
        ("attention.clamp_kqv", off.clone()),
        ("attention.max_alibi_bias", off.clone()),
        ("attention.scale", off),
        ("attention.sliding_window", zero()),
        ("embedding_scale", one.clone()),
        ("expert_count", zero()),
        ("expert_shared_count", zero()),
        ("expert_used_count", zero()),
        ("logit_scale", one.clone()),
        ("nextn_predict_layers", zero()),
        ("pooling_type", zero()),
        ("residual_scale", one.clone()),
        ("rope.scale_linear", one.clone()),
        ("rope.scaling.attn_factor", one.clone()),
        ("rope.scaling.yarn_attn_factor", one),
        ("tensor_data_layout", text("reference")),
        ("use_parallel_residual", Value::Bool(false)),
    ]
}

/// Values of a key whose right value is known, of its type and of all others.
pub fn any_values(right: &Value) -> Vec<Value> {
    let floats = [0.0, -0.0, 1.0, -1.0, f32::NAN, f32::INFINITY].map(Value::F32);
    let texts = ["reference", "Meta AI original pth", "", "jploski"].map(text);
    let numbers = [0, 1, u32::MAX].map(Value::U32);
    let others = [
        raw(0, [0]),
        raw(5, 0u32.to_le_bytes()),
        Value::Bool(false),
        Value::Bool(true),
        raw(7, [2]),
        raw(8, [&1u64.to_le_bytes()[..], b"\xff"].concat()),
        raw(10, 0u64.to_le_bytes()),
        raw(11, 0u64.to_le_bytes()),
        raw(12, 0f64.to_le_bytes()),
        raw(12, 1f64.to_le_bytes()),
        Value::I32s(vec![0]),
    ];
    let all = floats.into_iter().chain(texts).chain(numbers);
    all.chain(others).chain([right.clone()]).collect()
}

/// Whether `value` says what `neutral` says: it is equal, or both are one number in unsigned types.
pub fn says_same(value: &Value, neutral: &Value) -> bool {
    let number = unsigned(value);
    value == neutral || number.is_some() && number == unsigned(neutral)
}

fn unsigned(value: &Value) -> Option<u64> {
    match value {
        Value::U32(n) => Some((*n).into()),
        Value::Raw {
            type_id: 0 | 10,
            bytes,
        } => {
            let mut wide = [0; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            Some(u64::from_le_bytes(wide))
        }
        _ => None,
    }
}

/// What the key has to be beside the tensors of `base`.
pub fn right_value(base: &Base, name: &str) -> Value {
    match name {
        "general.architecture" => text(ARCHITECTURE),
        "rope.scaling.type" => text("linear"),
        "rope.scaling.factor" => Value::F32(8.0),
        "rope.scaling.finetuned" => raw(7, [1]),
        "attention.layer_norm_rms_epsilon" => Value::F32(1e-5),
        "rope.freq_base" => Value::F32(10_000.0),
        "rope.scaling.yarn_beta_fast" => Value::F32(16.0),
        "rope.scaling.yarn_beta_slow" => Value::F32(2.0),
        _ => Value::U32(right_number(base, name) as u32),
    }
}

fn right_number(base: &Base, name: &str) -> u64 {
    match name {
        "embedding_length" => base.n_embd,
        "block_count" => 1,
        "feed_forward_length" => base.n_ff,
        "context_length" | "rope.scaling.original_context_length" => 64,
        "attention.head_count" => base.n_heads,
        "attention.head_count_kv" => base.n_kv_heads,
        "attention.key_length" | "attention.value_length" => base.head_dim,
        "rope.dimension_count" => 2,
        "vocab_size" => base.n_vocab,
        "general.alignment" => 32,
        other => panic!("{other} is no number"),
    }
}

/// Other values: first one that is wrong for sure or of another meaning, at the end those of other types.
pub fn odd_values(base: &Base, name: &str) -> Vec<Value> {
    let mut odd = match right_value(base, name) {
        Value::String(_) if name == "general.architecture" => {
            ["mamba", "", "llama ", "LLAMA"].map(text).to_vec()
        }
        Value::String(_) => ["none", "yarn", "", "Linear"].map(text).to_vec(),
        Value::F32(_) => [1.0, 0.0, -0.0, -1.0, f32::INFINITY, f32::NAN, 1e-45]
            .map(Value::F32)
            .to_vec(),
        Value::U32(right) => numbers(base, right.into()),
        other => vec![other],
    };
    odd.extend(of_other_types(base, name));
    odd
}

fn numbers(base: &Base, right: u64) -> Vec<Value> {
    let widths = [
        raw(0, [right as u8]),
        raw(2, (right as u16).to_le_bytes()),
        raw(10, right.to_le_bytes()),
    ];
    let other = [
        right + 1,
        0,
        1,
        2,
        base.n_embd / base.n_heads,
        6,
        8,
        1 << 16,
        (1 << 20) + 1,
        (1 << 24) + 1,
        (1 << 32) + right,
        u64::MAX,
    ];
    let other = other.map(|n| raw(10, n.to_le_bytes()));
    other.into_iter().chain(widths).collect()
}

/// The same value as another type says it, as far as it can.
fn of_other_types(base: &Base, name: &str) -> Vec<Value> {
    let number = match right_value(base, name) {
        Value::U32(n) => n,
        _ => 1,
    };
    let is_float = matches!(right_value(base, name), Value::F32(_));
    let is_text = matches!(right_value(base, name), Value::String(_));
    let mut others = vec![
        raw(1, [number as u8]),
        raw(5, number.to_le_bytes()),
        raw(11, u64::from(number).to_le_bytes()),
        raw(7, [1]),
        // No such bool, and no such type.
        raw(7, [2]),
        raw(13, []),
        raw(12, f64::from(number).to_le_bytes()),
        Value::I32s(vec![number as i32]),
        Value::Strings(vec!["1".to_owned()]),
    ];
    if !is_text {
        others.push(text("1"));
    }
    others.push(if is_float {
        Value::U32(number)
    } else {
        Value::F32(number as f32)
    });
    others
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn raw(type_id: u32, bytes: impl Into<Vec<u8>>) -> Value {
    let bytes = bytes.into();
    Value::Raw { type_id, bytes }
}
