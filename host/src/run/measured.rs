//! The second phase of a run: the native engine runs and times the task, and records evidence.

use std::time::Duration;

use super::{
    broken_rule::BrokenRule,
    compare::check_counts,
    loaded::Loaded,
    runner::{NativeRunner, Recording, Runner},
};
use crate::{
    digest::Digest,
    failure::RunFailure,
    machine::Observation,
    receipt::{Discarded, Evidence as SystemEvidence, RepetitionEvidence, Witness},
    statistics::Sorted,
    task::{PositionRecord, Task, Transcript},
    watch::Phase,
};

/// The memory's bandwidth is measured for so long, after the timed repetitions.
const BANDWIDTH_BUDGET: Duration = Duration::from_millis(150);

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
    pub fn measure_with(self, runner: Box<dyn Runner>) -> Result<Measured, RunFailure> {
        let measured = self.measure_unjudged(runner)?;
        match measured.check() {
            Ok(()) => Ok(measured),
            Err(broken) if broken.is_disturbance() => measured.again(&broken),
            Err(broken) => Err(broken.into()),
        }
    }

    /// Like [`Loaded::measure_with`], but the times are not held against the verifier's rules: they
    /// become no receipt.
    pub(crate) fn measure_unjudged(
        mut self,
        mut runner: Box<dyn Runner>,
    ) -> Result<Measured, RunFailure> {
        self.warm(&mut *runner)?;
        let first = self.attempt(&mut *runner)?;
        Ok(Measured {
            loaded: self,
            runner,
            attempt: first,
            discarded: Vec::new(),
        })
    }

    /// Warm-up runs use another prompt, so the first timed run shows what the prompt takes without any
    /// cache of it.
    pub(super) fn warm(&self, runner: &mut dyn Runner) -> Result<(), RunFailure> {
        let warm_up = self.warm_up(&self.task);
        let (of, work) = (self.settings.warmup, self.work());
        for done in 0..of {
            let run = done + 1;
            self.watch.begin(Phase::WarmUp { run, of }, work);
            runner.record(&warm_up, &self.watch)?;
        }
        Ok(())
    }

    fn warm_up(&self, task: &Task) -> Task {
        task.warm_up(self.file.model.shape().n_vocab)
    }

    pub(super) fn work(&self) -> u64 {
        self.task.work(self.file.model.shape())
    }

    /// Runs and times all repetitions.
    fn attempt(&mut self, runner: &mut dyn Runner) -> Result<Attempt, RunFailure> {
        let (of, work) = (self.repetitions, self.work());
        let mut attempt = Attempt::default();
        let observation = Observation::begin();
        for done in 0..of {
            let run = done + 1;
            self.watch.begin(Phase::Measure { run, of }, work);
            let before = self.counters.read(&self.engine);
            let recording = runner.record(&self.task, &self.watch)?;
            let after = self.counters.read(&self.engine);
            let counted = (before.until(&after), before.evidence_until(&after));
            if let Some(divergence) = check_counts(&self.task, &recording) {
                let repetition = done;
                return Err(RunFailure::Parity {
                    repetition,
                    divergence,
                });
            }
            let records = recording.traces.iter().map(PositionRecord::from_trace);
            let records: Vec<_> = records.collect();
            let start = self.task.transcript_start(self.file.sha256);
            let checksum = Transcript::of(&start, &records);
            attempt.keep(recording, checksum, counted);
        }
        self.finish(attempt, observation)
    }

    /// Adds what the system says of the whole measurement.
    pub(super) fn finish(
        &self,
        mut attempt: Attempt,
        observation: Observation,
    ) -> Result<Attempt, RunFailure> {
        let bandwidth = self.engine.read_bandwidth(BANDWIDTH_BUDGET)?;
        attempt.system = SystemEvidence {
            read_bandwidth: bandwidth.map(|bytes| bytes as u64),
            pinned: self.pinned.is_some(),
            repetitions: attempt.repetitions.iter().map(|r| r.counted).collect(),
            ..observation.end()
        };
        Ok(attempt)
    }
}

impl Attempt {
    /// Splits a recording into its samples and its evidence. Traces that are equal, bit for bit, to
    /// those of an earlier repetition are not kept again.
    pub(super) fn keep(
        &mut self,
        recording: Recording,
        checksum: Digest,
        (witness, counted): (Witness, RepetitionEvidence),
    ) {
        let evidence = &mut self.evidence;
        let known = evidence
            .iter()
            .position(|e| e.checksum == checksum && e.recording.tokens == recording.tokens);
        self.repetitions.push(Repetition {
            depth_ns: recording.depth_ns,
            prefill_ns: recording.prefill_ns,
            decode_ns: recording.decode_ns.clone(),
            ledger: recording.ledger.clone(),
            witness,
            counted,
            evidence: known.unwrap_or(evidence.len()),
        });
        if known.is_none() {
            evidence.push(Evidence {
                checksum,
                recording,
            });
        }
    }
}

/// The evidence of at least one repetition: its recording, and the checksum of its transcript.
pub(super) struct Evidence {
    pub(super) checksum: Digest,
    pub(super) recording: Recording,
}

/// All timed repetitions of a measurement.
#[derive(Default)]
pub(super) struct Attempt {
    pub(super) repetitions: Vec<Repetition>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) system: SystemEvidence,
}

/// The samples of one timed repetition.
#[derive(Debug)]
pub(crate) struct Repetition {
    pub(crate) depth_ns: Option<u64>,
    pub(crate) prefill_ns: u64,
    pub(crate) decode_ns: Vec<u64>,
    pub(crate) ledger: engine_native::Ledger,
    pub(crate) witness: Witness,
    pub(crate) counted: RepetitionEvidence,
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
    pub(super) attempt: Attempt,
    /// The measurement before this one, if other work disturbed it.
    pub(super) discarded: Vec<Discarded>,
}

impl Measured {
    /// Applies the verifier's rules to what is known before the replay: what they would reject has
    /// no number.
    pub(super) fn check(&self) -> Result<(), BrokenRule> {
        BrokenRule::find(&self.receipt(None))
    }

    /// Measures again, after a run of a prompt that is new once more.
    fn again(mut self, broken: &BrokenRule) -> Result<Self, RunFailure> {
        let loaded = &mut self.loaded;
        let control = loaded.warm_up(&loaded.warm_up(&loaded.task));
        let (work, run) = (loaded.work(), 1);
        loaded.watch.begin(Phase::WarmUp { run, of: 1 }, work);
        let control = self.runner.record(&control, &loaded.watch)?;
        let next = loaded.attempt(&mut *self.runner)?;
        let old = std::mem::replace(&mut self.attempt, next).repetitions;
        self.discarded.push(Discarded {
            because: broken.to_string(),
            prefill_ns: old.iter().map(|r| r.prefill_ns).collect(),
            decode_ns: old.into_iter().map(|r| r.decode_ns).collect(),
            control_prefill_ns: control.prefill_ns,
            control_decode_ns: control.decode_ns,
        });
        self.check()?;
        Ok(self)
    }

    pub(crate) fn repetitions(&self) -> &[Repetition] {
        &self.attempt.repetitions
    }

    /// The checksum of the first repetition's transcript.
    pub(crate) fn checksum(&self) -> Digest {
        self.attempt.evidence[0].checksum
    }

    /// The tokens of the first repetition.
    pub(crate) fn tokens(&self) -> &[u32] {
        &self.attempt.evidence[0].recording.tokens
    }

    /// The index of the median repetition: the lower median by total time.
    pub(crate) fn median(&self) -> usize {
        let times = self.repetitions().iter().map(Repetition::total_ns);
        let order = Sorted::of(times.zip(0..)).expect("there is at least one repetition");
        order.median().1
    }
}
