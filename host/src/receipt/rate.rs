//! The figures of a receipt, computed from its samples.
//!
//! Each figure is a whole number of thousandths, rounded half up, so that verifiers on all machines
//! compute the same bits.

/// `count` in `ns` nanoseconds as a rate per second, with three decimals. `None` for 0 ns.
pub fn per_second(count: u64, ns: u64) -> Option<f64> {
    let thousandths = divide(u128::from(count) * 1_000_000_000_000, u128::from(ns))?;
    Some(from_thousandths(thousandths))
}

/// Nanoseconds as milliseconds, with three decimals.
pub fn milliseconds(ns: u64) -> f64 {
    let microseconds = (u128::from(ns) + 500) / 1000;
    from_thousandths(microseconds)
}

fn divide(numerator: u128, denominator: u128) -> Option<u128> {
    (numerator + denominator / 2).checked_div(denominator)
}

/// The double nearest to a number of thousandths. It prints with at most three decimals.
fn from_thousandths(thousandths: u128) -> f64 {
    thousandths as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_decimals_half_up() {
        assert_eq!(per_second(128, 1_000_000_000), Some(128.0));
        assert_eq!(per_second(1, 3_000_000_000), Some(0.333));
        assert_eq!(per_second(2, 3_000_000_000), Some(0.667));
        assert_eq!(per_second(1, 16_000_000_000), Some(0.063));
        assert_eq!(per_second(1, 0), None);
        assert_eq!(milliseconds(1_234_567), 1.235);
        assert_eq!(milliseconds(1_500), 0.002);
        assert_eq!(milliseconds(499), 0.0);
    }

    #[test]
    fn figures_print_with_at_most_three_decimals() {
        for ns in (1..40_000_000_000u64).step_by(123_456_789) {
            let text = serde_json::to_string(&per_second(143, ns)).unwrap();
            let decimals = text.split_once('.').map_or(0, |(_, d)| d.len());
            assert!(decimals <= 3, "{text}");
        }
    }
}
