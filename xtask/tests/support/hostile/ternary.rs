//! Projections in TQ1_0, TQ2_0 and the float types: invalid codes, scales and elements.

use half::{bf16, f16};
use xtask::make_model::gguf_writer::{I2_S, TQ1_0, TQ2_0};
use xtask::make_model::{DenseType, OutputMatrix, WeightType};

use super::base::Base;
use super::{Hostile, case};

const NAME: &str = "blk.1.ffn_up.weight";

/// Blocks of `ffn_up`: 256 rows of 256 columns.
const N_BLOCKS: usize = 256;
/// Bytes of a TQ2_0 block: codes, then d.
const TQ2_0_BYTES: usize = 66;
/// Bytes of a TQ1_0 block: trits, then d.
const TQ1_0_BYTES: usize = 54;

fn base(weights: WeightType) -> Base {
    Base::in_types(weights, DenseType::F16, OutputMatrix::Tied)
}

pub(super) fn bases() -> Vec<(&'static str, Base)> {
    vec![
        ("TQ1_0", base(WeightType::Tq1_0)),
        ("TQ2_0", base(WeightType::Tq2_0)),
        ("F32", base(WeightType::F32)),
        ("F16", base(WeightType::F16)),
        ("BF16", base(WeightType::Bf16)),
    ]
}

pub(super) fn codes() -> Vec<Hostile> {
    let base = base(WeightType::Tq2_0);
    let code = |at: usize, byte: u8| base.with_data(NAME, at, &[byte]);
    // A whole block: zeros, one code 3, and d = 0 of either sign.
    let without_scale = |d: f16| {
        let mut block = [0x55; TQ2_0_BYTES];
        block[40] = 0x57;
        block[64..].copy_from_slice(&d.to_le_bytes());
        base.with_data(NAME, 7 * TQ2_0_BYTES, &block)
    };
    let last = (N_BLOCKS - 1) * TQ2_0_BYTES;
    vec![
        case("TQ2_0: code 3 in the first weight", code(0, 0x57), &[NAME]),
        case(
            "TQ2_0: code 3 in the middle",
            code(TQ2_0_BYTES + 31, 0x75),
            &[NAME],
        ),
        case(
            "TQ2_0: code 3 in the last weight",
            code(last + 63, 0xD5),
            &[NAME],
        ),
        case(
            "TQ2_0: code 3 where d is 0",
            without_scale(f16::ZERO),
            &[NAME],
        ),
        case(
            "TQ2_0: code 3 where d is minus 0",
            without_scale(f16::NEG_ZERO),
            &[NAME],
        ),
    ]
}

pub(super) fn block_scales() -> Vec<Hostile> {
    let (tq1_0, tq2_0) = (base(WeightType::Tq1_0), base(WeightType::Tq2_0));
    let with = |base: &Base, block_bytes: usize, block: usize, d: f16| {
        base.with_data(NAME, (block + 1) * block_bytes - 2, &d.to_le_bytes())
    };
    let tq1_0 = |block, d| with(&tq1_0, TQ1_0_BYTES, block, d);
    let tq2_0 = |block, d| with(&tq2_0, TQ2_0_BYTES, block, d);
    // That of the other blocks is about 0.088.
    let other = f16::from_f32(0.25);
    let last = N_BLOCKS - 1;
    vec![
        case("TQ1_0: d not a number", tq1_0(0, f16::NAN), &[NAME, "NaN"]),
        case(
            "TQ1_0: d infinite",
            tq1_0(last, f16::INFINITY),
            &[NAME, "inf"],
        ),
        case("TQ1_0: d below zero", tq1_0(3, -other), &[NAME, "-"]),
        case(
            "TQ1_0: another d in the last block",
            tq1_0(last, other),
            &[NAME, "0.25"],
        ),
        case(
            "TQ2_0: d not a number",
            tq2_0(last, f16::NAN),
            &[NAME, "NaN"],
        ),
        case("TQ2_0: d infinite", tq2_0(0, f16::INFINITY), &[NAME, "inf"]),
        case(
            "TQ2_0: d minus infinity",
            tq2_0(1, f16::NEG_INFINITY),
            &[NAME, "-inf"],
        ),
        case("TQ2_0: d below zero", tq2_0(0, -other), &[NAME, "-"]),
        case(
            "TQ2_0: another d in the second block",
            tq2_0(1, other),
            &[NAME, "0.25"],
        ),
    ]
}

pub(super) fn elements() -> Vec<Hostile> {
    let (f32, f16, bf16) = (
        base(WeightType::F32),
        base(WeightType::F16),
        base(WeightType::Bf16),
    );
    let f32 = |at: usize, x: f32| f32.with_data(NAME, 4 * at, &x.to_le_bytes());
    let f16 = |at: usize, x: f32| f16.with_data(NAME, 2 * at, &f16::from_f32(x).to_le_bytes());
    let bf16 = |at: usize, x: f32| bf16.with_data(NAME, 2 * at, &bf16::from_f32(x).to_le_bytes());
    let last = 256 * 256 - 1;
    // A smaller magnitude, a larger one, and the smallest that there is.
    let least = f32::from_bits(1);
    vec![
        case(
            "F32 weight of another magnitude",
            f32(last, 0.5),
            &[NAME, "0.5"],
        ),
        case("subnormal F32 weight", f32(1000, least), &[NAME]),
        case("F32 weight not a number", f32(0, f32::NAN), &[NAME, "NaN"]),
        case(
            "F32 weight infinite",
            f32(last, f32::INFINITY),
            &[NAME, "inf"],
        ),
        case(
            "F16 weight of another magnitude",
            f16(70, -0.03125),
            &[NAME, "0.03125"],
        ),
        case(
            "F16 weight not a number",
            f16(last, f32::NAN),
            &[NAME, "NaN"],
        ),
        case(
            "F16 weight infinite",
            f16(0, f32::NEG_INFINITY),
            &[NAME, "inf"],
        ),
        case(
            "BF16 weight of another magnitude",
            bf16(300, 0.5),
            &[NAME, "0.5"],
        ),
        case(
            "BF16 weight not a number",
            bf16(9, f32::NAN),
            &[NAME, "NaN"],
        ),
        case(
            "BF16 weight infinite",
            bf16(last, f32::INFINITY),
            &[NAME, "inf"],
        ),
    ]
}

pub(super) fn columns() -> Vec<Hostile> {
    const PROJECTION: &str = "blk.0.ffn_gate.weight";
    // 128 columns in 256 rows would be half as many whole blocks.
    let narrow = Base::new();
    let blocks = 128 * 256 / 256;
    let odd = Base::of_odd_columns();
    vec![
        case(
            "TQ1_0 projection of 128 columns",
            narrow.with_type(PROJECTION, TQ1_0, blocks * TQ1_0_BYTES as u64),
            &[PROJECTION, "128"],
        ),
        case(
            "TQ2_0 projection of 128 columns",
            narrow.with_type(PROJECTION, TQ2_0, blocks * TQ2_0_BYTES as u64),
            &[PROJECTION, "128"],
        ),
        case(
            "I2_S projection of 200 columns",
            odd.with_type(PROJECTION, I2_S, 200 * 200 / 4 + 32),
            &[PROJECTION, "200"],
        ),
    ]
}
