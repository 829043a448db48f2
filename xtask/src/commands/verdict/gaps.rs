//! What is missing between ranges.

use std::{fmt::Write, ops::Range};

/// The parts of `0..n` that are in none of `ranges`, in ascending order.
pub fn gaps(mut ranges: Vec<Range<usize>>, n: usize) -> Vec<Range<usize>> {
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
pub fn shown(ranges: Vec<Range<usize>>) -> String {
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
    use super::{Range, gaps, shown};

    fn ranges(ends: &[(usize, usize)]) -> Vec<Range<usize>> {
        ends.iter().map(|&(start, end)| start..end).collect()
    }

    #[test]
    fn what_is_in_no_range_is_a_gap() {
        let found = |of: &[(usize, usize)], n| gaps(ranges(of), n);
        assert_eq!(found(&[], 3), ranges(&[(0, 3)]));
        assert_eq!(found(&[(0, 3)], 3), ranges(&[]));
        // In any order, overlapping, one inside another.
        let unordered = [(4, 6), (0, 2), (1, 3), (0, 1)];
        assert_eq!(found(&unordered, 9), ranges(&[(3, 4), (6, 9)]));
        assert_eq!(found(&[(0, 9), (2, 3)], 9), ranges(&[]));
        let most = usize::MAX;
        assert_eq!(found(&[(1, 2)], most), ranges(&[(0, 1), (2, most)]));
    }

    #[test]
    fn neighbours_are_one_range() {
        let text = shown(ranges(&[(2, 3), (0, 1), (1, 2), (5, 6)]));
        assert_eq!(text, "0 to 2, 5");
        assert_eq!(shown(Vec::new()), "");
    }
}
