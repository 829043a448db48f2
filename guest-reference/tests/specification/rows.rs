//! Rows stored as numbers, and the ternary packing.

use guest_reference::error::Error;
use guest_reference::half;
use guest_reference::rows::RowType;
use guest_reference::ternary::{validate, weight};

fn q8_0_block(scale: u16, weights: impl Fn(i8) -> i8) -> Vec<u8> {
    let weights = (0..32).map(|i| weights(i).cast_unsigned());
    scale.to_le_bytes().into_iter().chain(weights).collect()
}

fn refused(row_type: RowType, bytes: &[u8]) -> String {
    match row_type.check_finite("some.weight", bytes) {
        Err(Error::Malformed(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_of_each_type_decode() {
    let mut out = [0.0; 2];
    let bytes: Vec<u8> = [1.5f32, -2.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    RowType::F32.decode(&bytes, &mut out);
    assert_eq!(out, [1.5, -2.0]);
    RowType::F16.decode(&[0x00, 0x3c, 0x01, 0x80], &mut out);
    assert_eq!(out, [1.0, -(2f32.powi(-24))]);
}

#[test]
fn q8_0_multiplies_each_block_by_its_scale() {
    let half = |x| half::narrow(x).expect("in range");
    let mut bytes = q8_0_block(half(0.5), |i| i - 16);
    bytes.extend(q8_0_block(half(-65_504.0), |i| -128 + i));
    let mut out = [0.0; 64];
    RowType::Q8_0.decode(&bytes, &mut out);
    assert_eq!((out[0], out[16], out[31]), (-8.0, 0.0, 7.5));
    assert_eq!((out[32], out[63]), (65_504.0 * 128.0, 65_504.0 * 97.0));
}

#[test]
fn row_bytes_follow_the_type() {
    let types = [RowType::F32, RowType::F16, RowType::Q8_0];
    assert_eq!(types.map(|t| t.row_bytes(2560)), [10_240, 5120, 2720]);
}

#[test]
fn numbers_that_are_not_finite_are_refused_by_index() {
    let bytes = [0.0f32, f32::MAX, f32::NAN].map(f32::to_le_bytes).concat();
    RowType::F32.check_finite("w", &bytes[..8]).expect("finite");
    assert!(refused(RowType::F32, &bytes).starts_with("tensor `some.weight`: element 2 "));
    let bytes = [0x7bffu16, 0xfc00].map(u16::to_le_bytes).concat();
    assert!(refused(RowType::F16, &bytes).starts_with("tensor `some.weight`: element 1 "));
    let mut bytes = q8_0_block(0x3c00, |_| -1);
    // Weights of all ones look like a NaN only when misread.
    RowType::Q8_0.check_finite("w", &bytes).expect("finite");
    bytes.extend(q8_0_block(0x7e00, |_| 0));
    assert!(refused(RowType::Q8_0, &bytes).contains("scale of block 1 "));
}

#[test]
fn ternary_fields_hold_weights_32_apart() {
    // Byte 5 of the second block: codes 0, 1, 2, 1 from the high bits down.
    let mut row = [0x55; 64];
    row[32 + 5] = 0b00_01_10_01;
    let weights: Vec<i32> = (0..256).map(|column| weight(&row, column)).collect();
    let mut expected = vec![0; 256];
    (expected[128 + 5], expected[128 + 5 + 64]) = (-1, 1);
    assert_eq!(weights, expected);
}

fn ternary_tensor(scale: f32) -> Vec<u8> {
    let mut bytes = vec![0xa4; 64];
    bytes.extend(scale.to_le_bytes());
    bytes.extend([0xff; 28]);
    bytes
}

#[test]
fn ternary_tensors_split_into_codes_and_scale() {
    let bytes = ternary_tensor(0.25);
    let matrix = validate("w", &bytes).expect("padding carries no meaning");
    assert_eq!((matrix.codes, matrix.scale), (&bytes[..64], 0.25));
}

#[test]
fn ternary_scales_are_finite_and_positive() {
    for scale in [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let bytes = ternary_tensor(scale);
        let Err(Error::Malformed(message)) = validate("some.weight", &bytes) else {
            panic!("scale {scale} was accepted");
        };
        assert!(
            message.contains("tensor `some.weight`: scale "),
            "{message}"
        );
    }
}

#[test]
fn code_3_is_refused_in_every_field() {
    for field in 0..4 {
        let mut bytes = ternary_tensor(1.0);
        bytes[37] |= 0b11 << (2 * field);
        let Err(Error::Malformed(message)) = validate("some.weight", &bytes) else {
            panic!("field {field} was accepted");
        };
        assert!(
            message.contains("tensor `some.weight`: byte 37 "),
            "{message}"
        );
    }
}

/// Bits 1 and 2 of a byte are both set in codes 1 and 2 side by side: no code 3.
#[test]
fn neighbouring_codes_are_not_mistaken_for_code_3() {
    let mut bytes = ternary_tensor(1.0);
    bytes[..64].fill(0b01_10_01_10);
    assert!(validate("w", &bytes).is_ok());
}
