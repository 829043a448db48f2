//! Division of work: a share for each thread, taken in parts. The last parts of a share are small,
//! so that a thread that finishes early can steal a little from one that is late.

use std::ops::Range;

/// The most parts of a share; the smallest of them is 1/256 of it.
const MAX_PARTS_OF_SHARE: usize = 8;

/// Equal shares of a sequence of items, each divided into parts of decreasing size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shares {
    n_shares: usize,
    parts_of_share: usize,
}

impl Shares {
    /// Divides `work` multiply-accumulates into at most `max_parts` parts. A part is a whole share
    /// or has at least `min_work`.
    pub(super) fn new(work: usize, n_shares: usize, max_parts: usize, min_work: usize) -> Self {
        let of_share = work / n_shares;
        let fits = |k: usize| of_share >> k >= min_work && k * n_shares <= max_parts;
        let several = (2..=MAX_PARTS_OF_SHARE).take_while(|&k| fits(k)).last();
        Self {
            n_shares,
            parts_of_share: several.filter(|_| n_shares > 1).unwrap_or(1),
        }
    }

    /// Number of parts in all shares.
    pub(crate) fn n_parts(&self) -> usize {
        self.n_shares * self.parts_of_share
    }

    /// The share that part `i` belongs to.
    pub(crate) fn share_of(&self, i: usize) -> usize {
        i / self.parts_of_share
    }

    /// The items of share `share`, of `n` items.
    pub(crate) fn share(&self, share: usize, n: usize) -> Range<usize> {
        n * share / self.n_shares..n * (share + 1) / self.n_shares
    }

    /// The items of part `i`, of the `len` items in its share.
    pub(crate) fn within_share(&self, i: usize, len: usize) -> Range<usize> {
        let part = i % self.parts_of_share;
        // The first part is three quarters; each further one is half of the rest.
        let start = |part: usize| match part {
            0 => 0,
            _ => len - (len >> (part + 1)),
        };
        match part + 1 == self.parts_of_share {
            true => start(part)..len,
            false => start(part)..start(part + 1),
        }
    }

    /// Splits a slice into the parts, each with its start, which is a multiple of `unit`.
    pub(crate) fn split<T>(
        self,
        mut all: &mut [T],
        unit: usize,
    ) -> impl ExactSizeIterator<Item = (usize, &mut [T])> {
        let n = all.len();
        (0..self.n_parts()).map(move |i| {
            let share = self.share(self.share_of(i), n.div_ceil(unit));
            let part = self.within_share(i, share.len());
            let [start, end] = [part.start, part.end].map(|at| ((share.start + at) * unit).min(n));
            (start, all.split_off_mut(..end - start).unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_one_another_and_are_all_there_is() {
        for n in [0, 1, 3, 4, 5, 63, 64, 65, 1000, 2561] {
            for unit in [1, 4] {
                for n_shares in 1..=9 {
                    for min_work in [1, 100, 10_000] {
                        let shares = Shares::new(8 * n, n_shares, 64, min_work);
                        let mut things = vec![0; n];
                        let mut next = 0;
                        for (start, part) in shares.split(&mut things, unit) {
                            assert_eq!(start, next);
                            assert!(start.is_multiple_of(unit) || start == n);
                            next = start + part.len();
                        }
                        assert_eq!(next, n);
                        assert!((n_shares..=64).contains(&shares.n_parts()));
                    }
                }
            }
        }
    }

    #[test]
    fn shares_are_equal_and_end_in_small_parts() {
        let shares = Shares::new(1 << 20, 2, 64, 1 << 14);
        let mut things = [0; 6400];
        let parts = shares.split(&mut things, 4);
        let lens: Vec<_> = parts.map(|(_, part)| part.len()).collect();
        assert_eq!(lens, [2400, 400, 200, 100, 100].repeat(2));
    }

    #[test]
    fn parts_are_worth_their_while() {
        let n_parts = |n_shares, max_parts, min_work| {
            Shares::new(1024, n_shares, max_parts, min_work).n_parts()
        };
        assert_eq!(n_parts(2, 64, 16), 10);
        assert_eq!(n_parts(2, 64, 17), 8);
        assert_eq!(n_parts(2, 64, 129), 2);
        assert_eq!(n_parts(2, 64, 0), 16);
        assert_eq!(n_parts(2, 7, 1), 6);
        assert_eq!(n_parts(64, 64, 1), 64);
        assert_eq!(n_parts(1, 64, 1), 1, "nobody would take any");
    }
}
