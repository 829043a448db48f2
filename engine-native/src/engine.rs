//! The engine: a model with the kernels and the threads that run it.

use std::{fmt, sync::Arc};

use crate::{
    decode_weights::{DecodeWeights, Packing},
    error::RunError,
    kernels::Kernels,
    ledger::Isa,
    model::Model,
    observer::Observer,
    panels::Panels,
    screen::{Screen, Screening},
    workers::{MIN_PART_WORK, Workers},
};

/// A model ready to run. Clones are cheap and share everything; sessions are independent of each
/// other.
#[derive(Clone)]
pub struct Engine {
    pub(crate) model: Arc<Model>,
    pub(crate) kernels: Arc<dyn Kernels>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) decode_weights: Arc<DecodeWeights>,
    pub(crate) panels: Arc<Panels>,
    pub(crate) screen: Option<Arc<Screen>>,
}

/// How an engine is set up. No setting changes any result.
#[derive(Debug, Clone, Copy)]
pub struct EngineOptions {
    /// Number of threads, at least 1. The caller's thread is one of them.
    pub n_threads: usize,
    /// Layout of the weights for decoding. Grouped ternary weights have one layout only.
    pub packing: Packing,
    /// Whether a low-bit screen replaces most of the output matrix in greedy choices.
    pub screening: Screening,
    /// The least work, in multiply-accumulates, for which another thread is used.
    pub min_part_work: usize,
}

impl EngineOptions {
    /// The defaults, with `n_threads` threads.
    pub fn new(n_threads: usize) -> Self {
        Self {
            n_threads,
            packing: Packing::default(),
            screening: Screening::default(),
            min_part_work: MIN_PART_WORK,
        }
    }
}

impl Engine {
    /// Creates an engine with default options. With 1 thread only the caller's runs.
    ///
    /// # Errors
    /// The threads cannot be started, or the floating-point environment is not the one that the
    /// contract requires.
    ///
    /// # Panics
    /// `n_threads` is 0.
    pub fn new(
        model: Arc<Model>,
        kernels: Arc<dyn Kernels>,
        n_threads: usize,
    ) -> Result<Self, RunError> {
        Self::with_options(model, kernels, EngineOptions::new(n_threads), &())
    }

    /// Creates an engine: starts the threads, and arranges the weights for decoding.
    ///
    /// # Errors
    /// As for [`Engine::new`], or `observer` stopped the setup.
    ///
    /// # Panics
    /// As for [`Engine::new`].
    pub fn with_options(
        model: Arc<Model>,
        kernels: Arc<dyn Kernels>,
        options: EngineOptions,
        observer: &dyn Observer,
    ) -> Result<Self, RunError> {
        assert!(options.n_threads > 0, "an engine needs a thread");
        let workers = Workers::new(options.n_threads, options.min_part_work)?;
        let decode_weights = DecodeWeights::new(&model, &*kernels, options.packing, observer)?;
        let panels = Panels::new(&model, observer)?;
        let screen = Screen::new(&model, &*kernels, options.screening, observer)?;
        Ok(Self {
            model,
            kernels,
            workers: Arc::new(workers),
            decode_weights: Arc::new(decode_weights),
            panels: Arc::new(panels),
            screen: screen.map(Arc::new),
        })
    }

    /// Like [`Engine::with_options`], with fewer threads where the system does not give as many: for
    /// callers whose number of threads nobody asked for.
    ///
    /// # Errors
    /// As for [`Engine::with_options`], but threads other than the caller's are not needed.
    ///
    /// # Panics
    /// As for [`Engine::new`].
    pub fn with_at_most(
        model: Arc<Model>,
        kernels: Arc<dyn Kernels>,
        mut options: EngineOptions,
        observer: &dyn Observer,
    ) -> Result<Self, RunError> {
        loop {
            match Self::with_options(model.clone(), kernels.clone(), options, observer) {
                Err(RunError::Threads { .. }) if options.n_threads > 1 => options.n_threads /= 2,
                result => return result,
            }
        }
    }

    /// Bytes that an engine with these options will allocate for its own copies of the weights.
    pub fn bytes_to_pack(model: &Model, kernels: &dyn Kernels, options: &EngineOptions) -> u64 {
        let weights = DecodeWeights::bytes_to_pack(model, kernels, options.packing);
        let panels = Panels::bytes_to_pack(model);
        (weights + panels + options.screening.bytes(model, kernels)) as u64
    }

    /// Bytes allocated for the engine's own copies of the weights.
    pub fn packed_bytes(&self) -> u64 {
        let screen = self.screen.as_ref().map_or(0, |screen| screen.allocated());
        (self.decode_weights.allocated() + self.panels.allocated() + screen) as u64
    }

    /// Calls `job` once on every thread that computes, the caller's among them, each with an index of
    /// its own below [`EngineOptions::n_threads`]. Between steps, this tells what only a thread knows
    /// of itself, such as its CPU time.
    pub fn on_each_thread(&self, job: &(dyn Fn(usize) + Sync)) {
        self.workers.on_each(job);
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The ISA of the kernels.
    pub fn isa(&self) -> Isa {
        self.kernels.isa()
    }

    /// Number of threads.
    pub fn n_threads(&self) -> usize {
        self.workers.n_threads()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Engine")
            .field("isa", &self.isa())
            .field("n_threads", &self.n_threads())
            .finish_non_exhaustive()
    }
}
