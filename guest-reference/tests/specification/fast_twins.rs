//! The fast loops against their plain twins, bit for bit.

use guest_reference::fast::{
    PackedActivations, dot16, ternary_dot_plain, ternary_dots, weighted_sum, weighted_sum_plain,
};
use guest_reference::float;
use guest_reference::ternary::packed_row_bytes;
use proptest::prelude::*;

use crate::support::bits::bits;

/// Widest matrix tested: 54 blocks are the 6912 columns of the published 2B model.
const MAX_BLOCKS: usize = 54;

fn packed(q: &[i8]) -> PackedActivations {
    let mut packed = PackedActivations::with_capacity(MAX_BLOCKS * 128).expect("small");
    packed.pack(q);
    packed
}

fn fast(codes: &[u8], x: &PackedActivations) -> Vec<i32> {
    let mut dots = Vec::new();
    ternary_dots(codes, x, |row, dot| {
        assert_eq!(row, dots.len(), "rows come in ascending order, each once");
        dots.push(dot);
    });
    dots
}

fn plain(codes: &[u8], q: &[i8]) -> Vec<i32> {
    let rows = codes.chunks_exact(packed_row_bytes(q.len()));
    rows.map(|row| ternary_dot_plain(row, q)).collect()
}

/// Four codes below 3 in a byte.
fn code_byte(seed: u8) -> u8 {
    (0..4).fold(0, |byte, digit| (byte << 2) | (seed / 3u8.pow(digit) % 3))
}

fn ternary_case() -> impl Strategy<Value = (Vec<u8>, Vec<i8>)> {
    (1..=9usize, 1..=MAX_BLOCKS).prop_flat_map(|(rows, blocks)| {
        let codes = prop::collection::vec((0..81u8).prop_map(code_byte), rows * blocks * 32);
        let q = prop::collection::vec(-127..=127i8, blocks * 128);
        (codes, q)
    })
}

/// Floats of very different magnitudes, so that another order gives other bits.
fn floats(len: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<f32>> {
    let float = (-1f32..1.0, -12..12i32).prop_map(|(x, e)| x * 2f32.powi(e));
    prop::collection::vec(float, len)
}

#[test]
fn plain_dot_product_counts_weights() {
    let q: Vec<i8> = (0..128).map(|i| i as i8).collect();
    // All weights +1, all -1, all 0, then +1 only where the second field is: 32 to 63.
    let sum = 127 * 64;
    assert_eq!(ternary_dot_plain(&[0b10_10_10_10; 32], &q), sum);
    assert_eq!(ternary_dot_plain(&[0; 32], &q), -sum);
    assert_eq!(ternary_dot_plain(&[0b01_01_01_01; 32], &q), 0);
    assert_eq!(ternary_dot_plain(&[0b01_10_01_01; 32], &q), (32..64).sum());
}

#[test]
fn ternary_twins_agree_at_saturation() {
    let all = |value: i8| move |_: usize| value;
    let patterns: [&dyn Fn(usize) -> i8; 5] = [
        &all(127),
        &all(-127),
        &|i| if i % 2 == 0 { 127 } else { -127 },
        &|i| if i / 2 % 2 == 0 { 127 } else { -127 },
        &|i| if i / 32 % 2 == 0 { -127 } else { 127 },
    ];
    for blocks in [1, 2, MAX_BLOCKS] {
        for pattern in patterns {
            let q: Vec<i8> = (0..blocks * 128).map(pattern).collect();
            let x = packed(&q);
            for codes in [0x00, 0xaa, 0x88, 0x22, 0xa0, 0x0a, 0x55] {
                for rows in 1..=9 {
                    let codes = vec![codes; rows * blocks * 32];
                    assert_eq!(fast(&codes, &x), plain(&codes, &q));
                }
            }
        }
    }
}

#[test]
fn every_weight_meets_its_own_activation() {
    for column in 0..256 {
        let mut q = [0; 256];
        q[column] = 3;
        let x = packed(&q);
        let mut codes = [0b01_01_01_01; 64];
        codes[column / 128 * 32 + column % 32] ^= 0b11 << (6 - 2 * (column % 128 / 32));
        assert_eq!(fast(&codes, &x), [3], "column {column}");
    }
}

#[test]
fn packing_again_forgets_the_longer_row() {
    let mut x = packed(&[127; 384]);
    x.pack(&[1; 128]);
    assert_eq!(fast(&[0xaa; 32], &x), [128]);
}

proptest! {
    #[test]
    fn ternary_twins_agree((codes, q) in ternary_case()) {
        prop_assert_eq!(fast(&codes, &packed(&q)), plain(&codes, &q));
    }

    #[test]
    fn ternary_twins_agree_on_rows_of_any_width(
        q in prop::collection::vec(-127..=127i8, 1..400),
        seeds in prop::collection::vec(0..81u8, 2 * 4 * 32),
    ) {
        let n = 2 * packed_row_bytes(q.len());
        let codes: Vec<u8> = seeds.into_iter().map(code_byte).take(n).collect();
        prop_assert_eq!(fast(&codes, &packed(&q)), plain(&codes, &q));
    }

    #[test]
    fn dot_twins_agree(n in 0..700usize, x in floats(700), y in floats(700)) {
        let (x, y) = (&x[..n], &y[..n]);
        prop_assert_eq!(dot16(x, y).to_bits(), float::dot16(x, y).to_bits());
    }

    #[test]
    fn weighted_sum_twins_agree(
        p in floats(1..40),
        values in floats(40 * 60),
        (head, head_dim) in (0..2usize, 1..=30usize),
    ) {
        let values = &values[head * 30..];
        let (mut found, mut expected) = (vec![9.0; head_dim], vec![9.0; head_dim]);
        weighted_sum(&p, values, 60, &mut found);
        weighted_sum_plain(&p, values, 60, &mut expected);
        prop_assert_eq!(bits(&found), bits(&expected));
    }
}
