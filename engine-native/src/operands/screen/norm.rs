//! Euclidean norms, rounded up, because error bounds are computed from them.

/// The Euclidean norm of `x`, rounded up.
pub(crate) fn norm_rounded_up(x: &[f32]) -> f64 {
    // Sixteen partial sums, so that the loop is vectorised.
    let mut lanes = [0.0f64; 16];
    let (chunks, tail) = x.as_chunks::<16>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*x) * f64::from(*x);
        }
    }
    let tail: f64 = tail.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    round_up((lanes.iter().sum::<f64>() + tail).sqrt())
}

/// Adds more than the rounding error of a sum of 65,536 squares in f64.
pub(crate) fn round_up(norm: f64) -> f64 {
    norm * (1.0 + 1e-10)
}

/// The smallest f32 that is not below `x`, which must not be negative.
pub(crate) fn rounded_up(x: f64) -> f32 {
    let nearest = x as f32;
    if f64::from(nearest) < x {
        nearest.next_up()
    } else {
        nearest
    }
}
