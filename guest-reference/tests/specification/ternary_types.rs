//! TQ1_0, TQ2_0 and dense types: what the bytes of each mean, and what is refused in them.

use guest_reference::ternary::{I2sLayout, TernaryType};

use crate::support::bits::assert_same_bits;
use crate::support::ternary::{decoded, load, one_scale, signs};

const BLOCK128: I2sLayout = I2sLayout::Block128;

/// Four codes below 3 that depend on `i`.
fn codes(i: usize) -> u8 {
    let digits = i * 7 + 3;
    (0..4).fold(0, |byte, n| {
        byte | ((digits / 3usize.pow(n) % 3) as u8 * 4u8.pow(n))
    })
}

fn half(d: f32) -> [u8; 2] {
    let d = guest_reference::half::narrow(d).expect("in range");
    d.to_le_bytes()
}

fn tq2_0(d: f32) -> Vec<u8> {
    (0..64).map(codes).chain(half(d)).collect()
}

fn tq1_0(d: f32) -> Vec<u8> {
    let trits = (0..52).map(|i| (i * 37 + 11) as u8);
    trits.chain(half(d)).collect()
}

/// Signs as the `gguf` package of Python dequantizes the same bytes.
const TQ2_0_SIGNS: &str = "-0+-0+-0+-0+-0+-0+-0+-0+-0+-0+-00-++0--+00-++0--+00-++0--+00-++0\
    -00+-0++-0++-0+--0+--0+-00+-00+-----0000++++---0000++++----0000+\
    +-0+-0+-0+-0+-0+-0+-0+-0+-0+-0+---+00-++0--+00-++0--+00-++0--+00\
    0++-0++-0+--0+--0+-00+-00+-0++-0+++----000++++----0000++++----00";
const TQ1_0_SIGNS: &str = "---00++--000++--000++--000++--00-0+0+-+-0-0+-+-0-0+0+-+-0+0+-+-0\
    0++-0+-0+-0++-0+-0+-0+--0+-0+-0+--++++000---++++000----+++000---\
    0-+0--+0-+0-++0-+0-+0--+0-+0-++0+++--00+++--00++-0+-+-0-0+0+-0-0\
    --0+-0+-0+--0+-0-+++0000---++++0-+0-+00-+0-+0--++--0+0+-+-0+00--";

#[test]
fn tq_blocks_decode_as_elsewhere() {
    let found = load(TernaryType::Tq2_0, BLOCK128, 256, &tq2_0(0.75)).expect("valid");
    assert_eq!(signs(&found, 256), TQ2_0_SIGNS);
    assert_eq!(one_scale(&found), 0.75);
    let found = load(TernaryType::Tq1_0, BLOCK128, 256, &tq1_0(0.75)).expect("valid");
    assert_eq!(signs(&found, 256), TQ1_0_SIGNS);
    assert_eq!(one_scale(&found), 0.75);
}

#[test]
fn tq_blocks_without_scale_are_zeros() {
    let zeros = "0".repeat(256);
    for (ternary_type, block) in [
        (TernaryType::Tq1_0, tq1_0 as fn(f32) -> Vec<u8>),
        (TernaryType::Tq2_0, tq2_0),
    ] {
        let signs_alone = decoded(ternary_type, BLOCK128, 256, &block(0.5));
        let bytes = [block(0.0), block(0.5), block(-0.0), block(0.5)].concat();
        let found = load(ternary_type, BLOCK128, 512, &bytes).expect("valid");
        assert_eq!(
            signs(&found, 512),
            [&zeros, signs_alone.as_str()].concat().repeat(2)
        );
        assert_eq!(one_scale(&found), 0.5);
        let found = load(ternary_type, BLOCK128, 256, &block(0.0)).expect("valid");
        assert_eq!(
            (signs(&found, 256), one_scale(&found)),
            (zeros.clone(), 1.0)
        );
    }
}

#[test]
fn tq_scales_are_one_and_not_negative() {
    for (ternary_type, block) in [
        (TernaryType::Tq1_0, tq1_0 as fn(f32) -> Vec<u8>),
        (TernaryType::Tq2_0, tq2_0),
    ] {
        let bytes = [block(0.5), block(0.0), block(0.25)].concat();
        let why = load(ternary_type, BLOCK128, 256, &bytes)
            .err()
            .expect("two scales");
        assert_eq!(
            why,
            "row 2: scale is 0.25 after 0.5; one scale for the whole tensor is required (TriLM has several)"
        );
        for (d, found) in [(0xb800u16, "-0.5"), (0x7c00, "inf"), (0x7e00, "NaN")] {
            let mut bytes = block(0.5);
            let at = bytes.len() - 2;
            bytes[at..].copy_from_slice(&d.to_le_bytes());
            let why = load(ternary_type, BLOCK128, 256, &bytes)
                .err()
                .expect("scale");
            let expected = format!("row 0: scale is {found}; a finite scale >= 0 is required");
            assert_eq!(why, expected);
        }
    }
}

/// Also in a block that counts as zeros.
#[test]
fn code_3_in_tq2_0() {
    for field in 0..4 {
        let mut bytes = tq2_0(0.0);
        bytes[63] |= 0b11 << (2 * field);
        let why = load(TernaryType::Tq2_0, BLOCK128, 256, &bytes)
            .err()
            .expect("code 3");
        assert!(why.starts_with("row 0: byte 63 "), "{why}");
    }
}

fn dense(ternary_type: TernaryType, values: &[f32]) -> Vec<u8> {
    let bytes = |x: f32| match ternary_type {
        TernaryType::F16 => half(x).to_vec(),
        TernaryType::Bf16 => x.to_le_bytes()[2..].to_vec(),
        _ => x.to_le_bytes().to_vec(),
    };
    values.iter().flat_map(|&x| bytes(x)).collect()
}

const DENSE: [TernaryType; 3] = [TernaryType::F32, TernaryType::F16, TernaryType::Bf16];

#[test]
fn dense_rows_of_any_width_are_signs_and_one_scale() {
    for ternary_type in DENSE {
        let bytes = dense(ternary_type, &[0.0, 1.5, -0.0, -1.5, 1.5, 0.0]);
        let found = load(ternary_type, BLOCK128, 3, &bytes).expect("valid");
        assert_eq!(
            (signs(&found, 3).as_str(), one_scale(&found)),
            ("0+0-+0", 1.5)
        );
        let found = load(
            ternary_type,
            BLOCK128,
            2,
            &dense(ternary_type, &[0.0, -0.0]),
        );
        let found = found.expect("valid");
        assert_eq!((signs(&found, 2).as_str(), one_scale(&found)), ("00", 1.0));
    }
    // The smallest and the largest scales of f32.
    for scale in [f32::from_bits(1), f32::MAX] {
        let found = load(
            TernaryType::F32,
            BLOCK128,
            1,
            &dense(TernaryType::F32, &[-scale]),
        );
        assert_same_bits(&[one_scale(&found.expect("valid"))], &[scale]);
    }
}

#[test]
fn dense_rows_have_one_magnitude() {
    for ternary_type in DENSE {
        let bytes = dense(ternary_type, &[0.0, 1.5, -1.5, 0.5]);
        let why = load(ternary_type, BLOCK128, 2, &bytes)
            .err()
            .expect("two magnitudes");
        assert_eq!(
            why,
            "row 1: element 1: scale is 0.5 after 1.5; one scale for the whole tensor is required (TriLM has several)"
        );
    }
    let next = 1.5f32.next_up();
    let bytes = dense(TernaryType::F32, &[1.5, next]);
    assert!(load(TernaryType::F32, BLOCK128, 2, &bytes).is_err());
}

#[test]
fn dense_elements_are_finite() {
    for (ternary_type, infinity) in [
        (TernaryType::F32, f32::INFINITY.to_le_bytes().to_vec()),
        (TernaryType::F16, vec![0x00, 0x7c]),
        (TernaryType::Bf16, vec![0x80, 0x7f]),
    ] {
        let bytes = [dense(ternary_type, &[1.0]), infinity].concat();
        let why = load(ternary_type, BLOCK128, 2, &bytes)
            .err()
            .expect("not finite");
        assert_eq!(why, "row 0: element 1 is inf; a finite value is required");
    }
}
