//! Bytes as lower-case hex digits, two per byte: the only form allowed in receipts.

use std::fmt;

/// Writes `bytes` as hex digits.
pub(crate) fn write(f: &mut fmt::Formatter, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Parses `text`; `None` unless it consists of pairs of lower-case hex digits.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let bytes = pairs
        .iter()
        .map(|&[high, low]| Some(nibble(high)? << 4 | nibble(low)?));
    bytes.collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
