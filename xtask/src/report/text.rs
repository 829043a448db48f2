//! Numbers as people read them.

/// A unit of time, and how many nanoseconds it has.
pub type TimeUnit = (&'static str, f64);

/// The unit in which a time of `ns` nanoseconds has few digits.
pub fn time_unit(ns: f64) -> TimeUnit {
    match ns {
        ..1e3 => ("ns", 1.0),
        ..1e6 => ("µs", 1e3),
        ..1e9 => ("ms", 1e6),
        _ => ("s", 1e9),
    }
}

/// A time: `81.3 µs`.
pub fn time(ns: f64) -> String {
    let (unit, length) = time_unit(ns);
    format!("{} {unit}", number(ns / length))
}

/// A number with three or more significant digits: `0.813`, `81.3`, `12,706`.
pub fn number(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        ..0.001 => format!("{x:.1e}"),
        ..10.0 => format!("{x:.3}"),
        ..100.0 => format!("{x:.2}"),
        ..1000.0 => format!("{x:.1}"),
        ..1e15 => grouped(x.round() as i64),
        _ => format!("{x:.3e}"),
    }
}

/// A whole number with a comma between thousands.
fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::from(if n < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what it counts: `1 step`, `2 steps`.
pub fn counted(n: u64, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(n.min(i64::MAX as u64) as i64))
}

/// A share as a change: `+3.1 %`.
pub fn change(from: f64, to: f64) -> String {
    match from {
        0.0 => "from nothing".into(),
        _ => format!("{:+.1} %", 100.0 * (to / from - 1.0)),
    }
}

/// The label of an axis: as short as its value allows, `0.5`, `1,500`, `12.5k`, `1M`.
pub fn axis(x: &f64) -> String {
    let short = |x: f64, suffix: &str| {
        let text = format!("{x:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned() + suffix
    };
    match x.abs() {
        0.0 => "0".into(),
        ..1e3 => short(*x, ""),
        ..1e4 => grouped(x.round() as i64),
        ..1e6 => short(x / 1e3, "k"),
        ..1e9 => short(x / 1e6, "M"),
        _ => format!("{x:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_useful_digits() {
        for (x, text) in [
            (0.0, "0"),
            (0.8126, "0.813"),
            (81.26, "81.26"),
            (812.6, "812.6"),
            (12_706.4, "12,706"),
            (1_234_567.0, "1,234,567"),
            (9.0e15, "9.000e15"),
        ] {
            assert_eq!(number(x), text);
        }
        assert_eq!(time(81_300.0), "81.30 µs");
        assert_eq!(time(999.0), "999.0 ns");
        assert_eq!(
            (counted(1, "step"), counted(2, "step")),
            ("1 step".into(), "2 steps".into())
        );
        assert_eq!(change(100.0, 97.0), "-3.0 %");
        let axes = [0.5, 12.0, 1500.0, 12_500.0, 1e5, 1e6].map(|x| axis(&x));
        assert_eq!(axes, ["0.5", "12", "1,500", "12.5k", "100k", "1M"]);
    }
}
