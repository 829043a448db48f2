//! The second phase of a run: the native engine runs and times the task, and records evidence.

use super::{
    compare::check_counts,
    loaded::Loaded,
    runner::{NativeRunner, Recording, Runner},
};
use crate::{
    digest::Digest,
    failure::RunFailure,
    task::{PositionRecord, Transcript},
    watch::Phase,
};

impl Loaded {
    /// Runs the task on the native engine: first the warm-up runs, then the timed repetitions.
    ///
    /// # Errors
    /// A run failed.
    pub fn measure(self) -> Result<Measured, RunFailure> {
        let runner = NativeRunner::new(&self.engine, &self.task)?;
        self.measure_with(Box::new(runner))
    }

    /// Like [`Loaded::measure`], with another engine. Tests use it to show that a wrong engine gets
    /// no receipt.
    ///
    /// # Errors
    /// A run failed.
    pub fn measure_with(self, mut runner: Box<dyn Runner>) -> Result<Measured, RunFailure> {
        let (warmup, of) = (self.settings.warmup, self.repetitions);
        // Warm-up runs use another prompt, so the first timed run shows what the prompt takes
        // without any cache of it.
        let warm_up = self.task.warm_up(self.file.model.shape().n_vocab);
        let work = self.task.work(self.file.model.shape());
        for done in 0..warmup {
            let run = done + 1;
            self.watch.begin(Phase::WarmUp { run, of: warmup }, work);
            runner.record(&warm_up, &self.watch)?;
        }
        let mut repetitions = Vec::with_capacity(of);
        let mut evidence: Vec<Evidence> = Vec::new();
        for done in 0..of {
            let run = done + 1;
            self.watch.begin(Phase::Measure { run, of }, work);
            let recording = runner.record(&self.task, &self.watch)?;
            if let Some(divergence) = check_counts(&self.task, &recording) {
                let repetition = done;
                return Err(RunFailure::Parity {
                    repetition,
                    divergence,
                });
            }
            repetitions.push(self.keep(recording, &mut evidence));
        }
        Ok(Measured {
            loaded: self,
            runner,
            repetitions,
            evidence,
        })
    }

    /// Splits a recording into its samples and its evidence. Traces that are equal, bit for bit, to
    /// those of an earlier repetition are not kept again.
    fn keep(&self, recording: Recording, evidence: &mut Vec<Evidence>) -> Repetition {
        let records = recording.traces.iter().map(PositionRecord::from_trace);
        let records: Vec<_> = records.collect();
        let start = self.task.transcript_start(self.file.sha256);
        let checksum = Transcript::of(&start, &records);
        let known = evidence
            .iter()
            .position(|e| e.checksum == checksum && e.recording.tokens == recording.tokens);
        let samples = Repetition {
            prefill_ns: recording.prefill_ns,
            decode_ns: recording.decode_ns.clone(),
            ledger: recording.ledger.clone(),
            evidence: known.unwrap_or(evidence.len()),
        };
        if known.is_none() {
            evidence.push(Evidence {
                checksum,
                recording,
            });
        }
        samples
    }
}

/// The evidence of at least one repetition: its recording, and the checksum of its transcript.
pub(super) struct Evidence {
    pub(super) checksum: Digest,
    pub(super) recording: Recording,
}

/// The samples of one timed repetition.
#[derive(Debug)]
pub(crate) struct Repetition {
    pub(crate) prefill_ns: u64,
    pub(crate) decode_ns: Vec<u64>,
    pub(crate) ledger: engine_native::Ledger,
    pub(super) evidence: usize,
}

impl Repetition {
    pub(crate) fn total_ns(&self) -> u64 {
        self.prefill_ns + self.decode_ns.iter().sum::<u64>()
    }
}

/// A task that the native engine has run and timed.
pub struct Measured {
    pub(crate) loaded: Loaded,
    pub(super) runner: Box<dyn Runner>,
    pub(crate) repetitions: Vec<Repetition>,
    pub(super) evidence: Vec<Evidence>,
}

impl Measured {
    /// The checksum of the first repetition's transcript.
    pub(crate) fn checksum(&self) -> Digest {
        self.evidence[0].checksum
    }

    /// The tokens of the first repetition.
    pub(crate) fn tokens(&self) -> &[u32] {
        &self.evidence[0].recording.tokens
    }

    /// The index of the median repetition: the lower median by total time.
    pub(crate) fn median(&self) -> usize {
        let mut order: Vec<usize> = (0..self.repetitions.len()).collect();
        order.sort_by_key(|&i| self.repetitions[i].total_ns());
        order[(order.len() - 1) / 2]
    }
}
