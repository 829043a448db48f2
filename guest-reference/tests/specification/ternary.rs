//! The packed form, and I2_S in its three layouts.

use guest_reference::ternary::{I2sLayout, OneScale, PackedMatrix, TernaryType, pack_row, weight};

use crate::support::random::Random;
use crate::support::ternary::{decoded, load, one_scale, signs};

const BLOCK128: I2sLayout = I2sLayout::Block128;

#[test]
fn packed_fields_hold_weights_32_apart() {
    // Byte 5 of the second block: codes 0, 1, 2, 1 from the high bits down.
    let mut row = [0x55; 64];
    row[32 + 5] = 0b00_01_10_01;
    let mut expected = [0; 256];
    (expected[128 + 5], expected[128 + 5 + 64]) = (-1, 1);
    let weights: Vec<i32> = (0..256).map(|column| weight(&row, column)).collect();
    assert_eq!(weights, expected.map(i32::from));
    let mut packed = [0; 64];
    pack_row(&expected, &mut packed);
    assert_eq!(packed, row);
}

#[test]
fn i2s_layouts_place_each_weight() {
    // (layout, byte, field) and where its weight stands among four rows of 256 columns.
    let cases = [
        (BLOCK128, 0, 0, 0),
        (BLOCK128, 33, 1, 128 + 1 + 32),
        (BLOCK128, 64 + 31, 3, 256 + 31 + 96),
        (I2sLayout::Block64, 0, 3, 48),
        (I2sLayout::Block64, 17, 1, 64 + 1 + 16),
        (I2sLayout::Block64, 64 + 50, 2, 256 + 192 + 2 + 32),
        (I2sLayout::Row4, 0, 0, 0),
        (I2sLayout::Row4, 77, 1, 256 + 77),
        (I2sLayout::Row4, 255, 3, 3 * 256 + 255),
    ];
    for (layout, byte, field, at) in cases {
        let mut bytes = [0x55; 256];
        bytes[byte] = 0x55 ^ 0b11 << (6 - 2 * field);
        let found = decoded(TernaryType::I2s, layout, 256, &bytes);
        assert_eq!(found.find('+'), Some(at), "{layout:?}, byte {byte}");
        assert_eq!(found.matches('0').count(), 1023);
    }
}

/// Rows of this layout are copied as they are; decoding and packing them gives the same bytes.
#[test]
fn block128_is_the_packed_form() {
    let mut random = Random::new(11);
    let row: Vec<u8> = (0..96).map(|_| random.codes()).collect();
    let (mut weights, mut scale) = ([0; 384], OneScale::default());
    TernaryType::I2s
        .decode(BLOCK128, &row, 384, &mut weights, &mut scale)
        .expect("valid");
    let mut packed = [0; 96];
    pack_row(&weights, &mut packed);
    assert_eq!(packed[..], row);
    let copied = load(TernaryType::I2s, BLOCK128, 384, &row).expect("valid");
    assert_eq!(copied.matrix().codes, row);
}

#[test]
fn rows_may_come_in_several_ranges() {
    let mut random = Random::new(5);
    let bytes: Vec<u8> = (0..8 * 64).map(|_| random.codes()).collect();
    for (layout, rows) in [(BLOCK128, 3), (I2sLayout::Block64, 5), (I2sLayout::Row4, 4)] {
        let whole = decoded(TernaryType::I2s, layout, 256, &bytes);
        let (first, rest) = bytes.split_at(rows * 64);
        let mut matrix = PackedMatrix::new(8, 256).expect("small");
        for (row, part) in [(0, first), (rows, rest)] {
            let loaded = matrix.load_rows(TernaryType::I2s, layout, row, part);
            loaded.expect("valid");
        }
        assert_eq!(signs(&matrix, 256), whole, "{layout:?}");
    }
}

#[test]
fn code_3_is_refused_in_every_field() {
    for field in 0..4 {
        for (layout, row) in [(BLOCK128, 5), (I2sLayout::Block64, 5), (I2sLayout::Row4, 4)] {
            let mut bytes = [0x55; 256];
            bytes[5 * 32 + 7] |= 0b11 << (2 * field);
            let why = load(TernaryType::I2s, layout, 128, &bytes)
                .err()
                .expect("code 3");
            let byte = bytes[5 * 32 + 7];
            let at = 5 * 32 + 7 - row * 32;
            let expected = format!("row {row}: byte {at} (0x{byte:02x}) holds the 2-bit code 3");
            assert!(why.starts_with(&expected), "{why}");
        }
    }
}

/// Bits 1 and 2 of a byte are both set in codes 1 and 2 side by side: no code 3.
#[test]
fn neighbouring_codes_are_not_mistaken_for_code_3() {
    assert!(load(TernaryType::I2s, BLOCK128, 128, &[0b01_10_01_10; 32]).is_ok());
}

#[test]
fn sizes_follow_the_type() {
    let types = [
        (TernaryType::I2s, 640, 32),
        (TernaryType::Tq1_0, 540, 0),
        (TernaryType::Tq2_0, 660, 0),
        (TernaryType::F32, 10_240, 0),
        (TernaryType::F16, 5120, 0),
        (TernaryType::Bf16, 5120, 0),
    ];
    for (ternary_type, row, trailer) in types {
        let found = (ternary_type.row_bytes(2560), ternary_type.trailer_bytes());
        assert_eq!(found, (row, trailer), "{ternary_type:?}");
    }
}

#[test]
fn i2s_scales_are_finite_and_positive() {
    let mut matrix = PackedMatrix::new(1, 128).expect("small");
    for scale in [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let trailer = [&scale.to_le_bytes()[..], &[0; 28]].concat();
        let why = matrix.load_scale(&trailer).expect_err("refused");
        assert_eq!(
            why,
            format!("scale is {scale}; a finite scale > 0 is required")
        );
    }
    let trailer = [&0.25f32.to_le_bytes()[..], &[0xff; 28]].concat();
    matrix
        .load_scale(&trailer)
        .expect("padding carries no meaning");
    assert_eq!(one_scale(&matrix), 0.25);
}
