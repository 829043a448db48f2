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

impl Steps {
    /// Of `n` tokens whose times are not known.
    pub(super) fn unknown(n: usize) -> Self {
        Self {
            first_ns: 0,
            step_ns: vec![0; n.saturating_sub(1)],
            joined: n,
        }
    }
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

    /// The time of the first token and of each step. Tokens that arrive together have the mean of the time
    /// since the arrival before them, so that the sum is that of the clock; those that arrive with the
    /// first one share the time of the next arrival. `None` if more than half of several tokens arrived
    /// with the first one: then nobody can tell the prompt from the steps.
    pub(super) fn steps(&self) -> Option<Steps> {
        let &(first, together) = self.arrivals.first()?;
        let n: usize = self.arrivals.iter().map(|&(_, n)| n).sum();
        if n > 1 && 2 * together > n {
            return None;
        }
        let mut steps = Steps {
            first_ns: nanoseconds(self.asked, first),
            step_ns: Vec::with_capacity(n),
            joined: 0,
        };
        let (mut before, mut waiting) = (first, together - 1);
        for &(at, n) in &self.arrivals[1..] {
            share(nanoseconds(before, at), waiting + n, &mut steps);
            (before, waiting) = (at, 0);
        }
        Some(steps)
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
        assert_eq!(
            steps(&[(7, 1), (9, 1), (16, 3)]),
            Some((7, vec![2, 2, 2, 3], 3))
        );
        assert_eq!(
            steps(&[(7, 2), (16, 1), (20, 1)]),
            Some((7, vec![4, 5, 4], 2))
        );
        assert_eq!(
            steps(&[(7, 1), (9, 1), (9, 1), (9, 1)]),
            Some((7, vec![0, 0, 2], 3))
        );
    }

    #[test]
    fn what_comes_at_once_has_no_steps() {
        assert_eq!(steps(&[]), None);
        assert_eq!(steps(&[(7, 2)]), None);
        assert_eq!(steps(&[(7, 3), (9, 2)]), None);
        assert!(steps(&[(7, 2), (9, 2)]).is_some());
    }
}
