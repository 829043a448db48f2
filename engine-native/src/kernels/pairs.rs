//! The order in which a GEMV processes groups of rows.

/// Pairs of group indices, one from each half of `n` groups: two streams use more of the memory
/// bandwidth than one. If `n` is odd, one group occurs twice.
pub(crate) fn in_pairs(n: usize) -> impl Iterator<Item = [usize; 2]> {
    let half = n.div_ceil(2);
    (0..half).map(move |i| [i, n - half + i])
}
