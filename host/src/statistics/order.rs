//! Order statistics.

use std::cmp::Ordering;

/// Samples in ascending order; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted<T>(Vec<T>);

impl<T: Ord> Sorted<T> {
    /// Sorts samples. `None` if there are none.
    pub fn of(samples: impl IntoIterator<Item = T>) -> Option<Self> {
        Self::by(samples, T::cmp)
    }
}

impl<T> Sorted<T> {
    /// Sorts samples by `compare`, such as [`f64::total_cmp`]; equal ones keep their order. `None` if
    /// there are none.
    pub fn by(
        samples: impl IntoIterator<Item = T>,
        compare: impl FnMut(&T, &T) -> Ordering,
    ) -> Option<Self> {
        let mut samples: Vec<T> = samples.into_iter().collect();
        samples.sort_by(compare);
        (!samples.is_empty()).then_some(Self(samples))
    }

    /// The percentile, from 0 to 100: the smallest sample that at least `percent` % of the samples do
    /// not exceed.
    pub fn percentile(&self, percent: u32) -> &T {
        let rank = (self.0.len() as u128 * u128::from(percent)).div_ceil(100) as usize;
        &self.0[rank.clamp(1, self.0.len()) - 1]
    }

    /// The 50th percentile. Of an even number of samples, it is the lower of the two in the middle.
    pub fn median(&self) -> &T {
        self.percentile(50)
    }

    /// The smallest sample.
    pub fn smallest(&self) -> &T {
        &self.0[0]
    }

    /// The largest sample.
    pub fn largest(&self) -> &T {
        &self.0[self.0.len() - 1]
    }

    /// All samples, ascending.
    pub fn samples(&self) -> &[T] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Sorted;

    #[test]
    fn nearest_ranks() {
        let five = Sorted::of([50u64, 15, 40, 20, 35]).unwrap();
        let found = [0, 5, 20, 30, 40, 50, 95, 100].map(|p| *five.percentile(p));
        assert_eq!(found, [15, 15, 15, 20, 20, 35, 50, 50]);
        assert_eq!(*Sorted::of([4u64, 1, 3, 2]).unwrap().median(), 2);
        assert!(Sorted::<u64>::of([]).is_none());
    }

    proptest! {
        #[test]
        fn a_percentile_is_the_smallest_sample_that_enough_do_not_exceed(
            samples in prop::collection::vec(0u64..50, 1..40), percent in 1u32..=100
        ) {
            let found = *Sorted::of(samples.clone()).unwrap().percentile(percent);
            let share = |most: u64| 100 * samples.iter().filter(|&&x| x <= most).count();
            let wanted = percent as usize * samples.len();
            prop_assert!(share(found) >= wanted);
            let smaller = samples.iter().filter(|&&x| x < found).max();
            prop_assert!(smaller.is_none_or(|&x| share(x) < wanted));
        }
    }
}
