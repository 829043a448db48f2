//! Replays that many receipts share: the tokens of a task do not depend on threads, kernels or times.

use std::collections::HashMap;

use crate::{
    digest::Digest,
    receipt::Receipt,
    sandbox::SandboxError,
    task::Transcript,
    verify::{ReplayFailure, ReplayResult},
};

/// The result of a replay, as a verifier takes it.
type Outcome = Result<ReplayResult, ReplayFailure>;

/// Everything that a replay depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    /// The start of the transcript, which commits to model, KV type, challenge, prompt and count.
    start: Digest,
    i2s_layout: Option<String>,
    /// The tokens that the reference is fed: wrong ones of one receipt decide nothing about another.
    fed: Vec<u32>,
    /// Whether margins are wanted.
    is_external: bool,
}

/// Replays that were computed, each for all receipts that it is the replay of.
#[derive(Debug, Default)]
pub struct Replays {
    known: HashMap<Key, Outcome>,
}

impl Replays {
    /// How many replays were computed.
    pub fn n_computed(&self) -> usize {
        self.known.len()
    }

    /// The replay of `r`: one that is known, or the one that `compute` computes. The model that is
    /// replayed must be that of `r`.
    ///
    /// # Errors
    /// Those of `compute`, and nothing is kept then.
    pub fn of(
        &mut self,
        r: &Receipt,
        compute: impl FnOnce() -> Result<Outcome, SandboxError>,
    ) -> Result<Outcome, SandboxError> {
        let Some(task) = r.task() else {
            return compute();
        };
        let start = task.transcript_start(r.model.sha256);
        let key = Key {
            start: Transcript::new(&start).checksum(),
            i2s_layout: r.model.i2s_layout.clone(),
            fed: r.tokens.clone(),
            is_external: r.is_external(),
        };
        if let Some(outcome) = self.known.get(&key) {
            return Ok(outcome.clone());
        }
        let outcome = compute()?;
        self.known.insert(key, outcome.clone());
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::Replays;
    use crate::{
        digest::Digest, receipt::Receipt, sandbox::SandboxError, verify::Checked,
        verify::ReplayFailure,
    };

    fn receipt() -> Receipt {
        let bytes = include_bytes!("../../../xtask/tests/tamper/receipt-1.2.0.json");
        Checked::read(bytes).unwrap().receipt.unwrap()
    }

    #[test]
    fn receipts_of_one_task_share_a_replay() {
        let mut replays = Replays::default();
        let mut n_asked = 0;
        let mut ask = |receipt: &Receipt| {
            let asked = replays.of(receipt, || {
                n_asked += 1;
                Ok(Err(ReplayFailure::Unanswered("none".into())))
            });
            asked.unwrap().unwrap_err();
            n_asked
        };
        assert_eq!(ask(&receipt()), 1);
        let same: [fn(&mut Receipt); 3] = [
            |r| r.run.threads += 1,
            |r| r.samples.load_ns += 1,
            |r| r.host.cpu_model.push('x'),
        ];
        for edit in same {
            let mut other = receipt();
            edit(&mut other);
            assert_eq!(ask(&other), 1);
        }
        let different: [fn(&mut Receipt); 6] = [
            |r| r.tokens[0] ^= 1,
            |r| r.model.sha256 = Digest([1; 32]),
            |r| r.model.i2s_layout = Some("row4".into()),
            |r| r.run.prompt_ids[0] ^= 1,
            |r| r.run.kv_type = "f32".into(),
            |r| {
                r.run.tokens -= 1;
                r.tokens.pop();
            },
        ];
        for (edit, n) in different.into_iter().zip(2..) {
            let mut other = receipt();
            edit(&mut other);
            assert_eq!(ask(&other), n);
            assert_eq!(ask(&other), n);
        }
    }

    #[test]
    fn an_interrupted_replay_is_not_kept() {
        let mut replays = Replays::default();
        let stopped = replays.of(&receipt(), || Err(SandboxError::Interrupted));
        assert!(matches!(stopped, Err(SandboxError::Interrupted)));
        assert_eq!(replays.n_computed(), 0);
    }
}
