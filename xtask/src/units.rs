//! Sizes and counts as people read them.

use indicatif::DecimalBytes;

/// Bytes, in the unit that fits: `1.18 GB`.
pub fn bytes(n: u64) -> String {
    DecimalBytes(n).to_string()
}

/// A count in millions, or in billions where there are as many: `4.86 M`, `2.41 B`.
pub fn count(n: u64) -> String {
    match n {
        1_000_000_000.. => format!("{:.2} B", n as f64 / 1e9),
        _ => format!("{:.2} M", n as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, count};

    #[test]
    fn the_unit_fits_the_number() {
        assert_eq!(bytes(1_183_662_176), "1.18 GB");
        assert_eq!(bytes(1_496_992), "1.50 MB");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(count(2_412_820_480), "2.41 B");
        assert_eq!(count(4_859_904), "4.86 M");
    }
}
