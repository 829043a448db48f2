//! What is missing between ranges.

use std::{fmt::Write, ops::Range};

/// The parts of `0..n` that are in none of `ranges`, in ascending order.
pub fn gaps(mut ranges: Vec<Range<u64>>, n: u64) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut gaps = Vec::new();
    let mut end = 0;
    for range in ranges {
        if range.start > end {
            gaps.push(end..range.start);
        }
        end = end.max(range.end);
    }
    if end < n {
        gaps.push(end..n);
    }
    gaps
}

/// Ranges as people read them, without their overlaps: `0 to 3, 7`.
pub fn shown(ranges: Vec<Range<u64>>) -> String {
    let n = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    let mut text = String::new();
    for range in gaps(gaps(ranges, n), n) {
        if !text.is_empty() {
            text += ", ";
        }
        let (first, last) = (range.start, range.end - 1);
        let _ = match first == last {
            true => write!(text, "{first}"),
            false => write!(text, "{first} to {last}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{gaps, shown};

    #[test]
    fn what_is_in_no_range_is_a_gap() {
        assert_eq!(gaps(vec![], 3), [0..3]);
        assert_eq!(gaps(vec![0..3], 3), []);
        // In any order, overlapping, one inside another.
        assert_eq!(gaps(vec![4..6, 0..2, 1..3, 0..1], 9), [3..4, 6..9]);
        assert_eq!(gaps(vec![0..9, 2..3], 9), []);
        assert_eq!(gaps(vec![1..2], u64::MAX), [0..1, 2..u64::MAX]);
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(shown(vec![2..3, 0..1, 1..2, 5..6]), "0 to 2, 5");
        assert_eq!(shown(vec![]), "");
    }
}
