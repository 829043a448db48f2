//! The first phase of a run: the model is loaded and the engine is ready.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use engine_native::{
    Engine, EngineOptions, I2sLayout, KernelChoice, Model, ModelShape, Packing, Screening,
};

use super::repetitions::default_repetitions;
use crate::{
    failure::RunFailure,
    input::{HashedModel, Prompt},
    machine::{Counters, EngineNeed, Environment, MemoryNeed, Pinned},
    receipt::{MAX_RECEIPT_BYTES, largest_receipt_bytes},
    task::Task,
    watch::{Phase, Watch},
};

/// The settings of a run.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct RunSettings {
    pub model: PathBuf,
    pub i2s_layout: I2sLayout,
    pub prompt: Prompt,
    /// Prompt ids that are fed before the clock starts; fewer than the prompt has.
    pub depth: usize,
    pub n_generate: usize,
    pub kernel: KernelChoice,
    pub packing: Packing,
    pub screening: Screening,
    pub kv_type: engine_native::KvType,
    pub warmup: usize,
    /// At least 1. By default, as many as make about a second, at least 3, at most 64, and no more than fit
    /// into `time_budget`.
    pub repetitions: Option<usize>,
    /// Seconds that the default number of repetitions may take, as estimated from the task's work.
    pub time_budget: u64,
    /// Whether threads are bound to as many CPUs.
    pub pin: bool,
    pub environment: Environment,
}

impl RunSettings {
    /// How often a task of these settings is timed, whatever engine runs it.
    pub fn repetitions_of(&self, task: &Task, shape: &ModelShape) -> usize {
        let default = || default_repetitions(task.work(shape), self.time_budget);
        self.repetitions.unwrap_or_else(default)
    }

    /// The task that a model gets by these settings.
    ///
    /// # Errors
    /// The prompt is none for this model, the task is too long for it, or the depth leaves no prompt.
    pub fn task(&self, model: &Model) -> Result<Task, RunFailure> {
        let task = Task {
            prompt: self.prompt.ids(model)?,
            depth: self.depth,
            n_generate: self.n_generate,
            kv_type: self.kv_type,
            challenge: self.prompt.challenge().cloned(),
        };
        model.shape().check_run(&task.prompt, task.n_generate)?;
        let (depth, n_prompt) = (task.depth, task.prompt.len());
        match depth < n_prompt {
            true => Ok(task),
            false => Err(RunFailure::Depth { depth, n_prompt }),
        }
    }
}

/// A model in memory, and how long its file took to be read, validated and hashed.
#[derive(Debug, Clone)]
pub struct TimedModel {
    pub(super) file: HashedModel,
    read_ns: u64,
}

impl TimedModel {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As for [`HashedModel::open`].
    pub fn open(path: &Path, i2s_layout: I2sLayout, watch: &Watch) -> Result<Self, RunFailure> {
        let start = Instant::now();
        let file = HashedModel::open(path, i2s_layout, watch)?;
        let read_ns = start.elapsed().as_nanos() as u64;
        Ok(Self { file, read_ns })
    }

    /// The model and its digest.
    pub fn file(&self) -> &HashedModel {
        &self.file
    }
}

/// A loaded model, and an engine that is ready to run the task.
pub struct Loaded {
    pub(crate) settings: RunSettings,
    pub(crate) task: Task,
    pub(crate) repetitions: usize,
    pub(crate) file: HashedModel,
    pub(crate) load_ns: u64,
    pub(super) engine: Engine,
    pub(super) pinned: Option<Pinned>,
    pub(super) counters: Counters,
    pub(super) watch: Watch,
}

impl Loaded {
    /// Reads, validates and hashes the model, and prepares the engine.
    ///
    /// # Errors
    /// The model cannot be used, or the task does not fit it.
    pub fn open(settings: RunSettings, watch: &Watch) -> Result<Self, RunFailure> {
        settings.kernel.resolve()?;
        let model = TimedModel::open(&settings.model, settings.i2s_layout, watch)?;
        Self::with_model(settings, &model, watch)
    }

    /// Prepares another engine for a model that is in memory. The time that its file took counts as
    /// this run's, too.
    ///
    /// # Errors
    /// The task does not fit the model, or the engine cannot start.
    pub fn with_model(
        settings: RunSettings,
        model: &TimedModel,
        watch: &Watch,
    ) -> Result<Self, RunFailure> {
        let kernels = settings.kernel.resolve()?;
        let start = Instant::now();
        let TimedModel { file, read_ns } = model.clone();
        let model = &file.model;
        let task = settings.task(model)?;
        let options = EngineOptions {
            packing: settings.packing,
            screening: settings.screening,
            ..EngineOptions::new(settings.environment.threads)
        };
        let need = EngineNeed::of(model, &*kernels, &options);
        MemoryNeed::to_run(model, &task.session_options(), need).check()?;
        // Before the engine's threads begin, so that they are bound and counted.
        let pinned = match settings.pin {
            true => Some(Pinned::to(settings.environment.threads).map_err(RunFailure::Pin)?),
            false => None,
        };
        let counters = Counters::open();
        let to_pack = Engine::bytes_to_pack(model, &*kernels, &options);
        watch.begin(Phase::Arrange, to_pack);
        let engine = Engine::with_options(model.clone(), kernels, options, watch)?;
        Ok(Self {
            repetitions: settings.repetitions_of(&task, model.shape()),
            load_ns: read_ns + start.elapsed().as_nanos() as u64,
            settings,
            task,
            file,
            engine,
            pinned,
            counters,
            watch: watch.clone(),
        })
    }

    /// Checks before the run that its receipt will not be too large for verifiers.
    ///
    /// # Errors
    /// The receipt may become too large.
    pub fn check_receipt_size(&self) -> Result<(), RunFailure> {
        check_receipt_size(&self.task, self.repetitions)
    }

    /// The engine that will run the task.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The task that will be run.
    pub fn task(&self) -> &Task {
        &self.task
    }
}

/// Checks that the receipt of so many repetitions of `task` is not too large for verifiers, whatever their times.
///
/// # Errors
/// The receipt may become too large.
pub(super) fn check_receipt_size(task: &Task, repetitions: usize) -> Result<(), RunFailure> {
    let n_generate = task.n_generate;
    let bytes = largest_receipt_bytes(task.prompt.len(), n_generate, repetitions);
    match bytes > MAX_RECEIPT_BYTES {
        true => Err(RunFailure::ReceiptTooLarge {
            repetitions,
            n_generate,
            bytes,
        }),
        false => Ok(()),
    }
}
