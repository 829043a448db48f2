//! Ratios and shifts by ranks: an estimate that a few wild samples do not move, and an interval that needs
//! no normal distribution (Hodges and Lehmann 1963; Hollander, Wolfe and Chicken 2014, chapters 3 and 4).

use super::Sorted;

/// An interval that covers the true figure with a stated confidence.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[allow(missing_docs)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Where samples lie, and how surely.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Shift {
    /// The Hodges–Lehmann estimate.
    pub estimate: f64,
    /// The interval; `None` if there are too few samples for its confidence.
    pub interval: Option<Interval>,
}

/// From so many samples on, the distribution of the ranks is taken for normal.
const EXACT: usize = 150;

/// The center of paired differences that are symmetric around it, by Wilcoxon's signed ranks.
/// `confidence` is a share, such as 0.999. `None` without samples, or where one is not a number.
pub fn signed_rank(differences: &[f64], confidence: f64) -> Option<Shift> {
    let n = differences.len();
    let pairs = (0..n).flat_map(|i| (i..n).map(move |j| (i, j)));
    let averages = pairs.map(|(i, j)| f64::midpoint(differences[i], differences[j]));
    let (mean, variance) = (
        (n * (n + 1)) as f64 / 4.0,
        (n * (n + 1) * (2 * n + 1)) as f64 / 24.0,
    );
    let outside = match n <= EXACT {
        true => below(&signed_rank_sums(n), confidence),
        false => below_normal(mean, variance, confidence),
    };
    shift(averages, outside)
}

/// How far samples `of` lie above samples `than`, both of one shape, by the ranks of Mann and Whitney.
/// `None` if one side is empty, or where a sample is not a number.
pub fn rank_sum(of: &[f64], than: &[f64], confidence: f64) -> Option<Shift> {
    let differences = of.iter().flat_map(|a| than.iter().map(move |b| a - b));
    let (m, n) = (of.len(), than.len());
    let (mean, variance) = ((m * n) as f64 / 2.0, (m * n * (m + n + 1)) as f64 / 12.0);
    let outside = match m + n <= EXACT {
        true => below(&rank_sums(m, n), confidence),
        false => below_normal(mean, variance, confidence),
    };
    shift(differences, outside)
}

/// The median of `all`, and the interval without the `outside` smallest and largest of them.
fn shift(all: impl Iterator<Item = f64>, outside: Option<usize>) -> Option<Shift> {
    let sorted = Sorted::by(all, f64::total_cmp)?;
    let all = sorted.samples();
    if !all.iter().all(|x| x.is_finite()) {
        return None;
    }
    let middle = all.len() / 2;
    let interval = outside.map(|outside| Interval {
        low: all[outside],
        high: all[all.len() - 1 - outside],
    });
    Some(Shift {
        estimate: f64::midpoint(all[(all.len() - 1) / 2], all[middle]),
        interval,
    })
}

/// The largest `k` for which the statistic is `k` or less with at most half of what `confidence` leaves.
/// `probabilities[k]` is that of the value `k`.
fn below(probabilities: &[f64], confidence: f64) -> Option<usize> {
    let allowed = (1.0 - confidence) / 2.0;
    let mut sum = 0.0;
    let found = probabilities.iter().take_while(|&&p| {
        sum += p;
        sum <= allowed
    });
    found.count().checked_sub(1)
}

fn below_normal(mean: f64, variance: f64, confidence: f64) -> Option<usize> {
    let edge = mean - normal_quantile(1.0 - (1.0 - confidence) / 2.0) * variance.sqrt();
    (edge >= 1.0).then(|| edge as usize - 1)
}

/// The probabilities of each sum of positive ranks of `n` differences, each of which has either sign with
/// equal probability.
fn signed_rank_sums(n: usize) -> Vec<f64> {
    let mut probabilities = vec![0.0; n * (n + 1) / 2 + 1];
    probabilities[0] = 1.0;
    let mut largest = 0;
    for rank in 1..=n {
        for sum in (0..=largest).rev() {
            probabilities[sum] /= 2.0;
            probabilities[sum + rank] += probabilities[sum];
        }
        largest += rank;
    }
    probabilities
}

/// The probabilities of each number of pairs in which the first of `m` and `n` samples is the larger one.
fn rank_sums(m: usize, n: usize) -> Vec<f64> {
    // counts[i][u]: of i first samples and the second ones so far, as a share of all orders.
    let mut shares = vec![vec![1.0]; m + 1];
    for j in 1..=n {
        shares[0] = vec![1.0];
        for i in 1..=m {
            // The largest of all is one of the first with i / (i + j), and then lies above j others.
            let first = i as f64 / (i + j) as f64;
            let mut mixed = vec![0.0; i * j + 1];
            for (u, p) in shares[i - 1].iter().enumerate() {
                mixed[u + j] += first * p;
            }
            for (u, p) in shares[i].iter().enumerate() {
                mixed[u] += (1.0 - first) * p;
            }
            shares[i] = mixed;
        }
    }
    shares.swap_remove(m)
}

/// The point that a normal variable exceeds with probability 1 − `share`, for shares above one half.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        match libm::erfc(middle / std::f64::consts::SQRT_2) / 2.0 > 1.0 - share {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covers(interval: Interval, x: f64) -> bool {
        (interval.low..=interval.high).contains(&x)
    }

    /// Counted by hand: 99 of the 2^10 signs of ten differences have a sum of 41 or more, and 12 of the 252
    /// orders of five and five samples have 21 pairs or more.
    #[test]
    fn the_distributions_of_the_tables() {
        let above = |p: &[f64], least: usize| p[least..].iter().sum::<f64>();
        let signed = signed_rank_sums(10);
        assert_eq!(above(&signed, 41) * 1024.0, 99.0, "{signed:?}");
        let sums = rank_sums(5, 5);
        assert!((above(&sums, 21) * 252.0 - 12.0).abs() < 1e-9, "{sums:?}");
        for p in [signed, sums, rank_sums(7, 3)] {
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(
                p.iter()
                    .zip(p.iter().rev())
                    .all(|(a, b)| (a - b).abs() < 1e-12)
            );
        }
    }

    #[test]
    fn few_samples_have_no_interval() {
        let differences: Vec<f64> = (1..=11).map(f64::from).collect();
        // 2 / 2^10 is more than 0.001, and 2 / 2^11 is less.
        let of = |n: usize| signed_rank(&differences[..n], 0.999).unwrap().interval;
        assert_eq!(of(10), None);
        assert_eq!(
            of(11),
            Some(Interval {
                low: 1.0,
                high: 11.0
            })
        );
        // 2 of 924 orders are more than 0.001, and 2 of 3432 are less.
        let of = |n: usize| {
            rank_sum(&differences[..n], &differences[..n], 0.999)
                .unwrap()
                .interval
        };
        assert_eq!(of(6), None);
        assert_eq!(
            of(7),
            Some(Interval {
                low: -6.0,
                high: 6.0
            })
        );
        assert_eq!(signed_rank(&[], 0.999), None);
        assert_eq!(rank_sum(&[1.0], &[], 0.999), None);
        assert_eq!(signed_rank(&[1.0, f64::NAN], 0.9), None);
    }

    #[test]
    fn many_samples_have_nearly_the_same_interval_with_either_distribution() {
        let n = EXACT;
        let exact = below(&signed_rank_sums(n), 0.999).unwrap();
        let variance = (n * (n + 1) * (2 * n + 1)) as f64 / 24.0;
        let normal = below_normal((n * (n + 1)) as f64 / 4.0, variance, 0.999).unwrap();
        assert!(exact.abs_diff(normal) * 100 < exact, "{exact} {normal}");
        assert!((normal_quantile(0.9995) - 3.290_526_731).abs() < 1e-8);
    }

    proptest! {
        /// As a shift of the samples: all of it, and nothing else, is found.
        #[test]
        fn a_shift_moves_everything(
            samples in prop::collection::vec(-1e3..1e3f64, 11..40), by in -1e3..1e3f64
        ) {
            let moved: Vec<f64> = samples.iter().map(|x| x + by).collect();
            let (before, after) = (signed_rank(&samples, 0.99).unwrap(), signed_rank(&moved, 0.99).unwrap());
            prop_assert!((after.estimate - before.estimate - by).abs() < 1e-9);
            let (before, after) = (before.interval.unwrap(), after.interval.unwrap());
            prop_assert!((after.low - before.low - by).abs() < 1e-9);
            let found = rank_sum(&moved, &samples, 0.99).unwrap();
            prop_assert!(covers(found.interval.unwrap(), by));
            prop_assert!((found.estimate - by).abs() < 1e-9);
        }
    }

    /// Whatever the noise: its sign is what chance decides.
    #[test]
    fn the_interval_misses_the_center_as_rarely_as_it_says() {
        let mut random = crate::task::SplitMix64::new(11);
        let missed = (0..4000).filter(|_| {
            let wild = |u: f64| (u - 0.5).signum() * (1.0 / (0.5 - (u - 0.5).abs() + 1e-9));
            let samples: Vec<f64> = (0..15)
                .map(|_| wild(random.next() as f64 / u64::MAX as f64))
                .collect();
            let found = signed_rank(&samples, 0.99).unwrap();
            !covers(found.interval.unwrap(), 0.0)
        });
        // Four standard deviations of a binomial distribution above 40.
        assert!(missed.count() <= 65);
    }
}
