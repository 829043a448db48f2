//! Checks that the floating-point environment is the one that the contract requires.
//!
//! Some libraries make a process flush subnormals to zero, which would change bits of results.

use std::hint::black_box;

use crate::error::RunError;

/// Checks the environment of the calling thread by computing a few values.
pub(super) fn check() -> Result<(), RunError> {
    let smallest = f32::from_bits(1);
    if (black_box(smallest) + black_box(smallest)).to_bits() != 2 {
        return Err(RunError::FloatEnvironment("subnormal inputs are zeros"));
    }
    if black_box(f32::MIN_POSITIVE) * black_box(0.5) == 0.0 {
        return Err(RunError::FloatEnvironment("subnormal results are zeros"));
    }
    // 0.75 ulp beyond ±1.0: every directed rounding moves one of the two differently.
    let (one, bit) = (black_box(1.0f32), black_box(f32::EPSILON * 0.75));
    if one + bit != 1.0 + f32::EPSILON || -one - bit != -1.0 - f32::EPSILON {
        return Err(RunError::FloatEnvironment("rounding is not to nearest"));
    }
    let tie = black_box(f32::EPSILON * 0.5);
    if one + tie != 1.0 || -one - tie != -1.0 {
        return Err(RunError::FloatEnvironment("ties do not go to even"));
    }
    Ok(())
}
