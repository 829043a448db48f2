//! Block quantization and the grouped product.

use guest_reference::fast::{PackedActivations, dot_of_32_plain, dots_of_32};
use guest_reference::half;
use guest_reference::ops::{grouped_product, quantize_blocks};
use guest_reference::ternary::{pack_row, packed_row_bytes};
use proptest::prelude::*;

use crate::support::bits::{assert_same_bits, bits};

fn quantized(x: &[f32]) -> (Vec<i8>, Vec<f32>) {
    let (mut q, mut scales) = (vec![9; x.len()], vec![9.0; x.len() / 32]);
    quantize_blocks(x, &mut q, &mut scales).expect("finite");
    (q, scales)
}

/// One block that begins with `x` and goes on with zeros.
fn block(x: &[f32]) -> Vec<f32> {
    let mut block = x.to_vec();
    block.resize(32, 0.0);
    block
}

/// Packed rows and activations.
fn packed(rows: &[Vec<i8>], q: &[i8]) -> (Vec<u8>, PackedActivations) {
    let width = q.len().next_multiple_of(128);
    let codes = rows.iter().flat_map(|weights| {
        let mut padded = weights.clone();
        padded.resize(width, 0);
        let mut row = vec![0; packed_row_bytes(q.len())];
        pack_row(&padded, &mut row);
        row
    });
    let mut x = PackedActivations::with_capacity(q.len()).expect("small");
    x.pack(q);
    (codes.collect(), x)
}

/// Six blocks: ordinary ones, one of numbers so small that its scale is 0, zeros, large ones.
fn vector() -> Vec<f32> {
    let x = (0..192).map(|i| {
        let scale = match i / 32 {
            2 => 3e-9,
            3 => 0.0,
            4 => 0.013 * 250.0,
            _ => 0.013,
        };
        (f64::from(i * 37 % 101 - 50) * scale) as f32
    });
    x.collect()
}

#[test]
fn blocks_and_rows_match_vectors_computed_elsewhere() {
    let (q, scales) = quantized(&vector());
    assert_eq!(q[..8], [-127, -33, 61, -102, -8, 86, -76, 18]);
    assert_eq!(q[64..128], [0; 64]);
    assert_eq!(q[160..168], [31, 127, -39, 57, -109, -13, 83, -83]);
    let expected = [0x3ba7_c000, 0x3ba4_6000, 0, 0, 0x3fa3_c000, 0x3ba4_6000];
    assert_eq!(bits(&scales), expected);
    let weight = |row, i| ((i * 5 + row * 7 + i / 9) % 3) as i8 - 1;
    let rows = [0, 1].map(|row| (0..192).map(|i| weight(row, i)).collect());
    let d = [0x224c, 0x264c, 0x28b9, 0x34ff, 0x3532, 0x3564].map(half::widen);
    let (codes, x) = packed(&rows, &q);
    let mut y = [9.0; 2];
    grouped_product(&codes, &d, &x, &scales, &mut y);
    // With d_g * a_b multiplied first, the second would end in 45.
    assert_eq!(bits(&y), [0xc186_14eb, 0x4333_be44]);
    // A third row, for which there is no place.
    let rows = [rows[0].clone(), rows[1].clone(), rows[0].clone()];
    let (codes, x) = packed(&rows, &q);
    let d = [&d[..], &d[..3]].concat();
    let mut again = [9.0; 2];
    grouped_product(&codes, &d, &x, &scales, &mut again);
    assert_same_bits(&again, &y);
}

#[test]
fn ties_go_to_the_even_integer() {
    // The largest is 127, so that every element is its own integer and a half.
    let x = block(&[127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5]);
    let (q, scales) = quantized(&x);
    assert_eq!(q[..8], [127, 0, 2, 2, 0, -2, -2, 126]);
    assert_eq!(scales, [1.0]);
}

#[test]
fn a_block_does_not_see_its_neighbours() {
    let x = [block(&[127.0, 1.0]), block(&[-254.0, 2.0])].concat();
    let (q, scales) = quantized(&x);
    assert_eq!(
        (q[..2].to_vec(), q[32..34].to_vec()),
        (vec![127, 1], vec![-127, 1])
    );
    assert_eq!(scales, [1.0, 2.0]);
}

#[test]
fn the_integers_follow_the_largest_element_not_its_rounded_scale() {
    // 126.97 / 127 rounds to 1 as a half: with 1 / 1 the elements would be 127, 64 and -63.
    let x = block(&[126.97, 63.502, -63.49]);
    let (q, scales) = quantized(&x);
    assert_eq!(scales, [1.0]);
    assert_eq!(q[..3], [127, 64, -64]);
}

#[test]
fn scales_are_halves_down_to_the_smallest() {
    let smallest = 2f32.powi(-24);
    // 1.2 and 0.6 of the smallest half round to it, 0.5 to the even 0.
    for (m, scale, q) in [(1.2, smallest, 127), (0.6, smallest, 127), (0.5, 0.0, 0)] {
        let found = quantized(&block(&[127.0 * m * smallest, -127.0 * m * smallest]));
        assert_eq!((found.0[..2].to_vec(), found.1), (vec![q, -q], vec![scale]));
    }
    let (q, scales) = quantized(&[-0.0; 32]);
    assert_eq!(q, [0; 32]);
    assert_same_bits(&scales, &[0.0]);
}

#[test]
fn a_scale_beyond_the_halves_names_its_block() {
    let fits = 127.0 * half::OVERFLOW.next_down();
    assert_eq!(quantized(&block(&[fits])).1, [65_504.0]);
    let x = [block(&[1.0]), block(&[0.0, -127.0 * half::OVERFLOW])].concat();
    let fault = quantize_blocks(&x, &mut [0; 64], &mut [0.0; 2]).expect_err("overflow");
    assert_eq!((fault.quantity, fault.index), ("f16 scale of block", 1));
    assert_eq!(fault.value, half::OVERFLOW);
}

#[test]
fn elements_are_finite() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = [1.0; 64];
        x[40] = bad;
        let fault = quantize_blocks(&x, &mut [0; 64], &mut [0.0; 2]).expect_err("not finite");
        assert_eq!((fault.quantity, fault.index), ("element", 40));
        assert_eq!(fault.value.to_bits(), bad.to_bits());
    }
}

#[test]
fn packing_again_forgets_the_vector_before() {
    let (codes, mut x) = packed(&[vec![1; 192]], &[100; 192]);
    x.pack(&[1; 64]);
    let found: Vec<_> = dots_of_32(&codes[..32], &x).collect();
    assert_eq!(found, [[32, 32, 0, 0]]);
}

/// From +0, so that a row without any product is +0, whatever the signs of its zeros.
#[test]
fn a_row_of_zeros_is_plus_zero() {
    let q = [-127i8; 64];
    let (codes, x) = packed(&[vec![1; 64], vec![0; 64]], &q);
    let mut y = [9.0; 2];
    grouped_product(&codes, &[-0.0, 1.0], &x, &[1.0, 1.0], &mut y);
    assert_same_bits(&y, &[0.0, 0.0]);
}

proptest! {
    #[test]
    fn dot_twins_agree(
        n_groups in 1..8usize,
        weights in prop::collection::vec(-1i8..=1, 8 * 64),
        q in prop::collection::vec(prop_oneof![Just(127i8), Just(-127), -127..=127i8], 8 * 64),
    ) {
        let n = 64 * n_groups;
        let (codes, x) = packed(&[weights[..n].to_vec()], &q[..n]);
        let found: Vec<i32> = dots_of_32(&codes, &x).flatten().collect();
        let expected: Vec<i32> = (0..found.len()).map(|b| dot_of_32_plain(&codes, &q[..n], b)).collect();
        prop_assert_eq!(&found, &expected);
        let blocks = weights[..n].chunks(32).zip(q[..n].chunks(32));
        for ((weights, q), found) in blocks.zip(found) {
            let products = weights.iter().zip(q).map(|(&w, &q)| i32::from(w) * i32::from(q));
            prop_assert_eq!(found, products.sum::<i32>());
        }
    }

    #[test]
    fn quantization_stays_within_127_and_half_a_step(
        x in prop::collection::vec(-1e4f32..1e4, 64),
        factor in prop::sample::select(vec![1e-6f32, 1.0, 1e2]),
    ) {
        let x: Vec<f32> = x.iter().map(|x| x * factor).collect();
        let (q, scales) = quantized(&x);
        for (b, (x, q)) in x.chunks(32).zip(q.chunks(32)).enumerate() {
            let absmax = x.iter().fold(0f32, |m, x| m.max(x.abs()));
            prop_assert_eq!(Some(scales[b]), half::round_through(absmax / 127.0));
            for (&q, &x) in q.iter().zip(x) {
                let steps = f64::from(x) * 127.0 / f64::from(absmax);
                prop_assert!((f64::from(q) - steps).abs() < 0.5 + 1e-4);
                prop_assert!(x.abs() < absmax || q.unsigned_abs() == 127);
            }
        }
    }
}
