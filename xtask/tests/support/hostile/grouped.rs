//! Grouped ternary tensors, and what `qwen3` has of its own: norms of heads, and YaRN.

use engine_native::Architecture;
use half::f16;
use xtask::make_model::gguf_writer::{F16, F32, I2_S, PQ2_0, Value};
use xtask::make_model::{DenseType, GroupedType, OutputMatrix, WeightType};

use super::base::Base;
use super::{Hostile, case};

const NAME: &str = "blk.1.ffn_up.weight";
const EMBEDDING: &str = "token_embd.weight";
const OUTPUT: &str = "output.weight";

/// Bytes of a block of 64 in Q2_0: d, then codes.
const Q2_0_BYTES: usize = 18;
/// Bytes of a block of 128 in PQ2_0: d, then codes.
const PQ2_0_BYTES: usize = 34;
/// Bytes of a block of 128 in PTQ1_0: trits, then d.
const PTQ1_0_BYTES: usize = 28;
/// Weights of `ffn_up`: 256 rows of 256 columns.
const N_WEIGHTS: usize = 256 * 256;

/// `qwen3` with all matrices of one type, and an output matrix of its own.
fn qwen3(grouped: GroupedType) -> Base {
    let rows = DenseType::Grouped(grouped);
    Base::qwen3(WeightType::Grouped(grouped), rows, OutputMatrix::Own(rows))
}

pub(super) fn bases() -> Vec<(&'static str, Base)> {
    let f16 = DenseType::F16;
    vec![
        ("qwen3 in Q2_0", qwen3(GroupedType::Q2_0)),
        ("qwen3 in the older Q2_0", qwen3(GroupedType::Q2_0G128)),
        ("qwen3 in PQ2_0", qwen3(GroupedType::Pq2_0)),
        ("qwen3 in PTQ1_0", qwen3(GroupedType::Ptq1_0)),
        (
            "qwen3 in I2_S",
            Base::qwen3(WeightType::I2S, f16, OutputMatrix::Tied),
        ),
    ]
}

pub(super) fn codes() -> Vec<Hostile> {
    let (q2_0, older, pq2_0) = (
        qwen3(GroupedType::Q2_0),
        qwen3(GroupedType::Q2_0G128),
        qwen3(GroupedType::Pq2_0),
    );
    let last = |block_len: usize, block_bytes: usize| N_WEIGHTS / block_len * block_bytes - 1;
    vec![
        case(
            "Q2_0: code 3 in the first weight",
            q2_0.with_data(NAME, 2, &[0x57]),
            &[NAME],
        ),
        case(
            "Q2_0: code 3 in the last weight",
            q2_0.with_data(NAME, last(64, Q2_0_BYTES), &[0xD5]),
            &[NAME],
        ),
        case(
            "Q2_0: code 3 where d is 0",
            q2_0.with_data(NAME, 5 * Q2_0_BYTES, &[0, 0, 0x55, 0x75]),
            &[NAME],
        ),
        case(
            "older Q2_0: code 3 in the second half of a block",
            older.with_data(NAME, 3 * PQ2_0_BYTES + 20, &[0x5D]),
            &[NAME],
        ),
        case(
            "PQ2_0: code 3 in the last weight",
            pq2_0.with_data(NAME, last(128, PQ2_0_BYTES), &[0xC0]),
            &[NAME],
        ),
        case(
            "Q2_0 embedding: code 3 in a row",
            q2_0.with_data(EMBEDDING, 77 * 4 * Q2_0_BYTES + 9, &[0x0C]),
            &[EMBEDDING],
        ),
        case(
            "PQ2_0 output matrix: code 3 in the last row",
            pq2_0.with_data(OUTPUT, 257 * 2 * PQ2_0_BYTES + 2, &[0x03]),
            &[OUTPUT],
        ),
    ]
}

pub(super) fn scales() -> Vec<Hostile> {
    let (q2_0, pq2_0, ptq1_0) = (
        qwen3(GroupedType::Q2_0),
        qwen3(GroupedType::Pq2_0),
        qwen3(GroupedType::Ptq1_0),
    );
    let q2_0_d =
        |name, block: usize, d: f16| q2_0.with_data(name, block * Q2_0_BYTES, &d.to_le_bytes());
    let pq2_0_d =
        |name, block: usize, d: f16| pq2_0.with_data(name, block * PQ2_0_BYTES, &d.to_le_bytes());
    let ptq1_0_d = |name, block: usize, d: f16| {
        ptq1_0.with_data(name, (block + 1) * PTQ1_0_BYTES - 2, &d.to_le_bytes())
    };
    let below = f16::from_f32(-0.25);
    let least = -f16::MIN_POSITIVE_SUBNORMAL;
    vec![
        case(
            "Q2_0: d not a number",
            q2_0_d(NAME, 0, f16::NAN),
            &[NAME, "NaN"],
        ),
        case(
            "Q2_0: d infinite",
            q2_0_d(NAME, 1023, f16::INFINITY),
            &[NAME, "inf"],
        ),
        case(
            "Q2_0: d below zero",
            q2_0_d(NAME, 65, below),
            &[NAME, "-0.25"],
        ),
        case(
            "PQ2_0: d minus infinity",
            pq2_0_d(NAME, 511, f16::NEG_INFINITY),
            &[NAME, "-inf"],
        ),
        case(
            "PQ2_0: d just below zero",
            pq2_0_d(NAME, 1, least),
            &[NAME, "-"],
        ),
        case(
            "PTQ1_0: d not a number",
            ptq1_0_d(NAME, 511, f16::NAN),
            &[NAME, "NaN"],
        ),
        case(
            "PTQ1_0: d infinite",
            ptq1_0_d(NAME, 0, f16::INFINITY),
            &[NAME, "inf"],
        ),
        case(
            "PTQ1_0: d below zero",
            ptq1_0_d(NAME, 64, below),
            &[NAME, "-0.25"],
        ),
        case(
            "Q2_0 embedding: d infinite",
            q2_0_d(EMBEDDING, 1031, f16::INFINITY),
            &[EMBEDDING, "inf"],
        ),
        case(
            "PTQ1_0 output matrix: d below zero",
            ptq1_0_d(OUTPUT, 515, below),
            &[OUTPUT, "-0.25"],
        ),
    ]
}

/// Projections of which some have one scale and some have many.
pub(super) fn kinds() -> Vec<Hostile> {
    const FIRST: &str = "blk.0.attn_q.weight";
    const LAST: &str = "blk.1.ffn_down.weight";
    let (q2_0, i2_s) = (
        qwen3(GroupedType::Q2_0),
        Base::qwen3(WeightType::I2S, DenseType::F16, OutputMatrix::Tied),
    );
    let n_f16 = 2 * N_WEIGHTS as u64;
    let n_i2_s = N_WEIGHTS as u64 / 4 + 32;
    let n_pq2_0 = (N_WEIGHTS / 128 * PQ2_0_BYTES) as u64;
    vec![
        case(
            "the last projection is F16, the others Q2_0",
            q2_0.with_type(LAST, F16, n_f16),
            &[LAST],
        ),
        case(
            "a projection in the middle is I2_S, the others Q2_0",
            q2_0.with_type(NAME, I2_S, n_i2_s),
            &[NAME],
        ),
        case(
            "the last projection is PQ2_0, the others I2_S",
            i2_s.with_type(LAST, PQ2_0, n_pq2_0),
            &[LAST, FIRST],
        ),
    ]
}

pub(super) fn head_norms() -> Vec<Hostile> {
    const QUERIES: &str = "blk.0.attn_q_norm.weight";
    const KEYS: &str = "blk.1.attn_k_norm.weight";
    let qwen3 = qwen3(GroupedType::Ptq1_0);
    let llama = Base::of_architecture(Architecture::Llama);
    let ones = |n: usize| 1f32.to_le_bytes().repeat(n);
    vec![
        case(
            "no norm of query heads",
            qwen3.without_tensor(QUERIES),
            &[QUERIES],
        ),
        case("no norm of key heads", qwen3.without_tensor(KEYS), &[KEYS]),
        case(
            "a norm of all query heads together",
            qwen3.with_other(QUERIES, &[256], F32, 4 * 256),
            &[QUERIES, "256"],
        ),
        case(
            "a norm of key heads in Q2_0",
            qwen3.with_type(KEYS, PQ2_0, PQ2_0_BYTES as u64),
            &[KEYS, "PQ2_0"],
        ),
        case(
            "a norm of key heads that is not a number",
            qwen3.with_data(KEYS, 4 * 127, &f32::NAN.to_le_bytes()),
            &[KEYS, "NaN"],
        ),
        case(
            "a norm of query heads in llama",
            llama.with_new_tensor(QUERIES, &[64], F32, &ones(64)),
            &[QUERIES],
        ),
        case(
            "a sub-norm in qwen3",
            qwen3.with_new_tensor("blk.0.ffn_sub_norm.weight", &[256], F32, &ones(256)),
            &["blk.0.ffn_sub_norm.weight"],
        ),
        case(
            "RoPE factors of qwen3",
            qwen3.with_new_tensor("rope_freqs.weight", &[64], F32, &ones(64)),
            &["rope_freqs.weight"],
        ),
    ]
}

pub(super) fn yarn() -> Vec<Hostile> {
    const BASE: &str = "rope.freq_base";
    const FACTOR: &str = "rope.scaling.factor";
    const LENGTH: &str = "rope.scaling.original_context_length";
    const FAST: &str = "rope.scaling.yarn_beta_fast";
    const SLOW: &str = "rope.scaling.yarn_beta_slow";
    let qwen3 = qwen3(GroupedType::Pq2_0);
    // YaRN by 4 from 32 positions, changed: a key without a value is removed.
    let with = |scaling: &str, changes: &[(&str, Option<Value>)]| {
        let usual = [(FACTOR, Value::F32(4.0)), (LENGTH, Value::U32(32))];
        qwen3.with_header(|header| {
            let mut set = |suffix: &str, value: Option<Value>| {
                let name = format!("qwen3.{suffix}");
                header.keys.retain(|(key, _)| *key != name);
                if let Some(value) = value {
                    header.push_key(&name, value);
                }
            };
            set("rope.scaling.type", Some(Value::String(scaling.into())));
            for (suffix, value) in usual {
                set(suffix, Some(value));
            }
            for (suffix, value) in changes {
                set(suffix, value.clone());
            }
        })
    };
    let f32 = |x: f32| Some(Value::F32(x));
    vec![
        case(
            "YaRN without a factor",
            with("yarn", &[(FACTOR, None)]),
            &[FACTOR],
        ),
        case(
            "YaRN with factor 0",
            with("yarn", &[(FACTOR, f32(0.0))]),
            &[FACTOR, "0"],
        ),
        case(
            "YaRN without an original length",
            with("yarn", &[(LENGTH, None)]),
            &[LENGTH],
        ),
        case(
            "YaRN with an original length of 0",
            with("yarn", &[(LENGTH, Some(Value::U32(0)))]),
            &[LENGTH, "0"],
        ),
        case(
            "YaRN with an original length beyond all models",
            with("yarn", &[(LENGTH, Some(Value::U32((1 << 24) + 1)))]),
            &[LENGTH, "16777217"],
        ),
        case(
            "YaRN with an original length as a float",
            with("yarn", &[(LENGTH, f32(32.0))]),
            &[LENGTH],
        ),
        case(
            "YaRN on a base of 1",
            with("yarn", &[(BASE, f32(1.0))]),
            &[BASE, "1"],
        ),
        case(
            "YaRN on a base below 1",
            with("yarn", &[(BASE, f32(0.5))]),
            &[BASE, "0.5"],
        ),
        case(
            "YaRN with beta_fast not a number",
            with("yarn", &[(FAST, f32(f32::NAN))]),
            &[FAST, "NaN"],
        ),
        case(
            "YaRN with beta_slow 0",
            with("yarn", &[(SLOW, f32(0.0))]),
            &[SLOW, "0"],
        ),
        case(
            "YaRN with equal betas",
            with("yarn", &[(FAST, f32(1.0))]),
            &[FAST, "1"],
        ),
        case(
            "YaRN with betas exchanged",
            with("yarn", &[(SLOW, f32(40.0))]),
            &["yarn_beta", "40"],
        ),
        case(
            "beta_fast without YaRN",
            with("linear", &[(FAST, f32(32.0))]),
            &[FAST],
        ),
        case(
            "an attention factor of YaRN",
            with("yarn", &[("rope.scaling.attn_factor", f32(0.5))]),
            &["rope.scaling.attn_factor"],
        ),
    ]
}
