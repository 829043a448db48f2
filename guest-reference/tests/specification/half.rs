//! Half precision in both directions, over every pattern and every rounding boundary.

use guest_reference::half::{narrow, round_through, widen};

/// Bits of the largest finite half, 65504.
const LARGEST: u16 = 0x7bff;

/// Whether the half with these bits is neither infinite nor NaN.
fn is_finite(bits: u16) -> bool {
    bits & 0x7c00 != 0x7c00
}

/// The value of a finite half, from the definition of the format.
fn defined_value(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
    match exponent {
        0 => sign * mantissa * 2f64.powi(-24),
        _ => sign * (1.0 + mantissa / 1024.0) * 2f64.powi(exponent - 15),
    }
}

#[test]
fn widening_is_exact_for_every_finite_pattern() {
    for bits in (0..=u16::MAX).filter(|&bits| is_finite(bits)) {
        let (wide, defined) = (f64::from(widen(bits)), defined_value(bits));
        assert_eq!(wide.to_bits(), defined.to_bits(), "0x{bits:04x}");
    }
}

#[test]
fn widening_keeps_infinities_and_nan() {
    let not_finite = (0..=u16::MAX).filter(|&bits| !is_finite(bits));
    assert_eq!(not_finite.clone().count(), 2 * 1024);
    for bits in not_finite {
        let wide = widen(bits);
        assert_eq!(wide.is_infinite(), bits & 0x3ff == 0, "0x{bits:04x}");
        assert_eq!(wide.is_nan(), bits & 0x3ff != 0, "0x{bits:04x}");
        assert_eq!(wide.is_sign_negative(), bits >> 15 == 1, "0x{bits:04x}");
        assert_eq!(narrow(wide), None, "0x{bits:04x}");
    }
}

#[test]
fn every_finite_pattern_survives_both_ways() {
    for bits in (0..=u16::MAX).filter(|&bits| is_finite(bits)) {
        assert_eq!(narrow(widen(bits)), Some(bits), "0x{bits:04x}");
    }
}

/// Between every two neighbours, subnormal or not: the middle rounds to the even one, anything else
/// to the nearer one.
#[test]
fn narrowing_rounds_to_nearest_even_between_all_neighbours() {
    for low in 0..LARGEST {
        // The middle of two halves needs one digit more than a half has: exact in f32.
        let middle = ((defined_value(low) + defined_value(low + 1)) / 2.0) as f32;
        let even = low + (low & 1);
        for sign in [0, 0x8000] {
            let signed = |x: f32| if sign == 0 { x } else { -x };
            let check = |x: f32, bits: u16| {
                assert_eq!(
                    narrow(signed(x)),
                    Some(sign | bits),
                    "{x:e} near 0x{low:04x}"
                );
            };
            check(middle, even);
            check(middle.next_down(), low);
            check(middle.next_up(), low + 1);
        }
    }
}

#[test]
fn overflow_starts_at_65520() {
    let below = 65_520.0f32.next_down();
    assert_eq!(narrow(below), Some(LARGEST));
    assert_eq!(narrow(-below), Some(0x8000 | LARGEST));
    for x in [65_520.0, 65_536.0, f32::MAX, f32::INFINITY, f32::NAN] {
        assert_eq!(narrow(x), None, "{x}");
        assert_eq!(narrow(-x), None, "-{x}");
        assert_eq!(round_through(x), None, "{x}");
    }
}

#[test]
fn tiny_values_become_subnormal_or_zero() {
    let smallest = 2f32.powi(-24);
    assert_eq!(narrow(smallest), Some(1));
    assert_eq!(narrow(smallest / 2.0), Some(0));
    assert_eq!(narrow((smallest / 2.0).next_up()), Some(1));
    assert_eq!(narrow(smallest * 1.5), Some(2));
    assert_eq!(narrow(-smallest / 4.0), Some(0x8000));
    assert_eq!(narrow(f32::from_bits(1)), Some(0));
    assert_eq!(narrow(2f32.powi(-14)), Some(0x0400));
    assert_eq!(narrow(2f32.powi(-14).next_down()), Some(0x0400));
}

#[test]
fn rounding_through_returns_the_stored_value() {
    assert_eq!(round_through(1.0 + 2f32.powi(-11)), Some(1.0));
    assert_eq!(
        round_through(1.0 + 3.0 * 2f32.powi(-11)),
        Some(1.0 + 2f32.powi(-9))
    );
    assert_eq!(round_through(-0.0).map(f32::to_bits), Some(0x8000_0000));
}
