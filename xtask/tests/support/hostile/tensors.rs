//! Tensors that are missing, unknown, misplaced, of the wrong shape or type, or of invalid contents.

use xtask::make_model::gguf_writer::{BF16, F32, I2_S, Q8_0};

use super::base::Base;
use super::{Hostile, case};

/// ggml's id of a 4-bit type, 18 bytes for 32 weights.
const Q4_0: u32 = 2;

pub(super) fn missing_tensors(base: &Base) -> Vec<Hostile> {
    let without = |name: &str| base.without_tensor(name);
    vec![
        case(
            "no embedding",
            without("token_embd.weight"),
            &["token_embd.weight"],
        ),
        case(
            "no final norm",
            without("output_norm.weight"),
            &["output_norm.weight"],
        ),
        case(
            "no sub-norm",
            without("blk.0.attn_sub_norm.weight"),
            &["blk.0.attn_sub_norm.weight"],
        ),
        case(
            "no projection",
            without("blk.1.ffn_down.weight"),
            &["blk.1.ffn_down.weight"],
        ),
    ]
}

pub(super) fn extra_tensors(base: &Base) -> Vec<Hostile> {
    let with =
        |name: &str, n: u64| base.with_header(|header| header.push_tensor(name, &[n], F32, 4 * n));
    vec![
        case(
            "a bias",
            with("blk.0.attn_q.bias", 128),
            &["blk.0.attn_q.bias"],
        ),
        case(
            "RoPE factors",
            with("rope_freqs.weight", 32),
            &["rope_freqs.weight"],
        ),
        case(
            "a norm past the last block",
            with("blk.2.attn_norm.weight", 128),
            &["blk.2.attn_norm.weight"],
        ),
        case(
            "block number with a leading zero",
            with("blk.00.attn_norm.weight", 128),
            &["blk.00.attn_norm.weight"],
        ),
        case("tensor without a name", with("", 128), &["tensor"]),
        case(
            "duplicate tensor",
            with("blk.1.attn_norm.weight", 128),
            &["blk.1.attn_norm.weight"],
        ),
    ]
}

pub(super) fn dimensions(base: &Base) -> Vec<Hostile> {
    const NAME: &str = "blk.0.ffn_gate.weight";
    /// Three times this is 1, modulo 2^64.
    const THIRD: u64 = 0xAAAA_AAAA_AAAA_AAAB;
    let with = |dims: &[u64]| base.with_tensor(NAME, |tensor| tensor.dims = dims.to_vec());
    let norm = |n: u64| base.with_tensor("output_norm.weight", |tensor| tensor.dims = vec![n]);
    let many = u32::MAX.to_le_bytes();
    vec![
        case("no dimensions", with(&[]), &[NAME, "0"]),
        case("five dimensions", with(&[128, 256, 1, 1, 1]), &[NAME, "5"]),
        case(
            "2^32 - 1 dimensions",
            base.with_patch(NAME, NAME.len(), &many),
            &[NAME, "4294967295"],
        ),
        case("dimension 0", with(&[128, 0]), &[NAME, "0"]),
        case("dimensions that overflow", with(&[1 << 63, 2]), &[NAME]),
        case(
            "dimensions that wrap to the right size",
            with(&[128, 256, 3, THIRD]),
            &[NAME],
        ),
        case("dimensions past memory", with(&[1 << 40, 1 << 20]), &[NAME]),
        case(
            "rows and columns swapped",
            with(&[256, 128]),
            &[NAME, "256"],
        ),
        case(
            "one row too few",
            base.with_other(NAME, &[128, 255], I2_S, 255 * 32 + 32),
            &[NAME, "255"],
        ),
        case("half a block of columns", with(&[64, 512]), &[NAME, "64"]),
        case(
            "norm too short",
            base.with_other("output_norm.weight", &[64], F32, 256),
            &["output_norm.weight", "64"],
        ),
        case(
            "norm whose byte count overflows",
            norm(1 << 62),
            &["output_norm.weight"],
        ),
    ]
}

pub(super) fn element_types(base: &Base) -> Vec<Hostile> {
    const PROJECTION: &str = "blk.1.attn_v.weight";
    const N_WEIGHTS: u64 = 128 * 64;
    let projection = |type_id, n_bytes| base.with_type(PROJECTION, type_id, n_bytes);
    vec![
        case(
            "Q4_0 projection",
            projection(Q4_0, N_WEIGHTS / 32 * 18),
            &[PROJECTION, "Q4_0"],
        ),
        case(
            "Q8_0 projection",
            projection(Q8_0, N_WEIGHTS / 32 * 34),
            &[PROJECTION, "Q8_0"],
        ),
        case(
            "projection of unknown type",
            projection(9999, N_WEIGHTS),
            &[PROJECTION, "9999"],
        ),
        case(
            "I2_S norm",
            base.with_type("output_norm.weight", I2_S, 64),
            &["output_norm.weight", "I2_S"],
        ),
        case(
            "BF16 norm",
            base.with_type("blk.0.ffn_norm.weight", BF16, 256),
            &["blk.0.ffn_norm.weight", "BF16"],
        ),
        case(
            "Q8_0 norm",
            base.with_type("blk.1.attn_sub_norm.weight", Q8_0, 128 / 32 * 34),
            &["blk.1.attn_sub_norm.weight", "Q8_0"],
        ),
        case(
            "I2_S embedding",
            base.with_type("token_embd.weight", I2_S, 258 * 32 + 32),
            &["token_embd.weight", "I2_S"],
        ),
        case(
            "Q4_0 embedding",
            base.with_type("token_embd.weight", Q4_0, 258 * 128 / 32 * 18),
            &["token_embd.weight", "Q4_0"],
        ),
    ]
}

pub(super) fn offsets(base: &Base) -> Vec<Hostile> {
    const NAME: &str = "blk.0.attn_k.weight";
    let with = |offset| base.with_tensor(NAME, |tensor| tensor.offset = offset);
    let end = base.header.data_bytes();
    let before = base
        .header
        .tensors
        .iter()
        .find(|tensor| tensor.name == "blk.0.attn_q.weight");
    let before = before.unwrap().offset;
    vec![
        case("unaligned offset", with(before + 1), &[NAME]),
        case("offset aligned to 16 only", with(end + 16), &[NAME]),
        case("offset past the file", with(end), &[NAME]),
        case("offset that overflows", with(u64::MAX - 31), &[NAME]),
        case("gap before a tensor", with(before + 4096), &[NAME]),
        case("two tensors in one place", with(before), &["blk.0.attn_"]),
        case("tensor inside another", with(before + 64), &["blk.0.attn_"]),
    ]
}

pub(super) fn weights(base: &Base) -> Vec<Hostile> {
    const NAME: &str = "blk.1.ffn_up.weight";
    let code = |at, byte: u8| base.with_data(NAME, at, &[byte]);
    let (nan, inf) = (f32::NAN.to_le_bytes(), f32::INFINITY.to_le_bytes());
    let embedding =
        |row: usize, bytes: &[u8]| base.with_data("token_embd.weight", row * 256, bytes);
    vec![
        case("code 3 in the first weight", code(0, 0xC0), &[NAME]),
        case(
            "code 3 in the last weight",
            code(128 * 256 / 4 - 1, 0x03),
            &[NAME],
        ),
        case("code 3 in the middle", code(1000, 0x5D), &[NAME]),
        case(
            "NaN in a norm",
            base.with_data("blk.0.ffn_sub_norm.weight", 1020, &nan),
            &["blk.0.ffn_sub_norm.weight"],
        ),
        case(
            "infinity in the final norm",
            base.with_data("output_norm.weight", 0, &inf),
            &["output_norm.weight"],
        ),
        case(
            "infinity in the first embedding",
            embedding(0, &[0x00, 0x7C]),
            &["token_embd.weight"],
        ),
        case(
            "NaN in the last embedding",
            embedding(257, &[0x01, 0xFC]),
            &["token_embd.weight"],
        ),
    ]
}

pub(super) fn scales(base: &Base) -> Vec<Hostile> {
    const NAME: &str = "blk.0.attn_output.weight";
    let with = |scale: f32| base.with_data(NAME, 128 * 128 / 4, &scale.to_le_bytes());
    vec![
        case("scale 0", with(0.0), &[NAME, "0"]),
        case("scale minus 0", with(-0.0), &[NAME, "0"]),
        case("scale below zero", with(-0.125), &[NAME, "-0.125"]),
        case("scale infinite", with(f32::INFINITY), &[NAME, "inf"]),
        case("scale not a number", with(f32::NAN), &[NAME, "NaN"]),
    ]
}
