//! Row operations: RMSNorm, quantization, BitLinear, squared ReLU, residual.

use guest_reference::error::Fault;
use guest_reference::fast::PackedActivations;
use guest_reference::model::Activation;
use guest_reference::ops::{
    activate, add, all_finite, bit_linear, quantize, rms_norm, rms_norm_heads, silu_gate,
    squared_relu_gate,
};
use proptest::prelude::*;

use crate::support::bits::{assert_same_bits, bits};

fn quantized(x: &[f32]) -> (Vec<i8>, f32) {
    let mut q = vec![0; x.len()];
    let scale = quantize(x, &mut q).expect("finite input");
    (q, scale)
}

#[test]
fn rms_norm_matches_vector_computed_elsewhere() {
    let x: Vec<f32> = (0..20).map(|i| (i * 37 % 41 - 20) as f32 / 7.0).collect();
    let w: Vec<f32> = (0..20).map(|i| (i * 29 % 31 + 1) as f32 / 13.0).collect();
    let mut y = vec![0.0; 20];
    rms_norm(&x, &w, 1e-5, &mut y).expect("finite input");
    // Multiplying weight and factor first would change three of these.
    let expected = [
        0xbe06f06b, 0x40570f2a, 0x40197e46, 0x3fc55935, 0x3f4a68a0, 0x3e146edc, 0xbeca68a0,
        0xbf548775, 0xbf946edc, 0xbfb11b8d, 0xbfc049cb, 0x3f97ce78, 0x3f3cea2f, 0x3eca68a0,
        0x3e21ed4d, 0x3cd7e712, 0xbed127d9, 0xbf92bf0d, 0xbfe3b5b4, 0xc01396f4,
    ];
    assert_eq!(bits(&y), expected);
}

#[test]
fn head_norms_take_each_head_alone_and_name_the_one_that_overflows() {
    let (x, w) = ([3.0, 4.0, 30.0, 40.0, 0.5, 0.1], [2.0, 0.5]);
    let mut y = [9.0; 6];
    rms_norm_heads(&x, &w, 1e-5, &mut y).expect("finite input");
    for (x, y) in x.chunks(2).zip(y.chunks(2)) {
        let mut expected = [9.0; 2];
        rms_norm(x, &w, 1e-5, &mut expected).expect("finite input");
        assert_same_bits(y, &expected);
    }
    let fault = rms_norm_heads(&[1.0, 1.0, 1e30, 1.0], &w, 1e-5, &mut [0.0; 4]);
    let fault = fault.expect_err("overflow");
    assert_eq!((fault.quantity, fault.index), ("sum of squares", 1));
}

#[test]
fn rms_norm_of_zeros_is_zero() {
    let mut y = [1.0; 4];
    rms_norm(&[0.0; 4], &[3.0; 4], 1e-5, &mut y).expect("finite input");
    assert_eq!(y, [0.0; 4]);
}

#[test]
fn rms_norm_refuses_an_overflowing_sum_of_squares() {
    for x in [1e20, f32::INFINITY, f32::NAN] {
        let fault = rms_norm(&[1.0, x], &[1.0; 2], 1e-5, &mut [0.0; 2]).expect_err("not finite");
        assert_eq!((fault.quantity, fault.index), ("sum of squares", 0));
    }
}

#[test]
fn quantization_takes_ties_to_even() {
    let x = [127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, 0.0, -126.5];
    let (q, scale) = quantized(&x);
    assert_eq!(q, [127, 0, 2, 2, 0, -2, -2, 126, 0, -126]);
    assert_eq!(scale, 1.0);
}

#[test]
fn quantization_of_zeros_uses_the_floor() {
    assert_eq!(quantized(&[0.0, -0.0]), (vec![0, 0], 1e-5 / 127.0));
    // Below the floor the largest element does not become 127: 1e-6 is a tenth of it.
    assert_eq!(quantized(&[1e-6, -5e-6]), (vec![13, -64], 1e-5 / 127.0));
}

#[test]
fn quantization_refuses_what_is_not_finite_and_names_it() {
    for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let fault = quantize(&[1.0, 2.0, bad, 3.0], &mut [0; 4]).expect_err("not finite");
        assert_eq!((fault.quantity, fault.index), ("element", 2));
        assert_eq!(fault.value.to_bits(), bad.to_bits());
    }
}

#[test]
fn faults_become_errors_with_place_index_and_bits() {
    let fault = all_finite("element", &[0.0, f32::INFINITY]).expect_err("not finite");
    let expected = Fault {
        quantity: "element",
        index: 1,
        value: f32::INFINITY,
    };
    assert_eq!(fault, expected);
    let error = fault.at("position 3");
    assert_eq!(error.status(), 4);
    assert_eq!(
        error.message(),
        "position 3: element [1] is inf (0x7f800000); a finite value is required"
    );
}

proptest! {
    #[test]
    fn quantization_stays_within_127_and_half_a_step(
        x in prop::collection::vec(-1e4f32..1e4, 1..200),
        factor in prop::sample::select(vec![1e-30f32, 1e-3, 1.0, 1e30]),
    ) {
        let x: Vec<f32> = x.iter().map(|x| x * factor).collect();
        let (q, scale) = quantized(&x);
        let absmax = x.iter().fold(1e-5f32, |m, x| m.max(x.abs()));
        prop_assert_eq!(scale.to_bits(), (absmax / 127.0).to_bits());
        for (&q, &x) in q.iter().zip(&x) {
            prop_assert!((-127..=127).contains(&q));
            let steps = f64::from(x) * 127.0 / f64::from(absmax);
            prop_assert!((f64::from(q) - steps).abs() < 0.5 + 1e-4);
            prop_assert!(x.abs() < absmax || q.unsigned_abs() == 127);
        }
    }
}

#[test]
fn bit_linear_multiplies_the_scales_first() {
    let mut packed = PackedActivations::with_capacity(128).expect("small");
    let mut q = [0; 128];
    (q[0], q[32], q[127]) = (4, 2, 1);
    packed.pack(&q);
    // Row 0: every weight is 0 except +1 at 0 and -1 at 127; row 1: +1 at 32.
    let mut codes = [0b01_01_01_01; 64];
    (codes[0], codes[31], codes[32]) = (0b10_01_01_01, 0b01_01_01_00, 0b01_10_01_01);
    let mut y = [0.0f32; 2];
    bit_linear(&codes, 0.7, &packed, 0.1, &mut y);
    // (3 * 0.7) * 0.1 would be 0x3e570a3d.
    assert_eq!(y[0].to_bits(), 0x3e57_0a3e);
    assert_same_bits(&[y[1]], &[2.0 * (0.7f32 * 0.1f32)]);
}

#[test]
fn squared_relu_passes_only_what_is_greater_than_zero() {
    let gate = [2.0, -3.0, -0.0, 0.0, f32::NAN, f32::NEG_INFINITY, -3.0];
    let up = [0.75, 5.0, 5.0, 5.0, 5.0, 5.0, -5.0];
    let mut y = [9.0; 7];
    squared_relu_gate(&gate, &up, &mut y);
    assert_same_bits(&y, &[3.0, 0.0, 0.0, 0.0, 0.0, 0.0, -0.0]);
}

#[test]
fn squared_relu_squares_before_it_multiplies() {
    let mut y = [0.0];
    squared_relu_gate(&[1e30], &[1e-30], &mut y);
    assert_eq!(y, [f32::INFINITY]);
}

#[test]
fn silu_matches_vector_computed_elsewhere() {
    let gate = [1.0f32, -1.0, 0.0, -0.0, 10.25, -20.5, 100.0, -100.0];
    let mut y = [9.0; 8];
    silu_gate(&gate, &[0.7; 8], &mut y);
    let expected = [
        0x3f03_0175,
        0xbe40_c6f8,
        0,
        0x8000_0000,
        0x40e5_9784,
        0xb29a_19cd,
        0x428c_0000,
        0x8310_381d,
    ];
    assert_eq!(bits(&y), expected);
    for ((&g, &y), exact) in gate.iter().zip(&y).zip(gate.map(|g| {
        let g = f64::from(g);
        g / (1.0 + (-g).exp()) * 0.7
    })) {
        assert!(
            (f64::from(y) - exact).abs() <= 1e-6 * exact.abs() + 1e-35,
            "{g}"
        );
    }
}

#[test]
fn the_activation_is_the_architectures() {
    let (gate, up) = ([2.0, -1.0], [3.0, 3.0]);
    let (mut found, mut expected) = ([0.0; 2], [0.0; 2]);
    activate(Activation::SquaredRelu, &gate, &up, &mut found);
    assert_eq!(found, [12.0, 0.0]);
    activate(Activation::Silu, &gate, &up, &mut found);
    silu_gate(&gate, &up, &mut expected);
    assert_same_bits(&found, &expected);
    assert!(found[1] < 0.0);
}

#[test]
fn residual_is_a_plain_sum() {
    let mut y = [0.0; 3];
    add(&[1.0, -0.0, 16_777_216.0], &[2.5, 0.0, 1.0], &mut y);
    assert_same_bits(&y, &[3.5, 0.0, 16_777_216.0]);
}
