//! Confidence intervals without an assumption about the distribution (Efron 1979).

use super::Sorted;
use crate::task::SplitMix64;

/// An interval that covers the true figure with a stated confidence.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[allow(missing_docs)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Whether `x` lies inside.
    pub fn contains(&self, x: f64) -> bool {
        (self.low..=self.high).contains(&x)
    }

    /// `high` − `low`.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// How often the samples are drawn again: the 99.9 % interval still has five draws on either side.
const DRAWS: usize = 10_000;

/// The percentile bootstrap interval of `figure` over `samples`. `confidence` is a share, such as 0.99.
/// The draws follow from the number of samples alone, so equal samples always have one interval. `None`
/// without samples, or where `figure` is not a number.
pub fn bootstrap<T: Copy>(
    samples: &[T],
    confidence: f64,
    figure: impl Fn(&[T]) -> f64,
) -> Option<Interval> {
    if samples.is_empty() {
        return None;
    }
    let mut random = SplitMix64::new(samples.len() as u64);
    let mut drawn = samples.to_vec();
    let figures = (0..DRAWS).map(|_| {
        for place in &mut drawn {
            *place = samples[(random.next() % samples.len() as u64) as usize];
        }
        figure(&drawn)
    });
    let sorted = Sorted::by(figures, f64::total_cmp)?;
    let outside = ((1.0 - confidence) / 2.0 * DRAWS as f64) as usize;
    let (low, high) = (
        sorted.samples()[outside],
        sorted.samples()[DRAWS - 1 - outside],
    );
    (low.is_finite() && high.is_finite()).then_some(Interval { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(samples: &[f64]) -> f64 {
        samples.iter().sum::<f64>() / samples.len() as f64
    }

    #[test]
    fn the_interval_covers_the_mean_as_often_as_it_says() {
        let mut random = SplitMix64::new(7);
        let mut uniform = || random.next() as f64 / u64::MAX as f64;
        let covered = (0..200).filter(|_| {
            let samples: Vec<f64> = (0..30).map(|_| uniform()).collect();
            bootstrap(&samples, 0.9, mean).unwrap().contains(0.5)
        });
        let covered = covered.count();
        // Four standard deviations of a binomial distribution around 180.
        assert!((163..=197).contains(&covered), "{covered} of 200");
    }

    #[test]
    fn equal_samples_have_one_point() {
        let found = bootstrap(&[3.0; 5], 0.99, mean).unwrap();
        assert_eq!((found.low, found.high), (3.0, 3.0));
        assert_eq!(bootstrap(&[], 0.99, mean), None);
        assert_eq!(bootstrap(&[f64::NAN; 3], 0.99, mean), None);
    }
}
