//! Rotary position embedding against f64 formulas, and its pairing.

use guest_reference::rope::{RopeTable, cos_sin_at};

use crate::support::bits::{assert_same_bits, bits};

#[test]
fn angles_match_the_platform_within_rounding() {
    for (base, rope_dim) in [(10_000.0f32, 64), (500_000.0, 128), (1.5, 6)] {
        for position in [0, 1, 2, 77, 1000, 4095] {
            for j in 0..rope_dim / 2 {
                let (cos, sin) = cos_sin_at(base, rope_dim, position, j);
                let exponent = -2.0 * j as f64 / rope_dim as f64;
                let theta = position as f64 * f64::from(base).powf(exponent);
                // Half a unit in the last place of f32, and the platform's own error.
                assert!((f64::from(cos) - theta.cos()).abs() < 6.1e-8);
                assert!((f64::from(sin) - theta.sin()).abs() < 6.1e-8);
            }
        }
    }
}

#[test]
fn first_position_is_not_turned() {
    for j in 0..32 {
        assert_eq!(cos_sin_at(10_000.0, 64, 0, j), (1.0, 0.0));
    }
}

#[test]
fn rotation_matches_vector_computed_elsewhere() {
    let (cos, sin) = cos_sin_at(10_000.0, 4, 3, 1);
    assert_eq!(bits(&[cos, sin]), [0x3f7f_e283, 0x3cf5_b920]);
    let table = RopeTable::new(10_000.0, 4, 4).expect("small");
    let mut y = [0.0; 4];
    table.rotate(3, 4, &[0.0, 1.7, 0.0, -0.3], &mut y);
    // A fused multiplication would give 0x3fdaa768 first.
    assert_eq!(bits(&[y[1], y[3]]), [0x3fda_a767, 0xbe7e_d87b]);
}

/// Dimension j turns with j + d / 2, in every head alike.
#[test]
fn pairs_are_half_a_rotary_dimension_apart() {
    let table = RopeTable::new(100.0, 8, 3).expect("small");
    for pair in 0..4 {
        let mut x = [0.0; 16];
        (x[pair], x[8 + pair]) = (1.0, 2.0);
        let mut y = [0.0; 16];
        table.rotate(2, 8, &x, &mut y);
        let (cos, sin) = cos_sin_at(100.0, 8, 2, pair);
        let mut expected = [0.0; 16];
        (expected[pair], expected[pair + 4]) = (cos, sin);
        (expected[8 + pair], expected[8 + pair + 4]) = (2.0 * cos, 2.0 * sin);
        assert_eq!(y, expected, "pair {pair}");
    }
}

#[test]
fn second_of_a_pair_turns_back_into_the_first() {
    let table = RopeTable::new(100.0, 2, 2).expect("small");
    let mut y = [0.0; 2];
    table.rotate(1, 2, &[0.0, 1.0], &mut y);
    let (cos, sin) = cos_sin_at(100.0, 2, 1, 0);
    assert_same_bits(&y, &[0.0 * cos - sin, cos]);
}

#[test]
fn dimensions_past_the_rotary_ones_stay() {
    let table = RopeTable::new(100.0, 4, 2).expect("small");
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, -0.0];
    let mut y = [0.0; 6];
    table.rotate(1, 6, &x, &mut y);
    assert_same_bits(&y[4..], &x[4..]);
    assert!(y[..4].iter().zip(&x).all(|(y, x)| y != x));
}
