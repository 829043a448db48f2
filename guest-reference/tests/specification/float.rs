//! Building blocks on f32: summation order, exponential, rounding, square root.

use guest_reference::float::{dot16, exp, is_finite, round_ties_even, sqrt, sum16, tree16};
use proptest::prelude::*;

/// 2^24: adding 1 to it changes nothing in f32, so sums that use it depend on their order.
const BIG: f32 = 16_777_216.0;

fn lanes(values: &[(usize, f32)]) -> [f32; 16] {
    let mut lanes = [0.0; 16];
    for &(i, value) in values {
        lanes[i] = value;
    }
    lanes
}

/// The tree written out, without a loop.
fn tree_by_hand(a: [f32; 16]) -> f32 {
    let quarter = |i: usize| (a[i] + a[i + 8]) + (a[i + 4] + a[i + 12]);
    (quarter(0) + quarter(2)) + (quarter(1) + quarter(3))
}

#[test]
fn tree_folds_halves_before_neighbours() {
    assert_eq!(tree16(lanes(&[(0, BIG), (1, 1.0), (8, -BIG)])), 1.0);
    assert_eq!(tree16(lanes(&[(0, BIG), (8, 1.0), (4, -BIG)])), 0.0);
    assert_eq!(tree16(lanes(&[(0, BIG), (4, 1.0), (2, -BIG)])), 0.0);
    assert_eq!(tree16(lanes(&[(0, BIG), (2, 1.0), (1, -BIG)])), 0.0);
    assert_eq!(tree16(lanes(&[(0, BIG), (3, -BIG), (7, -1.0)])), 0.0);
}

#[test]
fn dot_adds_element_i_to_lane_i_mod_16_in_ascending_order() {
    let mut x = [0.0; 33];
    (x[0], x[16], x[32]) = (BIG, 1.0, -BIG);
    assert_eq!(dot16(&x, &[1.0; 33]), 0.0);
    assert_eq!(sum16(&x), 0.0);
    (x[0], x[16], x[32]) = (BIG, -BIG, 1.0);
    assert_eq!(dot16(&x, &[1.0; 33]), 1.0);
    (x[16], x[32], x[1], x[17]) = (0.0, -BIG, 1.0, 0.0);
    assert_eq!(sum16(&x), 1.0);
}

#[test]
fn dot_rounds_the_product_before_adding_it() {
    let (x, square) = (1.0 + 1.0 / 4096.0, 1.0 + 1.0 / 2048.0);
    let (mut a, mut b) = ([0.0; 17], [1.0; 17]);
    (a[0], a[16], b[16]) = (-square, x, x);
    // A fused operation would give 2^-24.
    assert_eq!(dot16(&a, &b).to_bits(), 0);
}

#[test]
fn dot_matches_vector_computed_elsewhere() {
    let x: Vec<f32> = (0..20).map(|i| (i * 37 % 41 - 20) as f32 / 7.0).collect();
    let w: Vec<f32> = (0..20).map(|i| (i * 29 % 31 + 1) as f32 / 13.0).collect();
    assert_eq!(dot16(&x, &x).to_bits(), 0x425e_87d6);
    // Summed left to right it would be 0xbf01681c.
    assert_eq!(dot16(&x, &w).to_bits(), 0xbf01_6812);
}

#[test]
fn sums_start_at_positive_zero() {
    assert_eq!(dot16(&[], &[]).to_bits(), 0);
    assert_eq!(sum16(&[-0.0; 16]).to_bits(), 0);
}

#[test]
#[should_panic(expected = "equal lengths")]
fn dot_of_unequal_lengths_panics() {
    dot16(&[1.0, 2.0], &[1.0]);
}

proptest! {
    #[test]
    fn tree_equals_tree_written_out(a in prop::array::uniform16(-1e6f32..1e6)) {
        prop_assert_eq!(tree16(a).to_bits(), tree_by_hand(a).to_bits());
    }

    #[test]
    fn zero_padding_changes_nothing(
        pairs in prop::collection::vec((-1e6f32..1e6, -1e6f32..1e6), 1..80),
        padding in 0usize..40,
    ) {
        let (mut x, mut y): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        let (dot, sum) = (dot16(&x, &y), sum16(&x));
        x.resize(x.len() + padding, 0.0);
        y.resize(x.len(), 0.0);
        prop_assert_eq!(dot16(&x, &y).to_bits(), dot.to_bits());
        prop_assert_eq!(sum16(&x).to_bits(), sum.to_bits());
    }

    #[test]
    fn sqrt_is_correctly_rounded(bits in 0u32..0x7f80_0000) {
        let x = f32::from_bits(bits);
        // f64 has more than twice the digits of f32, so rounding twice equals rounding once.
        prop_assert_eq!(sqrt(x).to_bits(), (f64::from(x).sqrt() as f32).to_bits());
    }
}

#[test]
fn exp_matches_vectors_computed_elsewhere() {
    let vectors = [
        (-87.0, 0x00b3_3687),
        (-20.5, 0x30ab_d1d8),
        (-1.0, 0x3ebc_5ab2),
        (-0.3, 0x3f3d_a643),
        (0.0, 0x3f80_0000),
        (1e-3, 0x3f80_20c9),
        (0.5, 0x3fd3_094c),
        (1.0, 0x402d_f854),
        // One unit above the correctly rounded value: the polynomial's own error.
        (10.25, 0x46dc_f516),
        (88.0, 0x7ef8_82b7),
    ];
    for (x, bits) in vectors {
        assert_eq!(exp(x).to_bits(), bits, "exp({x})");
    }
}

#[test]
fn exp_stays_close_to_f64() {
    let mut worst = 0.0f64;
    for step in -870_000..=880_000 {
        let x = step as f32 / 10_000.0;
        let exact = f64::from(x).exp();
        worst = worst.max((f64::from(exp(x)) / exact - 1.0).abs());
    }
    assert!(worst < 1.2e-7, "relative error {worst:e}");
}

#[test]
fn exp_clamps_its_argument() {
    for x in [(-87.0f32).next_down(), -1e30, f32::NEG_INFINITY] {
        assert_eq!(exp(x).to_bits(), exp(-87.0).to_bits(), "exp({x})");
    }
    for x in [88.0f32.next_up(), 1e30, f32::INFINITY] {
        assert_eq!(exp(x).to_bits(), exp(88.0).to_bits(), "exp({x})");
    }
}

#[test]
fn rounding_takes_ties_to_even() {
    let ties = [(0.5, 0), (1.5, 2), (2.5, 2), (126.5, 126), (127.5, 128)];
    for (x, nearest) in ties {
        assert_eq!(round_ties_even(x), nearest, "{x}");
        assert_eq!(round_ties_even(-x), -nearest, "-{x}");
    }
    for eighths in -40_000..40_000 {
        let x = eighths as f32 / 8.0;
        assert_eq!(round_ties_even(x), x.round_ties_even() as i32, "{x}");
    }
    assert_eq!(round_ties_even(0.5f32.next_up()), 1);
    assert_eq!(round_ties_even(1.5f32.next_down()), 1);
}

#[test]
fn finiteness_is_decided_on_bits() {
    for x in [0.0, -0.0, f32::MAX, f32::MIN, f32::from_bits(1)] {
        assert!(is_finite(x), "{x}");
    }
    let nans = [0x7f80_0001, 0x7fc0_0000, 0xffff_ffff].map(f32::from_bits);
    for x in nans.into_iter().chain([f32::INFINITY, f32::NEG_INFINITY]) {
        assert!(!is_finite(x), "{x}");
    }
}
