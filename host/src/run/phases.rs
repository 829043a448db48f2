//! The phases as types.

use std::{path::PathBuf, sync::Arc, time::Instant};

use engine_native::{Engine, KernelChoice, Model};

use super::RunFailure;
use crate::{
    cancel::Cancel,
    digest::Digest,
    divergence::{check_counts, explain, first_divergence},
    environment::Environment,
    receipt::PromptSource,
    replay::{Replay, replay},
    sandbox::{GuestShape, Sandbox},
    task::{NativeRunner, Recording, Runner, Task},
    transcript::{PositionRecord, Transcript},
};

/// How a run is set up.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct RunSettings {
    pub model: PathBuf,
    pub prompt: PromptSource,
    pub n_generate: usize,
    pub kernel: KernelChoice,
    pub kv_type: engine_native::KvType,
    pub warmup: usize,
    /// At least 1. None: 3, or 1 for files above 64 MB.
    pub repetitions: Option<usize>,
    pub environment: Environment,
}

/// What is going on, for a progress display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Phase {
    Load,
    WarmUp { done: usize, of: usize },
    Measure { done: usize, of: usize },
    Replay { done: u64, of: u64 },
}

/// Told of each phase.
pub type Progress<'p> = &'p mut dyn FnMut(Phase);

/// Files above this many bytes are measured once by default.
const LARGE_FILE: usize = 64 << 20;

/// A model in memory and an engine ready to run the task.
pub struct Loaded {
    pub(crate) settings: RunSettings,
    pub(crate) task: Task,
    pub(crate) repetitions: usize,
    pub(crate) model: Arc<Model>,
    pub(crate) model_sha256: Digest,
    pub(crate) load_ns: u64,
    engine: Engine,
    cancel: Cancel,
}

impl Loaded {
    /// Maps, validates and hashes the model, and prepares the engine.
    ///
    /// # Errors
    /// The model cannot be used, or the task does not fit it.
    pub fn open(
        settings: RunSettings,
        cancel: &Cancel,
        progress: Progress,
    ) -> Result<Self, RunFailure> {
        progress(Phase::Load);
        let kernels = settings.kernel.resolve()?;
        let start = Instant::now();
        let model = Model::open(&settings.model).map_err(|source| RunFailure::Model {
            path: settings.model.clone(),
            source,
        })?;
        let model_sha256 = Digest::of(model.file_bytes());
        let model = Arc::new(model);
        let engine = Engine::new(model.clone(), kernels, settings.environment.threads)?;
        let task = Task {
            prompt: settings.prompt.ids(model.shape().n_vocab),
            n_generate: settings.n_generate,
            kv_type: settings.kv_type,
        };
        let default = if model.file_bytes().len() > LARGE_FILE {
            1
        } else {
            3
        };
        Ok(Self {
            repetitions: settings.repetitions.unwrap_or(default),
            load_ns: start.elapsed().as_nanos() as u64,
            settings,
            task,
            model,
            model_sha256,
            engine,
            cancel: cancel.clone(),
        })
    }

    /// The engine that will run.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What will be decoded.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Runs the native engine: warm-up, then the timed repetitions.
    ///
    /// # Errors
    /// A run failed.
    pub fn measure(self, progress: Progress) -> Result<Measured, RunFailure> {
        let runner = NativeRunner::new(&self.engine, &self.task)?;
        self.measure_with(Box::new(runner), progress)
    }

    /// As [`Loaded::measure`], with another engine: tests show that a wrong one gets no receipt.
    ///
    /// # Errors
    /// A run failed.
    pub fn measure_with(
        self,
        mut runner: Box<dyn Runner>,
        progress: Progress,
    ) -> Result<Measured, RunFailure> {
        let (warmup, of) = (self.settings.warmup, self.repetitions);
        for done in 0..warmup {
            progress(Phase::WarmUp { done, of: warmup });
            runner.record(&self.task, &self.cancel)?;
        }
        let mut repetitions = Vec::with_capacity(of);
        let mut evidence: Vec<Evidence> = Vec::new();
        for done in 0..of {
            progress(Phase::Measure { done, of });
            let recording = runner.record(&self.task, &self.cancel)?;
            repetitions.push(self.keep(recording, &mut evidence)?);
        }
        Ok(Measured {
            loaded: self,
            runner,
            repetitions,
            evidence,
        })
    }

    /// Reduces a recording to its samples and its evidence. Traces that an earlier repetition
    /// has already left, bit for bit, are not kept twice.
    fn keep(
        &self,
        mut recording: Recording,
        evidence: &mut Vec<Evidence>,
    ) -> Result<Repetition, RunFailure> {
        if let Some(divergence) = check_counts(&self.task, &recording) {
            let repetition = evidence.len();
            return Err(RunFailure::Parity {
                repetition,
                divergence,
            });
        }
        let records = recording.traces.iter().map(PositionRecord::from_trace);
        let records: Vec<_> = records.collect();
        let start = self.task.transcript_start(self.model_sha256);
        let checksum = Transcript::of(&start, &records);
        let known = evidence
            .iter()
            .position(|e| e.checksum == checksum && e.recording.tokens == recording.tokens);
        let samples = Repetition {
            prefill_ns: recording.prefill_ns,
            decode_ns: std::mem::take(&mut recording.decode_ns),
            ledger: recording.ledger.clone(),
            evidence: known.unwrap_or(evidence.len()),
        };
        if known.is_none() {
            recording.decode_ns = samples.decode_ns.clone();
            evidence.push(Evidence {
                checksum,
                recording,
            });
        }
        Ok(samples)
    }
}

/// A transcript that at least one repetition left.
struct Evidence {
    checksum: Digest,
    recording: Recording,
}

/// The samples of one timed repetition.
#[derive(Debug)]
pub(crate) struct Repetition {
    pub(crate) prefill_ns: u64,
    pub(crate) decode_ns: Vec<u64>,
    pub(crate) ledger: engine_native::Ledger,
    evidence: usize,
}

impl Repetition {
    pub(crate) fn total_ns(&self) -> u64 {
        self.prefill_ns + self.decode_ns.iter().sum::<u64>()
    }
}

/// A task that the native engine has run and timed.
pub struct Measured {
    pub(crate) loaded: Loaded,
    runner: Box<dyn Runner>,
    pub(crate) repetitions: Vec<Repetition>,
    evidence: Vec<Evidence>,
}

impl Measured {
    /// Replays the task in the sandbox and compares every timed repetition with it, bit for bit.
    ///
    /// # Errors
    /// Native and reference disagree, or the reference failed.
    pub fn prove(mut self, sandbox: &Sandbox, progress: Progress) -> Result<Proved, RunFailure> {
        let model = self.loaded.model.clone();
        let file = model.file_bytes();
        self.check_shape(sandbox.open(file)?.shape())?;
        let task = self.loaded.task.clone();
        let claimed = &self.evidence[0].recording.tokens;
        let mut report = |done, of| progress(Phase::Replay { done, of });
        let reference = replay(sandbox, file, &task, claimed, &mut report)?;
        for index in 0..self.evidence.len() {
            self.compare(index, &reference, sandbox, file)?;
        }
        let checksum = reference.checksum(&task, self.loaded.model_sha256);
        if self.evidence.len() != 1 || self.evidence[0].checksum != checksum {
            return Err(self.unexplained());
        }
        Ok(Proved {
            parity: Some(Proof {
                checksum,
                fuel: reference.fuel,
                wall_ns: reference.wall.as_nanos() as u64,
            }),
            measured: self,
        })
    }

    /// Goes on without a replay. The receipt will say so, and the gate refuse it.
    pub fn without_proof(self) -> Proved {
        Proved {
            measured: self,
            parity: None,
        }
    }

    /// Two parsers read the same header: they must have read the same shape.
    fn check_shape(&self, reference: &GuestShape) -> Result<(), RunFailure> {
        let native = native_shape(&self.loaded.model, reference.n_head_chunks);
        if native == *reference {
            return Ok(());
        }
        Err(RunFailure::Shape {
            native: format!("{native:?}"),
            reference: format!("{reference:?}"),
        })
    }

    fn compare(
        &mut self,
        index: usize,
        reference: &Replay,
        sandbox: &Sandbox,
        file: &[u8],
    ) -> Result<(), RunFailure> {
        let recording = &self.evidence[index].recording;
        let Some(divergence) = first_divergence(recording, reference) else {
            return Ok(());
        };
        let (task, cancel) = (&self.loaded.task, &self.loaded.cancel);
        let runner = &mut *self.runner;
        let place = (sandbox, file);
        let divergence = explain(divergence, task, recording, runner, place, cancel)?;
        let repetition = self.repetitions.iter().position(|r| r.evidence == index);
        Err(RunFailure::Parity {
            repetition: repetition.unwrap_or(0),
            divergence,
        })
    }

    /// The checksums differ although no value was found that does.
    fn unexplained(&self) -> RunFailure {
        RunFailure::Parity {
            repetition: 0,
            divergence: crate::divergence::Divergence {
                position: self.loaded.task.n_positions() - 1,
                layer: None,
                op: None,
                difference: crate::divergence::Difference::Count {
                    what: "distinct transcripts",
                    native: self.evidence.len(),
                    expected: 1,
                },
            },
        }
    }

    /// Native checksum of the first repetition.
    pub(crate) fn checksum(&self) -> Digest {
        self.evidence[0].checksum
    }

    /// Tokens of the first repetition.
    pub(crate) fn tokens(&self) -> &[u32] {
        &self.evidence[0].recording.tokens
    }

    /// Index of the median repetition: the lower median by total time.
    pub(crate) fn median(&self) -> usize {
        let mut order: Vec<usize> = (0..self.repetitions.len()).collect();
        order.sort_by_key(|&i| self.repetitions[i].total_ns());
        order[(order.len() - 1) / 2]
    }
}

/// The shape that the engine reads, as the guest reports its own.
pub(crate) fn native_shape(model: &Model, n_head_chunks: u64) -> GuestShape {
    let shape = model.shape();
    GuestShape {
        n_vocab: shape.n_vocab,
        n_embd: shape.n_embd,
        n_layers: shape.n_layers,
        n_heads: shape.n_heads,
        n_kv_heads: shape.n_kv_heads,
        head_dim: shape.head_dim,
        n_ff: shape.n_ff,
        context_length: shape.context_length,
        rope_dim: shape.rope_dim,
        // How the guest cuts the output matrix is its own affair.
        n_head_chunks,
        tied: model.is_tied(),
        n_parameters: model.n_parameters(),
    }
}

/// What the reference found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof {
    pub(crate) checksum: Digest,
    pub(crate) fuel: u64,
    pub(crate) wall_ns: u64,
}

/// A measured task that may become a receipt.
pub struct Proved {
    pub(crate) measured: Measured,
    pub(crate) parity: Option<Proof>,
}
