//! Spread: the mean and its standard deviation, and the deviation from the median.

use super::Sorted;

/// A mean, which never stands without its spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The arithmetic mean.
    pub mean: f64,
    /// The sample standard deviation; `None` for one sample.
    pub deviation: Option<f64>,
}

impl Mean {
    /// The mean of samples. `None` if there are none.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let n = samples.len() as f64;
        let mean = (n > 0.0).then(|| samples.iter().sum::<f64>() / n)?;
        let squares: f64 = samples.iter().map(|x| (x - mean) * (x - mean)).sum();
        let deviation = (samples.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        Some(Self { mean, deviation })
    }
}

/// The median absolute deviation from the median, as a share of the median.
pub fn relative_deviation(times: &Sorted<u64>) -> f64 {
    let median = *times.median();
    let distances = times.samples().iter().map(|x| x.abs_diff(median));
    let deviation = Sorted::of(distances).map_or(0, |distances| *distances.median());
    deviation as f64 / median.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_and_the_deviation() {
        let samples = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        let found = Mean::of(&samples).unwrap();
        assert_eq!(found.mean, 5.0);
        assert_eq!(found.deviation, Some((32.0f64 / 7.0).sqrt()));
        let one = Mean::of(&[3.0]).unwrap();
        assert_eq!((one.mean, one.deviation), (3.0, None));
        assert_eq!(Mean::of(&[]), None);
    }

    #[test]
    fn half_of_the_samples_are_nearer_to_the_median() {
        let times = Sorted::of([100u64, 90, 110, 130, 4000]).unwrap();
        assert_eq!(relative_deviation(&times), 20.0 / 110.0);
    }
}
