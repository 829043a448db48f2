//! When tokens arrived, and how long each of them took.

use std::time::Instant;

/// Arrivals of tokens, by our clock.
#[derive(Debug)]
pub(super) struct Times {
    asked: Instant,
    /// When some tokens arrived, and how many.
    arrivals: Vec<(Instant, usize)>,
}

/// The times of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) first_ns: u64,
    pub(super) step_ns: Vec<u64>,
    pub(super) joined: usize,
}

impl Times {
    /// Of a request that was sent at `asked`.
    pub(super) fn since(asked: Instant) -> Self {
        Self {
            asked,
            arrivals: Vec::new(),
        }
    }

    /// Notes that `n` tokens arrived.
    pub(super) fn arrived(&mut self, n: usize, at: Instant) {
        match self.arrivals.last_mut() {
            Some((last, before)) if *last == at => *before += n,
            _ => self.arrivals.push((at, n)),
        }
    }

    /// The time of the first token and of each step; nothing without tokens. Tokens that arrive together
    /// share the time since the arrival before them. Of those that arrive with the first one nobody knows
    /// when they were chosen: each counts with the mean of the later steps or, if these are fewer, with the
    /// larger of that mean and the mean time of a token since the request. So tokens that are sent together
    /// never look faster. Those that are chosen first and then sent one by one would: the benchmark refuses
    /// them.
    pub(super) fn steps(&self) -> Option<Steps> {
        let &(first, together) = self.arrivals.first()?;
        let first_ns = nanoseconds(self.asked, first);
        let mut later = Steps {
            first_ns,
            step_ns: Vec::new(),
            joined: 0,
        };
        let mut before = first;
        for &(at, n) in &self.arrivals[1..] {
            share(nanoseconds(before, at), n, &mut later);
            before = at;
        }
        let n_later = later.step_ns.len();
        let mean = nanoseconds(first, before).checked_div(n_later as u64);
        let since_request = first_ns / together as u64;
        let each = match mean {
            Some(mean) if n_later >= together => mean,
            mean => since_request.max(mean.unwrap_or(0)),
        };
        let mut step_ns = vec![each; together - 1];
        step_ns.extend(later.step_ns);
        Some(Steps {
            step_ns,
            joined: later.joined + together - 1,
            ..later
        })
    }
}

/// Shares `ns` among `n` steps; the last one has the remainder.
fn share(ns: u64, n: usize, steps: &mut Steps) {
    if n == 0 {
        return;
    }
    if n > 1 {
        steps.joined += n;
    }
    let each = ns / n as u64;
    steps.step_ns.extend(std::iter::repeat_n(each, n));
    if let Some(last) = steps.step_ns.last_mut() {
        *last += ns % n as u64;
    }
}

fn nanoseconds(from: Instant, to: Instant) -> u64 {
    let duration = to.saturating_duration_since(from);
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Arrivals of (nanoseconds after the request, tokens).
    fn steps(arrivals: &[(u64, usize)]) -> Option<(u64, Vec<u64>, usize)> {
        let asked = Instant::now();
        let mut times = Times::since(asked);
        for &(ns, n) in arrivals {
            times.arrived(n, asked + Duration::from_nanos(ns));
        }
        let steps = times.steps()?;
        Some((steps.first_ns, steps.step_ns, steps.joined))
    }

    #[test]
    fn one_by_one() {
        assert_eq!(steps(&[(7, 1)]), Some((7, vec![], 0)));
        assert_eq!(steps(&[(7, 1), (9, 1), (14, 1)]), Some((7, vec![2, 5], 0)));
    }

    #[test]
    fn tokens_that_arrive_together_share_the_time() {
        let shared = steps(&[(7, 1), (9, 1), (16, 3)]);
        assert_eq!(shared, Some((7, vec![2, 2, 2, 3], 3)));
        let same = steps(&[(7, 1), (9, 1), (9, 1), (9, 1)]);
        assert_eq!(same, Some((7, vec![0, 0, 2], 3)));
    }

    #[test]
    fn tokens_that_are_sent_together_do_not_look_faster() {
        assert_eq!(steps(&[]), None);
        assert_eq!(steps(&[(40, 4)]), Some((40, vec![10, 10, 10], 3)));
        let glitch = steps(&[(1000, 2), (1016, 1), (1020, 1)]);
        assert_eq!(glitch, Some((1000, vec![10, 16, 4], 1)));
        let end_of_a_buffer = steps(&[(40, 4), (41, 1)]);
        assert_eq!(end_of_a_buffer, Some((40, vec![10, 10, 10, 1], 3)));
        let slow_later = steps(&[(40, 4), (140, 1)]);
        assert_eq!(slow_later, Some((40, vec![100, 100, 100, 100], 3)));
    }
}
