//! What is decoded, and what a native engine leaves behind when it has.

use engine_native::{
    Engine, KvType, Ledger, LogitsAt, Op, OpOutput, PositionTrace, RunError, Session,
    SessionOptions,
};

use crate::{
    cancel::Cancel, challenge::Challenge, digest::Digest, prompt::warm_up_prompt, run::RunFailure,
    transcript::TranscriptStart,
};

/// One decode, fully determined: both sides compute exactly this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Prompt ids.
    pub prompt: Vec<u32>,
    /// Tokens to generate, at least 1.
    pub n_generate: usize,
    /// Element type of the KV cache.
    pub kv_type: KvType,
    /// The challenge that the prompt is derived from, if any.
    pub challenge: Option<Challenge>,
}

impl Task {
    /// A run of the same length with another prompt.
    pub fn warm_up(&self, n_vocab: u64) -> Self {
        Self {
            prompt: warm_up_prompt(&self.prompt, n_vocab),
            ..self.clone()
        }
    }

    /// Positions that are fed: the last token is chosen, not fed.
    pub fn n_positions(&self) -> usize {
        self.prompt.len() + self.n_generate - 1
    }

    /// The session that fits the task.
    pub fn session_options(&self) -> SessionOptions {
        SessionOptions {
            kv_type: self.kv_type,
            logits: LogitsAt::ChoosingPositions,
            ..SessionOptions::new(self.n_positions())
        }
    }

    /// Whether a token is chosen at `position`.
    pub fn chooses_at(&self, position: usize) -> bool {
        position + 1 >= self.prompt.len()
    }

    /// The tokens fed when `tokens` are the ones chosen.
    pub fn inputs<'a>(&'a self, tokens: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let chosen = &tokens[..tokens.len().min(self.n_generate - 1)];
        self.prompt.iter().chain(chosen).copied()
    }

    /// Where the task's transcript starts.
    pub fn transcript_start(&self, model: Digest) -> TranscriptStart<'_> {
        TranscriptStart {
            model,
            kv_type: self.kv_type,
            challenge: self.challenge.as_ref().map_or(&[], Challenge::bytes),
            prompt: &self.prompt,
            n_generate: self.n_generate,
        }
    }
}

/// A timed native run, with the evidence that it recorded while it was timed.
#[derive(Debug)]
pub struct Recording {
    /// Chosen tokens.
    pub tokens: Vec<u32>,
    /// One trace per position fed.
    pub traces: Vec<PositionTrace>,
    /// Time of the prefill step, which ends when the first token is chosen.
    pub prefill_ns: u64,
    /// Time of each decode step.
    pub decode_ns: Vec<u64>,
    /// The kernels that ran.
    pub ledger: Ledger,
}

/// The bits of an operation's output, all elements.
pub type OpBits = (Op, Vec<u32>);

/// An engine under test. [`NativeRunner`] is the one that ships; tests bring sabotaged ones.
pub trait Runner {
    /// Runs the task once, timed.
    ///
    /// # Errors
    /// The run failed or was interrupted.
    fn record(&mut self, task: &Task, cancel: &Cancel) -> Result<Recording, RunFailure>;

    /// Runs the task again, untimed, for the outputs of every operation at one place.
    ///
    /// # Errors
    /// The run failed or was interrupted.
    fn op_outputs(
        &mut self,
        task: &Task,
        position: usize,
        layer: usize,
        cancel: &Cancel,
    ) -> Result<Vec<OpBits>, RunFailure>;
}

/// The native engine with a session that fits one task.
pub struct NativeRunner {
    session: Session,
}

impl NativeRunner {
    /// A session of `engine` for `task`.
    ///
    /// # Errors
    /// The task does not fit the model.
    pub fn new(engine: &Engine, task: &Task) -> Result<Self, RunError> {
        let shape = engine.model().shape();
        shape.check_run(&task.prompt, task.n_generate)?;
        let session = engine.session(task.session_options())?;
        Ok(Self { session })
    }
}

impl Runner for NativeRunner {
    fn record(&mut self, task: &Task, cancel: &Cancel) -> Result<Recording, RunFailure> {
        let mut step_ns = Vec::with_capacity(task.n_generate);
        let mut tokens = Vec::with_capacity(task.n_generate);
        let mut traces = Vec::with_capacity(task.n_positions());
        for step in self.session.generate(&task.prompt, task.n_generate)? {
            let step = step?;
            // A coarse clock may see nothing pass; a rate needs a time.
            step_ns.push((step.elapsed.as_nanos() as u64).max(1));
            tokens.push(step.choice.token);
            traces.extend(step.positions);
            if cancel.is_requested() {
                return Err(RunFailure::Interrupted);
            }
        }
        let decode_ns = step_ns.split_off(1);
        Ok(Recording {
            tokens,
            traces,
            prefill_ns: step_ns[0],
            decode_ns,
            ledger: self.session.ledger(),
        })
    }

    fn op_outputs(
        &mut self,
        task: &Task,
        position: usize,
        layer: usize,
        cancel: &Cancel,
    ) -> Result<Vec<OpBits>, RunFailure> {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.session.set_probe(Box::new(move |point, output| {
            if (point.position, point.layer) == (position, layer) {
                // The receiver outlives the session's run.
                let _ = sender.send((point.op, bits(output)));
            }
        }));
        let ran = self.run_to(task, position, cancel);
        self.session.clear_probe();
        ran.map(|()| receiver.try_iter().collect())
    }
}

impl NativeRunner {
    /// Runs the task until `position` has been fed.
    fn run_to(&mut self, task: &Task, position: usize, cancel: &Cancel) -> Result<(), RunFailure> {
        for step in self.session.generate(&task.prompt, task.n_generate)? {
            let fed = step?.positions;
            if fed.iter().any(|trace| trace.position == position) {
                break;
            }
            if cancel.is_requested() {
                return Err(RunFailure::Interrupted);
            }
        }
        Ok(())
    }
}

fn bits(output: OpOutput) -> Vec<u32> {
    match output {
        OpOutput::F32(x) => x.iter().map(|x| x.to_bits()).collect(),
        OpOutput::I8(x) => x.iter().map(|x| u32::from(x.cast_unsigned())).collect(),
    }
}
