//! Figures of single steps, derived from the samples of all repetitions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{rate::per_second, samples::Samples};
use crate::statistics::Sorted;

/// What a typical step takes. Other work on the machine lengthens single steps, so these figures vary less
/// from run to run than rates of whole repetitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Median time of the prefill, which ends when the first token is chosen, in nanoseconds.
    pub time_to_first_token_ns: u64,
    /// Time of a decode step in nanoseconds, over the steps of all repetitions; null for one token.
    pub decode_step_ns: Option<Percentiles>,
    /// Tokens per second if every decode step took the median time; null for one token.
    pub decode_tokens_per_sec_p50: Option<f64>,
    /// Tokens per second if every decode step took the time that 5 % of the steps do not exceed; null for
    /// one token.
    pub decode_tokens_per_sec_p5: Option<f64>,
}

/// Percentiles by nearest rank: each is one of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percentiles {
    /// 5 % of the samples do not exceed it.
    pub p5: u64,
    /// The median.
    pub p50: u64,
    /// 95 % of the samples do not exceed it.
    pub p95: u64,
    /// 99 % of the samples do not exceed it.
    pub p99: u64,
}

impl Percentiles {
    /// The percentiles of samples.
    pub fn of(samples: &Sorted<u64>) -> Self {
        let [p5, p50, p95, p99] = [5, 50, 95, 99].map(|percent| *samples.percentile(percent));
        Self { p5, p50, p95, p99 }
    }
}

impl Figures {
    /// The figures of samples. `None` if there is no prefill.
    pub fn of(samples: &Samples) -> Option<Self> {
        let prefill = Sorted::of(samples.prefill_ns.iter().copied())?;
        let steps = Sorted::of(samples.decode_ns.iter().flatten().copied());
        let steps = steps.as_ref().map(Percentiles::of);
        let rate = |ns: Option<u64>| per_second(1, ns?);
        Some(Self {
            time_to_first_token_ns: *prefill.median(),
            decode_step_ns: steps,
            decode_tokens_per_sec_p50: rate(steps.map(|p| p.p50)),
            decode_tokens_per_sec_p5: rate(steps.map(|p| p.p5)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(prefill_ns: &[u64], decode_ns: &[&[u64]]) -> Samples {
        Samples {
            load_ns: 1,
            depth_ns: None,
            prefill_ns: prefill_ns.to_vec(),
            decode_ns: decode_ns.iter().map(|steps| steps.to_vec()).collect(),
            witness: None,
            discarded: None,
        }
    }

    #[test]
    fn steps_of_all_repetitions_count() {
        let found = Figures::of(&samples(
            &[9, 7, 8],
            &[&[1000, 2000], &[3000, 4000], &[50, 60]],
        ));
        let found = found.unwrap();
        assert_eq!(found.time_to_first_token_ns, 8);
        let steps = found.decode_step_ns.unwrap();
        assert_eq!(
            [steps.p5, steps.p50, steps.p95, steps.p99],
            [50, 1000, 4000, 4000]
        );
        assert_eq!(found.decode_tokens_per_sec_p50, Some(1e6));
        assert_eq!(found.decode_tokens_per_sec_p5, Some(2e7));
    }

    #[test]
    fn one_token_has_no_decode_step() {
        let found = Figures::of(&samples(&[9], &[&[]])).unwrap();
        assert_eq!(found.decode_step_ns, None);
        assert_eq!(found.decode_tokens_per_sec_p50, None);
        assert_eq!(Figures::of(&samples(&[], &[])), None);
    }
}
