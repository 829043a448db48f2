//! Sizes and counts as people read them.

use host::statistics::Mean;
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

/// The mean of some rates, with their sample standard deviation: `41.9 ± 0.3`.
pub fn rates(rates: &[f64]) -> String {
    let Some(Mean { mean, deviation }) = Mean::of(rates) else {
        return String::new();
    };
    let decimals = match mean {
        1000.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    match deviation {
        None => format!("{mean:.decimals$}"),
        Some(deviation) => format!("{mean:.decimals$} ± {deviation:.decimals$}"),
    }
}

/// A number and what it counts: `1 run`, `2 runs`.
pub fn counted(n: u64, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {what}{plural}")
}

/// A time as people say it: `40 s`, `12 min`, `3.5 h`.
pub fn time(seconds: f64) -> String {
    match seconds {
        ..1.0 => "under 1 s".to_owned(),
        ..100.0 => format!("{seconds:.0} s"),
        ..6000.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, rates, time};

    #[test]
    fn the_unit_fits_the_number() {
        assert_eq!(bytes(1_183_662_176), "1.18 GB");
        assert_eq!(bytes(1_496_992), "1.50 MB");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(count(2_412_820_480), "2.41 B");
        assert_eq!(count(4_859_904), "4.86 M");
        let times = [0.2, 99.0, 120.0, 12_600.0].map(time);
        assert_eq!(times, ["under 1 s", "99 s", "2 min", "3.5 h"]);
    }

    #[test]
    fn a_mean_has_its_deviation() {
        assert_eq!(rates(&[1000.0, 1002.0]), "1001 ± 1");
        assert_eq!(rates(&[41.94]), "41.9");
        assert_eq!(rates(&[]), "");
    }
}
