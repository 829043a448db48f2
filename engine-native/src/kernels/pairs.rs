//! The order in which a GEMV takes groups of rows.

/// Takes `n` groups of rows two at a time, one of each half: two streams keep a memory busier than
/// one. Where `n` is odd, one group is taken twice.
pub(crate) fn in_pairs(n: usize) -> impl Iterator<Item = [usize; 2]> {
    let half = n.div_ceil(2);
    (0..half).map(move |i| [i, n - half + i])
}
