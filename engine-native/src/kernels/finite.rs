//! Checks that values are finite.

/// A value that should be finite but is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonFinite {
    /// Index of the element in the checked vector; 0 for a scalar such as a sum.
    pub element: usize,
    /// Its bits.
    pub bits: u32,
}

/// Checks that every element is finite; the error is the first that is not.
pub(crate) fn check_finite(x: &[f32]) -> Result<(), NonFinite> {
    // No early exit, so that the loop is vectorised; all are finite in the common case.
    let bad = |x: &f32| x.to_bits() & 0x7fff_ffff >= 0x7f80_0000;
    if !x.iter().fold(false, |any, x| any | bad(x)) {
        return Ok(());
    }
    let element = x.iter().position(bad).unwrap_or(0);
    Err(NonFinite {
        element,
        bits: x[element].to_bits(),
    })
}

/// Checks that one value is finite.
#[inline]
pub(crate) fn check_finite_scalar(x: f32) -> Result<(), NonFinite> {
    if x.is_finite() {
        return Ok(());
    }
    Err(NonFinite {
        element: 0,
        bits: x.to_bits(),
    })
}
