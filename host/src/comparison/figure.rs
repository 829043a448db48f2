//! A sample of a run: one number for what its steps took.

use crate::statistics::Sorted;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Tokens per second of the decode steps.
    Decode,
    /// Prompt tokens per second of the prefill.
    Prefill,
    /// Time of the prefill, which ends when the first token is chosen, in milliseconds.
    FirstToken,
}

/// So many positions that follow one another take nearly the same time, however deep they are: attention
/// grows by little within them.
const NEIGHBOURS: usize = 16;

/// Of the times of one thing, the one that stands for it: a quarter of them is shorter. Other work only
/// ever adds time, to some of them; more than half of them can be disturbed, and this one is not.
const PERCENT: u32 = 25;

/// The time of a decode step in nanoseconds, over the steps of one repetition or of several: the mean of
/// every 16 positions' lower quartile. Every position counts, and no single step does. `None` without a
/// step.
pub fn step_ns(repetitions: &[&[u64]]) -> Option<f64> {
    let n_steps = repetitions.iter().map(|steps| steps.len()).min()?;
    let starts = (0..n_steps).step_by(NEIGHBOURS);
    let sums = starts.map(|start| {
        let end = n_steps.min(start + NEIGHBOURS);
        let neighbours = repetitions.iter().flat_map(|steps| &steps[start..end]);
        let sorted = Sorted::of(neighbours.copied())?;
        Some(*sorted.percentile(PERCENT) as f64 * (end - start) as f64)
    });
    let sum = sums.sum::<Option<f64>>()?;
    (n_steps > 0).then(|| sum / n_steps as f64)
}

/// The time of a prefill in nanoseconds, over one repetition or several: their lower quartile. `None`
/// without one.
pub fn prefill_ns(times: &[u64]) -> Option<f64> {
    let sorted = Sorted::of(times.iter().copied())?;
    Some(*sorted.percentile(PERCENT) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbed_half_changes_nothing() {
        let quiet: Vec<u64> = (0..40).map(|i| 100 + i / 16).collect();
        let mut disturbed = quiet.clone();
        disturbed.iter_mut().step_by(2).for_each(|ns| *ns *= 50);
        let found = step_ns(&[&quiet]);
        assert_eq!(
            found,
            Some((16.0 * 100.0 + 16.0 * 101.0 + 8.0 * 102.0) / 40.0)
        );
        assert_eq!(step_ns(&[&disturbed]), found);
        assert_eq!(step_ns(&[&quiet, &disturbed]), found);
        assert_eq!(prefill_ns(&[900, 100, 100, 200]), Some(100.0));
    }

    /// The fastest steps of a run are its first ones: a figure of those alone would not see this.
    #[test]
    fn deep_positions_count() {
        let flat = vec![100; 64];
        let mut steep = flat.clone();
        steep[48..].fill(140);
        assert_eq!(step_ns(&[&steep]), Some(110.0));
        assert_eq!(step_ns(&[&flat]), Some(100.0));
    }

    #[test]
    fn nothing_has_no_time() {
        assert_eq!(step_ns(&[]), None);
        assert_eq!(step_ns(&[&[]]), None);
        assert_eq!(prefill_ns(&[]), None);
    }
}
