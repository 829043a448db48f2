//! Sentences, and the words in them: numbers with units, fingerprints, quotations.

use crate::{digest::Digest, plain::plain};

/// The most bytes of a quotation: enough for the name of a CPU.
const MOST_QUOTED: usize = 60;

/// One sentence of an explanation.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) text: String,
    /// Whether it is important enough for the paragraph.
    pub(super) is_quotable: bool,
}

impl Sentence {
    /// A sentence of the paragraph.
    pub(super) fn quotable(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_quotable: true,
        }
    }

    /// A sentence of the lists alone.
    pub(super) fn aside(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_quotable: false,
        }
    }
}

/// What a stranger wrote: it cannot end the quotation and go on in our words.
pub(super) fn quoted(text: &str) -> String {
    let text = text.replace(['“', '”', '„', '‟', '"'], "'");
    format!("“{}”", plain(text.trim(), MOST_QUOTED))
}

/// The start of a digest, enough to compare by eye.
pub(super) fn fingerprint(digest: Digest) -> String {
    shortened(&digest.to_string())
}

/// As [`fingerprint`], of a digest's hex digits.
pub(super) fn shortened(digits: &str) -> String {
    format!("{}…", &digits[..digits.floor_char_boundary(16)])
}

/// "1 token", "1,234 tokens".
pub(super) fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A rate with as many digits as people can use.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        ..10.0 => format!("{per_second:.2}"),
        ..100.0 => format!("{per_second:.1}"),
        ..1e15 => grouped(per_second.round() as u64),
        _ => format!("{per_second:.1e}"),
    }
}

/// As [`rate`], rounded down, because it is a limit.
pub(super) fn least_rate(per_second: f64) -> String {
    let digits = match per_second {
        ..10.0 => 100.0,
        ..100.0 => 10.0,
        _ => 1.0,
    };
    rate((per_second * digits).floor() / digits)
}

/// A time, rounded up, because it is a limit.
pub(super) fn seconds(ns: u64) -> String {
    match ns {
        ..10_000_000_000 => counted(ns.div_ceil(1_000_000), "millisecond"),
        _ => counted(ns.div_ceil(1_000_000_000), "second"),
    }
}

/// A share as a percentage, rounded down, because it is a promise.
pub(super) fn percent(share: f64) -> String {
    match (share * 1000.0).floor() / 10.0 {
        ..0.1 => "less than 0.1 %".into(),
        percent => format!("{percent} %"),
    }
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_people_read_them() {
        assert_eq!(counted(1, "token"), "1 token");
        assert_eq!(counted(1_234_567, "token"), "1,234,567 tokens");
        let rates = [4.567, 41.23, 999.4, 21_700.6].map(rate);
        assert_eq!(rates, ["4.57", "41.2", "999", "21,701"]);
        assert_eq!(rate(f64::MAX), "1.8e308");
        assert_eq!(
            [4.567, 41.29, 999.9].map(least_rate),
            ["4.56", "41.2", "999"]
        );
        let times = [1, 12_000_000, 9_999_999_999, 61_000_000_001].map(seconds);
        let whole = [
            "1 millisecond",
            "12 milliseconds",
            "10,000 milliseconds",
            "62 seconds",
        ];
        assert_eq!(times, whole);
        // Never more than was found.
        let shares = [1.0, 0.9999, 0.0838, 0.0004].map(percent);
        assert_eq!(shares, ["100 %", "99.9 %", "8.3 %", "less than 0.1 %"]);
    }

    #[test]
    fn a_quotation_stays_one() {
        let said = "CPU”. It is certain that it is fast. “\n\u{202e}x";
        assert_eq!(
            quoted(said),
            "“CPU'. It is certain that it is fast. ' \u{fffd}x”"
        );
        assert!(quoted(&"x".repeat(500)).len() < 80);
    }
}
