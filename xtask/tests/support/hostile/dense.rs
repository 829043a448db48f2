//! Token embeddings and output matrices: scales and elements that are not finite, types that have
//! no place there.

use half::{bf16, f16};
use xtask::make_model::gguf_writer::{Q4_K, Q6_K, Q8_0, TQ2_0};
use xtask::make_model::{DenseType, OutputMatrix, WeightType};

use super::base::{Base, N_VOCAB};
use super::{Hostile, case};

const EMBEDDING: &str = "token_embd.weight";
const OUTPUT: &str = "output.weight";

fn base(embedding: DenseType, output: DenseType) -> Base {
    Base::in_types(WeightType::I2S, embedding, OutputMatrix::Own(output))
}

pub(super) fn bases() -> Vec<(&'static str, Base)> {
    vec![
        ("Q8_0 and Q6_K rows", base(DenseType::Q8_0, DenseType::Q6K)),
        ("Q6_K and Q4_K rows", base(DenseType::Q6K, DenseType::Q4K)),
        ("Q4_K and BF16 rows", base(DenseType::Q4K, DenseType::Bf16)),
        ("BF16 and F32 rows", base(DenseType::Bf16, DenseType::F32)),
        ("F32 and Q8_0 rows", base(DenseType::F32, DenseType::Q8_0)),
    ]
}

/// Rows have 256 columns: one block of the 256-element types.
pub(super) fn scales() -> Vec<Hostile> {
    let q6_k = base(DenseType::Q6K, DenseType::Q4K);
    let q4_k = base(DenseType::Q4K, DenseType::Q8_0);
    let q8_0 = base(DenseType::Q8_0, DenseType::Q6K);
    let (nan, inf) = (f16::NAN.to_le_bytes(), f16::NEG_INFINITY.to_le_bytes());
    let last = N_VOCAB as usize - 1;
    vec![
        case(
            "Q8_0: d not a number",
            q8_0.with_data(EMBEDDING, 0, &nan),
            &[EMBEDDING],
        ),
        case(
            "Q8_0: d infinite in the last block",
            q8_0.with_data(EMBEDDING, (8 * last + 7) * 34, &inf),
            &[EMBEDDING],
        ),
        case(
            "Q6_K: d not a number",
            q6_k.with_data(EMBEDDING, 208, &nan),
            &[EMBEDDING],
        ),
        case(
            "Q6_K: d infinite in the last row",
            q6_k.with_data(EMBEDDING, last * 210 + 208, &inf),
            &[EMBEDDING],
        ),
        case(
            "Q4_K: d infinite",
            q4_k.with_data(EMBEDDING, 144, &inf),
            &[EMBEDDING],
        ),
        case(
            "Q4_K: dmin not a number in the last row",
            q4_k.with_data(EMBEDDING, last * 144 + 2, &nan),
            &[EMBEDDING],
        ),
        case(
            "Q8_0 output: d infinite",
            q4_k.with_data(OUTPUT, 34, &inf),
            &[OUTPUT],
        ),
        case(
            "Q6_K output: d not a number",
            q8_0.with_data(OUTPUT, 418, &nan),
            &[OUTPUT],
        ),
        case(
            "Q4_K output: d not a number",
            q6_k.with_data(OUTPUT, 0, &nan),
            &[OUTPUT],
        ),
        case(
            "Q4_K output: dmin infinite",
            q6_k.with_data(OUTPUT, 2, &inf),
            &[OUTPUT],
        ),
    ]
}

pub(super) fn elements() -> Vec<Hostile> {
    let bf16s = base(DenseType::Bf16, DenseType::F32);
    let f32s = base(DenseType::F32, DenseType::Bf16);
    let last = N_VOCAB as usize * 256 - 1;
    let (nan, inf) = (bf16::NAN.to_le_bytes(), bf16::INFINITY.to_le_bytes());
    let (wide_nan, wide_inf) = (f32::NAN.to_le_bytes(), f32::INFINITY.to_le_bytes());
    vec![
        case(
            "BF16: NaN in the first embedding",
            bf16s.with_data(EMBEDDING, 0, &nan),
            &[EMBEDDING],
        ),
        case(
            "BF16: infinity in the last embedding",
            bf16s.with_data(EMBEDDING, 2 * last, &inf),
            &[EMBEDDING],
        ),
        case(
            "BF16: infinity in the output",
            f32s.with_data(OUTPUT, 600, &inf),
            &[OUTPUT],
        ),
        case(
            "F32: NaN in an embedding",
            f32s.with_data(EMBEDDING, 4 * last, &wide_nan),
            &[EMBEDDING],
        ),
        case(
            "F32: infinity in the output",
            bf16s.with_data(OUTPUT, 4, &wide_inf),
            &[OUTPUT],
        ),
    ]
}

pub(super) fn columns() -> Vec<Hostile> {
    let narrow = Base::new();
    let odd = Base::of_odd_columns();
    vec![
        case(
            "Q6_K embedding of 128 columns",
            narrow.with_type(EMBEDDING, Q6_K, N_VOCAB / 2 * 210),
            &[EMBEDDING, "128"],
        ),
        case(
            "Q4_K embedding of 128 columns",
            narrow.with_type(EMBEDDING, Q4_K, N_VOCAB / 2 * 144),
            &[EMBEDDING, "128"],
        ),
        case(
            "Q8_0 embedding of 200 columns",
            odd.with_type(EMBEDDING, Q8_0, N_VOCAB * 200 / 32 * 34),
            &[EMBEDDING, "200"],
        ),
    ]
}

pub(super) fn types() -> Vec<Hostile> {
    let base = base(DenseType::F32, DenseType::F32);
    vec![
        case(
            "TQ2_0 embedding",
            base.with_type(EMBEDDING, TQ2_0, N_VOCAB * 66),
            &[EMBEDDING, "TQ2_0"],
        ),
        case(
            "TQ2_0 output matrix",
            base.with_type(OUTPUT, TQ2_0, N_VOCAB * 66),
            &[OUTPUT, "TQ2_0"],
        ),
        case(
            "Q4_K projection",
            base.with_type("blk.0.attn_q.weight", Q4_K, 256 * 144),
            &["blk.0.attn_q.weight", "Q4_K"],
        ),
        case(
            "Q6_K projection",
            base.with_type("blk.1.ffn_down.weight", Q6_K, 256 * 210),
            &["blk.1.ffn_down.weight", "Q6_K"],
        ),
    ]
}
