//! Refuses to compute in a floating-point environment that is not the contract's.
//!
//! Some libraries switch a process to flush subnormals to zero; results would then differ in bits.

use std::hint::black_box;

use crate::error::RunError;

/// Checks the calling thread by computing, on what the control register says.
pub(super) fn check() -> Result<(), RunError> {
    let smallest = f32::from_bits(1);
    if (black_box(smallest) + black_box(smallest)).to_bits() != 2 {
        return Err(RunError::FloatEnvironment("subnormal inputs are zeros"));
    }
    if black_box(f32::MIN_POSITIVE) * black_box(0.5) == 0.0 {
        return Err(RunError::FloatEnvironment("subnormal results are zeros"));
    }
    // One and a half units beyond 1.0, in both signs: every directed rounding moves one of them.
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
