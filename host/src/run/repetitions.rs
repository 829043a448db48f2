//! How often a task is timed by default. The count follows from the task's work, never from a clock, so that
//! deterministic runs have one receipt.

/// Multiply-accumulates per second that a run is assumed to make: about what one core with AVX-512 does
/// while it decodes.
const ASSUMED_RATE: u64 = 48_000_000_000;

/// Runs of milliseconds are repeated for about so many seconds: a disturbance of some milliseconds is then
/// a small share of them (MLPerf demands a minimum duration for the same reason).
const ENOUGH_SECONDS: u64 = 1;

/// A median needs this many.
const FEWEST: u64 = 3;

/// More make a receipt long and no figure better.
const MOST: u64 = 64;

/// The number of repetitions of a task of `work` multiply-accumulates that fit into `budget_seconds`; at
/// least 1.
pub(super) fn default_repetitions(work: u64, budget_seconds: u64) -> usize {
    let in_seconds = |seconds: u64| ASSUMED_RATE.saturating_mul(seconds) / work.max(1);
    let wanted = in_seconds(ENOUGH_SECONDS).clamp(FEWEST, MOST);
    wanted.min(in_seconds(budget_seconds)).max(1) as usize
}

#[cfg(test)]
mod tests {
    use super::default_repetitions;

    #[test]
    fn small_tasks_are_repeated_and_large_ones_fit_the_budget() {
        let (tiny, shape_2b4t, shape_8b) = (700_000_000, 340_000_000_000, 1_100_000_000_000);
        assert_eq!(default_repetitions(tiny, 60), 64);
        assert_eq!(default_repetitions(10_000_000_000, 60), 4);
        assert_eq!(default_repetitions(shape_2b4t, 60), 3);
        assert_eq!(default_repetitions(shape_2b4t, 10), 1);
        assert_eq!(default_repetitions(shape_8b, 60), 2);
        assert_eq!(default_repetitions(u64::MAX, 1), 1);
        assert_eq!(default_repetitions(0, 0), 1);
    }
}
