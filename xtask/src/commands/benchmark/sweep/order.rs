//! The order of the cells: random, so that no setting meets a machine that gets warmer or busier.

use host::task::SplitMix64;

use crate::exit::{Exit, Failure};

/// A seed that nobody chose, short enough to be typed again.
///
/// # Errors
/// The system gives no random numbers.
pub fn fresh_seed() -> Result<u64, Failure> {
    let random = getrandom::u32().map_err(|e| Failure::new(Exit::Io, e))?;
    Ok(random.into())
}

/// The places from 0 to `n`, in the order that follows from `seed` (Fisher and Yates).
pub fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut random = SplitMix64::new(seed);
    let mut order: Vec<usize> = (0..n).collect();
    for end in (1..n).rev() {
        // The bias of the remainder is below 2⁻⁵³ for any sweep.
        order.swap(end, (random.next() % (end as u64 + 1)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::shuffled;

    #[test]
    fn every_order_comes_and_a_seed_has_one() {
        let orders: HashSet<Vec<usize>> = (0..200).map(|seed| shuffled(4, seed)).collect();
        assert_eq!(orders.len(), 24);
        assert_eq!(shuffled(12, 7), shuffled(12, 7));
        let mut sorted = shuffled(12, 7);
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..12));
        assert!(shuffled(0, 1).is_empty());
    }
}
