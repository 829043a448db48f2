//! Floats compared by their bits: -0 is not +0, and a NaN equals itself.

/// The bits of each value.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Asserts equal bits and shows the values if they differ.
#[track_caller]
pub fn assert_same_bits(found: &[f32], expected: &[f32]) {
    assert_eq!(
        bits(found),
        bits(expected),
        "{found:?} against {expected:?}"
    );
}
