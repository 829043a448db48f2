//! I2_S tensors in the layouts that are a setting of the run.

use engine_native::I2sLayout;

use super::base::Base;
use super::{Hostile, case};

pub(super) fn in_layouts() -> Vec<(I2sLayout, Hostile)> {
    const NAME: &str = "blk.1.ffn_up.weight";
    const N_CODES: usize = 128 * 256 / 4;
    let base = Base::new();
    let code = |at: usize, byte: u8| base.with_data(NAME, at, &[byte]);
    let scale = |scale: f32| base.with_data(NAME, N_CODES, &scale.to_le_bytes());
    let two_rows = Base::of_two_kv_rows().bytes();
    let (row4, block64) = (I2sLayout::Row4, I2sLayout::Block64);
    vec![
        (
            row4,
            case("row4: code 3 in the first byte", code(0, 0x57), &[NAME]),
        ),
        (
            row4,
            case(
                "row4: code 3 in the last byte",
                code(N_CODES - 1, 0xD5),
                &[NAME],
            ),
        ),
        (
            row4,
            case("row4: scale not a number", scale(f32::NAN), &[NAME, "NaN"]),
        ),
        (row4, case("row4: scale 0", scale(0.0), &[NAME, "0"])),
        (
            row4,
            case("row4: two rows", two_rows, &["blk.0.attn_k.weight", "2"]),
        ),
        (
            block64,
            case("block64: code 3 in the first byte", code(0, 0x75), &[NAME]),
        ),
        (
            block64,
            case(
                "block64: code 3 in the last byte",
                code(N_CODES - 1, 0x5D),
                &[NAME],
            ),
        ),
        (
            block64,
            case(
                "block64: scale infinite",
                scale(f32::INFINITY),
                &[NAME, "inf"],
            ),
        ),
        (
            block64,
            case("block64: scale below zero", scale(-0.5), &[NAME, "-0.5"]),
        ),
    ]
}
