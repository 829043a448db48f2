//! Rows stored as numbers.

use guest_reference::error::Error;
use guest_reference::half;
use guest_reference::rows::{self, RowType};

use crate::support::bits::bits;

fn half(x: f32) -> [u8; 2] {
    half::narrow(x).expect("in range").to_le_bytes()
}

fn q8_0_block(scale: [u8; 2], weights: impl Fn(i8) -> i8) -> Vec<u8> {
    let weights = (0..32).map(|i| weights(i).cast_unsigned());
    scale.into_iter().chain(weights).collect()
}

/// `n` bytes that all differ from their neighbours.
fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 37 + 11) as u8).collect()
}

fn q6_k_block(d: [u8; 2]) -> Vec<u8> {
    [pattern(208), d.to_vec()].concat()
}

fn q4_k_block(d: [u8; 2], dmin: [u8; 2]) -> Vec<u8> {
    [&d, &dmin, &pattern(144)[4..]].concat()
}

fn decoded(row_type: RowType, n: usize, bytes: &[u8]) -> Vec<f32> {
    let mut out = vec![9.0; n];
    row_type.decode(bytes, &mut out);
    out
}

/// A number that depends on every bit and on the order.
fn digest(values: &[f32]) -> u32 {
    let mix = |hash: u32, bits: u32| hash.rotate_left(5).wrapping_mul(0x9e37_79b1) ^ bits;
    bits(values).into_iter().fold(0, mix)
}

fn refused(row_type: RowType, n_cols: usize, bytes: &[u8]) -> String {
    let n = bytes.len() / row_type.row_bytes(n_cols as u64) as usize * n_cols;
    let place = (3, n_cols);
    match rows::load(row_type, "some.weight", place, bytes, &mut vec![0.0; n]) {
        Err(Error::Malformed(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn elements_of_each_type_decode() {
    let bytes = [1.5f32, -2.0].map(f32::to_le_bytes).concat();
    assert_eq!(decoded(RowType::F32, 2, &bytes), [1.5, -2.0]);
    let found = decoded(RowType::F16, 2, &[0x00, 0x3c, 0x01, 0x80]);
    assert_eq!(found, [1.0, -(2f32.powi(-24))]);
    let found = decoded(RowType::Bf16, 3, &[0x80, 0xbf, 0x49, 0x40, 0x01, 0x00]);
    assert_eq!(bits(&found), [0xbf80_0000, 0x4049_0000, 0x0001_0000]);
}

#[test]
fn q8_0_multiplies_each_block_by_its_scale() {
    let mut bytes = q8_0_block(half(0.5), |i| i - 16);
    bytes.extend(q8_0_block(half(-65_504.0), |i| -128 + i));
    let out = decoded(RowType::Q8_0, 64, &bytes);
    assert_eq!((out[0], out[16], out[31]), (-8.0, 0.0, 7.5));
    assert_eq!((out[32], out[63]), (65_504.0 * 128.0, 65_504.0 * 97.0));
}

#[test]
fn k_quants_decode_as_elsewhere() {
    // The `gguf` package of Python dequantizes the same bytes to these.
    let out = decoded(RowType::Q6K, 256, &q6_k_block(half(0.0123)));
    let some = [
        out[0], out[31], out[32], out[100], out[128], out[223], out[255],
    ];
    let expected = [
        0xc18c_cb50,
        0xbf97_2000,
        0x4035_d280,
        0x41f8_3c10,
        0xc08a_2340,
        0xc146_5a00,
        0xbf3c_e800,
    ];
    assert_eq!(bits(&some), expected);
    assert_eq!(digest(&out), 0xc520_f24b);
    let out = decoded(RowType::Q4K, 256, &q4_k_block(half(0.0123), half(-0.37)));
    let some = [
        out[0], out[31], out[32], out[100], out[128], out[223], out[255],
    ];
    let expected = [
        0x41b8_8ef0,
        0x41a9_4ee0,
        0x4112_0f80,
        0x415f_6200,
        0x411b_7ae0,
        0x411e_8640,
        0x415c_40c0,
    ];
    assert_eq!(bits(&some), expected);
    assert_eq!(digest(&out), 0x0a5b_b9b1);
    let block = [&half(0.0123)[..], &pattern(34)[2..]].concat();
    assert_eq!(digest(&decoded(RowType::Q8_0, 32, &block)), 0xd528_cb5d);
}

/// Each field by itself, from the text of the format.
#[test]
fn fields_of_q6_k() {
    let only = |at: usize, byte: u8| {
        let mut block = vec![0; 210];
        // Every scale 1, every weight 32 - 32.
        block[128..192].fill(0b10_10_10_10);
        block[192..208].fill(1);
        block[208..].copy_from_slice(&half(1.0));
        block[at] = byte;
        let out = decoded(RowType::Q6K, 256, &block);
        let changed = out.into_iter().enumerate().filter(|(_, x)| *x != 0.0);
        changed.collect::<Vec<_>>()
    };
    assert_eq!(
        only(64 + 32 + 5, 0x21),
        [(128 + 32 + 5, 1.0), (128 + 96 + 5, 2.0)]
    );
    let high = [
        (128 + 3, -16.0),
        (128 + 32 + 3, -32.0),
        (128 + 96 + 3, 16.0),
    ];
    assert_eq!(only(128 + 32 + 3, 0b11_10_00_01), high);
}

#[test]
fn fields_of_q4_k() {
    let mut block = vec![0; 144];
    block[..4].copy_from_slice(&[half(0.5), half(2.0)].concat());
    // Group 0: scale 3, min 5. Group 6: scale 2 + 16 * 1, min 4 + 16 * 2.
    (block[4], block[8]) = (3, 5);
    (block[4 + 2], block[8 + 2], block[12 + 2]) = (1 << 6, 2 << 6, 0x42);
    block[16..].fill(0x71);
    let out = decoded(RowType::Q4K, 256, &block);
    assert_eq!(out[..32], [1.5 * 1.0 - 10.0; 32]);
    assert_eq!(out[192..224], [9.0 * 1.0 - 72.0; 32]);
    assert_eq!((out[32], out[224]), (0.0, 0.0));
}

#[test]
fn row_bytes_follow_the_type() {
    let types = [
        (RowType::F32, 10_240, 1),
        (RowType::F16, 5120, 1),
        (RowType::Bf16, 5120, 1),
        (RowType::Q8_0, 2720, 32),
        (RowType::Q6K, 2100, 256),
        (RowType::Q4K, 1440, 256),
    ];
    for (row_type, row, multiple) in types {
        let found = (row_type.row_bytes(2560), row_type.column_multiple());
        assert_eq!(found, (row, multiple), "{row_type:?}");
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused_by_place() {
    let bytes = [0.0f32, f32::MAX, f32::MIN, f32::NAN]
        .map(f32::to_le_bytes)
        .concat();
    let (sound, mut out) = (&bytes[..8], [0.0; 2]);
    rows::load(RowType::F32, "w", (0, 2), sound, &mut out).expect("finite");
    let found = refused(RowType::F32, 2, &bytes);
    assert!(
        found.starts_with("tensor `some.weight`: row 4, element 1 is NaN;"),
        "{found}"
    );
    let bytes = [0x7bffu16, 0xfc00].map(u16::to_le_bytes).concat();
    assert!(refused(RowType::F16, 2, &bytes).contains("row 3, element 1 is -inf;"));
    let bytes = [0x7f7fu16, 0x7f80].map(u16::to_le_bytes).concat();
    assert!(refused(RowType::Bf16, 2, &bytes).contains("row 3, element 1 is inf;"));
}

#[test]
fn block_scales_that_are_not_finite_are_refused() {
    for d in [0x7c00u16, 0xfc00, 0x7e00].map(u16::to_le_bytes) {
        for weights in [0, 1] {
            let block = q8_0_block(d, |_| weights);
            assert!(refused(RowType::Q8_0, 32, &block).contains("row 3, element 0 is "));
        }
        // Scales of 0 make 0 times infinity.
        for rest in [vec![0; 208], pattern(208)] {
            let block = [&rest[..], &d].concat();
            assert!(refused(RowType::Q6K, 256, &block).contains("row 3, element 0 is "));
        }
        for rest in [vec![0; 140], pattern(140)] {
            for scales in [[d, half(1.0)], [half(1.0), d], [d, d]] {
                let block = [&scales.concat()[..], &rest].concat();
                assert!(refused(RowType::Q4K, 256, &block).contains("row 3, element 0 is "));
            }
        }
    }
}
