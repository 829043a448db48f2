//! YaRN against values that Python computed in double precision from the formula of transformers.

use guest_reference::model::{RopeScaling, Yarn};
use guest_reference::rope::Rotation;

use crate::support::bits::bits;
use crate::support::model::small;
use crate::support::rejection::parse;

/// Base and rotary dimension, parameters, and pair, position, cosine and sine of some turns.
type Case = ((f32, usize), Yarn, &'static [(usize, usize, u32, u32)]);

const fn yarn(factor: f32, original_context: usize, [fast, slow]: [f32; 2]) -> Yarn {
    Yarn {
        factor,
        original_context,
        beta_fast: fast,
        beta_slow: slow,
    }
}

const CASES: [Case; 6] = [
    // The ramp goes from pair 17 to pair 34, then from 8 to 21.
    (
        (1e6, 128),
        yarn(4.0, 8192, [32.0, 1.0]),
        &[
            (0, 77, 0xbd10_7650, 0x3f91_acb5),
            (18, 1000, 0x3f4f_478a, 0x3f4c_f11b),
            (25, 1000, 0xbf8e_8fa8, 0x3e72_5c79),
            (32, 1000, 0x3f89_7ca7, 0x3ec1_720f),
            (63, 1000, 0x3f91_be9c, 0x39b9_3359),
        ],
    ),
    (
        (1e4, 64),
        yarn(4.0, 2048, [32.0, 1.0]),
        &[
            (9, 1000, 0x3cd3_f781, 0x3f91_b4f9),
            (16, 1000, 0x3f35_84d7, 0xbf64_126a),
            (31, 1000, 0x3f91_a9e1, 0x3d1b_743a),
        ],
    ),
    // A factor below 1 leaves the magnitude alone.
    (
        (1e4, 16),
        yarn(0.5, 64, [8.0, 4.0]),
        &[
            (1, 1000, 0xbf0b_4e13, 0xbf56_c77c),
            (4, 1000, 0x3ed0_f022, 0x3f69_b6c8),
        ],
    ),
    // The ramp ends below 0: no pair is divided.
    (
        (1e4, 64),
        yarn(2.0, 100, [1000.0, 500.0]),
        &[
            (1, 1000, 0xbf20_0681, 0x3f5e_1957),
            (31, 1000, 0x3f87_a838, 0x3e11_95d7),
        ],
    ),
    // The ramp would end at 83, beyond the last element of the head: it ends there, at 15.
    (
        (2.0, 16),
        yarn(4.0, 8192, [1000.0, 1.0]),
        &[
            (5, 100, 0x3f8f_2cc2, 0x3e59_fb96),
            (7, 100, 0xbf91_898e, 0xbd78_a126),
        ],
    ),
    // The ramp ends where it begins: pair 0 stays, all others are divided.
    (
        (1e4, 64),
        yarn(8.0, 6, [32.0, 1.0]),
        &[
            (0, 77, 0xbd19_41a2, 0x3f9a_8aec),
            (1, 1000, 0x3f86_dd7e, 0xbf17_3b4a),
            (30, 1000, 0x3f9a_9423, 0x3cdb_f186),
        ],
    ),
];

fn rotation((base, rope_dim): (f32, usize), scaling: RopeScaling) -> Rotation {
    let mut hp = parse(&small()).expect("valid model").hyperparameters;
    (hp.rope_base, hp.rope_dim, hp.rope_scaling) = (base, rope_dim, scaling);
    Rotation::new(&hp).expect("small")
}

#[test]
fn turns_match_values_computed_elsewhere() {
    for (shape, yarn, turns) in CASES {
        let rotation = rotation(shape, RopeScaling::Yarn(yarn));
        for &(j, position, cos, sin) in turns {
            let mut found = vec![(9.0, 9.0); shape.1 / 2];
            rotation.turns(position, &mut found);
            let found = bits(&[found[j].0, found[j].1]);
            assert_eq!(found, [cos, sin], "{yarn:?}, pair {j}");
        }
    }
}

#[test]
fn frequency_factors_and_yarn_both_divide() {
    // Pair 3 turns fast and is divided by its frequency factor only; pair 31 turns slowly and is
    // divided by YaRN's factor too.
    let yarn = yarn(4.0, 2048, [32.0, 1.0]);
    let mut rotation = rotation((1e4, 64), RopeScaling::Yarn(yarn));
    let mut plain = self::rotation((1e4, 64), RopeScaling::None);
    rotation.set_factors(|j| [1.5, 2.0][j % 2]);
    plain.set_factors(|j| [1.5, 2.0][j % 2] * if j > 21 { 4.0 } else { 1.0 });
    let (mut found, mut expected) = (vec![(9.0, 9.0); 32], vec![(9.0, 9.0); 32]);
    rotation.turns(5, &mut found);
    plain.turns(5, &mut expected);
    for j in [2, 3, 30, 31] {
        let magnitude = 0.1 * 4f64.ln() + 1.0;
        let difference = f64::from(found[j].0) - f64::from(expected[j].0) * magnitude;
        assert!(difference.abs() < 2e-7, "pair {j}");
        let difference = f64::from(found[j].1) - f64::from(expected[j].1) * magnitude;
        assert!(difference.abs() < 2e-7, "pair {j}");
    }
}
