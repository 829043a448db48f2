//! Rotary position embedding against f64 formulas, and its pairing.

use guest_reference::model::{Hyperparameters, RopeScaling, RotaryPairs};
use guest_reference::rope::{Rotation, Turn};

use crate::support::bits::{assert_same_bits, bits};
use crate::support::model::small;
use crate::support::rejection::parse;

fn hyperparameters(base: f32, rope_dim: usize) -> Hyperparameters {
    let mut hp = parse(&small()).expect("valid model").hyperparameters;
    (hp.rope_base, hp.rope_dim) = (base, rope_dim);
    hp
}

fn rotation(base: f32, rope_dim: usize) -> Rotation {
    Rotation::new(&hyperparameters(base, rope_dim)).expect("small")
}

fn turns(rotation: &Rotation, rope_dim: usize, position: usize) -> Vec<Turn> {
    let mut turns = vec![(9.0, 9.0); rope_dim / 2];
    rotation.turns(position, &mut turns);
    turns
}

/// `x`, rotated for `position`.
fn rotated(
    rotation: &Rotation,
    (rope_dim, head_dim): (usize, usize),
    position: usize,
    x: &[f32],
) -> Vec<f32> {
    let mut y = vec![9.0; x.len()];
    let turns = turns(rotation, rope_dim, position);
    rotation.rotate(&turns, head_dim, x, &mut y);
    y
}

/// Half a unit in the last place of f32, and the platform's own error.
fn assert_close((cos, sin): Turn, theta: f64) {
    assert!((f64::from(cos) - theta.cos()).abs() < 6.1e-8, "{theta}");
    assert!((f64::from(sin) - theta.sin()).abs() < 6.1e-8, "{theta}");
}

fn inverse(base: f32, rope_dim: usize, j: usize) -> f64 {
    f64::from(base).powf(-2.0 * j as f64 / rope_dim as f64)
}

#[test]
fn angles_match_the_platform_within_rounding() {
    for (base, rope_dim) in [(10_000.0f32, 64), (500_000.0, 128), (1.5, 6)] {
        let rotation = rotation(base, rope_dim);
        for position in [0, 1, 2, 77, 1000, 4095] {
            let turns = turns(&rotation, rope_dim, position);
            for (j, turn) in turns.into_iter().enumerate() {
                assert_close(turn, position as f64 * inverse(base, rope_dim, j));
            }
        }
    }
}

#[test]
fn first_position_is_not_turned() {
    assert_eq!(turns(&rotation(10_000.0, 64), 64, 0), [(1.0, 0.0); 32]);
}

#[test]
fn factors_and_linear_scaling_divide_angles() {
    let mut hp = hyperparameters(500_000.0, 8);
    hp.rope_scaling = RopeScaling::Linear(4.0);
    let mut rotation = Rotation::new(&hp).expect("small");
    for (j, turn) in turns(&rotation, 8, 1000).into_iter().enumerate() {
        assert_close(turn, 1000.0 * inverse(500_000.0, 8, j) / 4.0);
    }
    let factors = [1.0, 1.5, 8.0, 0.25f32];
    rotation.set_factors(|j| factors[j]);
    for (j, turn) in turns(&rotation, 8, 1000).into_iter().enumerate() {
        let divisor = 4.0 * f64::from(factors[j]);
        assert_close(turn, 1000.0 * inverse(500_000.0, 8, j) / divisor);
    }
}

#[test]
fn rotation_matches_vector_computed_elsewhere() {
    let rotation = rotation(10_000.0, 4);
    let (cos, sin) = turns(&rotation, 4, 3)[1];
    assert_eq!(bits(&[cos, sin]), [0x3f7f_e283, 0x3cf5_b920]);
    let y = rotated(&rotation, (4, 4), 3, &[0.0, 1.7, 0.0, -0.3]);
    // A fused multiplication would give 0x3fdaa768 first.
    assert_eq!(bits(&[y[1], y[3]]), [0x3fda_a767, 0xbe7e_d87b]);
}

/// Asserts in two heads of eight that pair j is elements `pair(j)`.
#[track_caller]
fn assert_pairs(pairs: RotaryPairs, pair: fn(usize) -> (usize, usize)) {
    let mut hp = hyperparameters(100.0, 8);
    hp.architecture.pairs = pairs;
    let rotation = Rotation::new(&hp).expect("small");
    for (j, (cos, sin)) in turns(&rotation, 8, 2).into_iter().enumerate() {
        let (first, second) = pair(j);
        let (mut x, mut expected) = ([0.0; 16], [0.0; 16]);
        (x[first], x[8 + first]) = (1.0, 2.0);
        (expected[first], expected[second]) = (cos, sin);
        (expected[8 + first], expected[8 + second]) = (2.0 * cos, 2.0 * sin);
        assert_eq!(rotated(&rotation, (8, 8), 2, &x), expected, "pair {j}");
    }
}

#[test]
fn pairs_are_halves_or_neighbours() {
    assert_pairs(RotaryPairs::Halves, |j| (j, j + 4));
    assert_pairs(RotaryPairs::Neighbours, |j| (2 * j, 2 * j + 1));
}

#[test]
fn second_of_a_pair_turns_back_into_the_first() {
    let rotation = rotation(100.0, 2);
    let (cos, sin) = turns(&rotation, 2, 1)[0];
    let y = rotated(&rotation, (2, 2), 1, &[0.0, 1.0]);
    assert_same_bits(&y, &[0.0 * cos - sin, cos]);
}

#[test]
fn dimensions_past_the_rotary_ones_stay() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, -0.0];
    let y = rotated(&rotation(100.0, 4), (4, 6), 1, &x);
    assert_same_bits(&y[4..], &x[4..]);
    assert!(y[..4].iter().zip(&x).all(|(y, x)| y != x));
}
