//! Runs of a live challenge: the prompt is known only when the challenger's clock runs.

use super::{
    compare::check_counts,
    live_transcript::LiveTranscript,
    loaded::Loaded,
    measured::{Attempt, Measured},
    proved::Proved,
    runner::{NativeRunner, Recording, Runner},
};
use crate::{
    challenge::{Commitment, Terms},
    failure::RunFailure,
    input::Prompt,
    machine::Observation,
    receipt::kv_type_name,
    task::{Challenge, Transcript},
    watch::Phase,
};

/// A loaded model and a warm engine, which wait for a nonce.
pub struct Ready {
    loaded: Loaded,
    runner: Box<dyn Runner>,
}

/// A round that was run, timed and answered.
pub struct Round {
    challenge: Challenge,
    attempt: Attempt,
}

impl Loaded {
    /// Warms up for tasks like its own, whose prompts follow from nonces to come.
    ///
    /// # Errors
    /// A warm-up failed.
    pub fn ready(self) -> Result<Ready, RunFailure> {
        let runner = NativeRunner::new(&self.engine, &self.task)?;
        self.ready_with(Box::new(runner))
    }

    /// Like [`Loaded::ready`], with another engine.
    ///
    /// # Errors
    /// A warm-up failed.
    pub fn ready_with(mut self, mut runner: Box<dyn Runner>) -> Result<Ready, RunFailure> {
        // Each nonce is answered once.
        self.repetitions = 1;
        self.settings.repetitions = Some(1);
        self.warm(&mut *runner)?;
        Ok(Ready {
            loaded: self,
            runner,
        })
    }

    /// Takes a challenge: prompt and transcript follow from it.
    fn take(&mut self, nonce: &Challenge) -> Result<(), RunFailure> {
        if let Prompt::Seeded { challenge, .. } = &mut self.settings.prompt {
            *challenge = Some(nonce.clone());
        }
        self.task.prompt = self.settings.prompt.ids(&self.file.model)?;
        self.task.challenge = self.settings.prompt.challenge().cloned();
        Ok(())
    }
}

impl Ready {
    /// What its rounds are about; `None` if the prompt follows from no seed.
    pub fn terms(&self) -> Option<Terms> {
        let Loaded {
            task,
            settings,
            file,
            ..
        } = &self.loaded;
        let Prompt::Seeded { seed, .. } = settings.prompt else {
            return None;
        };
        Some(Terms {
            model: file.sha256,
            kv_type: kv_type_name(task.kv_type).into(),
            seed,
            prompt_tokens: task.prompt.len() as u64,
            depth: task.depth as u64,
            tokens: task.n_generate as u64,
        })
    }

    /// Runs a round, the number `run` of `of`: `ask` gets the nonce, and `send` gets the digests of the answer,
    /// as soon as the last token is chosen.
    ///
    /// # Errors
    /// The run, `ask` or `send` failed.
    pub fn round<E: From<RunFailure>>(
        &mut self,
        (run, of): (usize, usize),
        ask: impl FnOnce() -> Result<Challenge, E>,
        send: impl FnOnce(&Commitment) -> Result<(), E>,
    ) -> Result<Round, E> {
        let Self { loaded, runner } = self;
        let work = loaded.work();
        loaded.watch.begin(Phase::Measure { run, of }, work);
        let observation = Observation::begin();
        let mut transcript = LiveTranscript::prepare();
        let challenge = ask()?;
        loaded.take(&challenge)?;
        let before = loaded.counters.read(&loaded.engine);
        let start = loaded.task.transcript_start(loaded.file.sha256);
        transcript.begin(Transcript::new(&start));
        let mut hash = |step| transcript.append(step);
        let recording = runner.record_to(&loaded.task, &loaded.watch, &mut hash)?;
        let (checksum, traces) = transcript.finish();
        let after = loaded.counters.read(&loaded.engine);
        send(&Commitment::to(checksum, &recording.tokens))?;
        let recording = Recording {
            traces,
            ..recording
        };
        if let Some(divergence) = check_counts(&loaded.task, &recording) {
            let repetition = 0;
            return Err(E::from(RunFailure::Parity {
                repetition,
                divergence,
            }));
        }
        let counted = (before.until(&after), before.evidence_until(&after));
        let mut attempt = Attempt::default();
        attempt.keep(recording, checksum, counted);
        let attempt = loaded.finish(attempt, observation)?;
        Ok(Round { challenge, attempt })
    }

    /// A round as a measured run.
    ///
    /// # Errors
    /// Its receipt would break a rule of the verifier.
    pub fn measured(mut self, round: Round) -> Result<Measured, RunFailure> {
        self.loaded.take(&round.challenge)?;
        let measured = Measured {
            loaded: self.loaded,
            runner: self.runner,
            attempt: round.attempt,
            discarded: Vec::new(),
        };
        measured.check()?;
        Ok(measured)
    }
}

impl Proved {
    /// Lets go of the round, for the next one.
    pub fn ready(self) -> Ready {
        Ready {
            loaded: self.measured.loaded,
            runner: self.measured.runner,
        }
    }
}
