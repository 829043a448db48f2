//! The native engine of this machine, for a single pass over the weights.

use std::sync::Arc;

use engine_native::{
    Engine, EngineOptions, KernelChoice, Model, Packing, Scalar, Screening, SessionOptions,
};

use crate::{
    failure::RunFailure,
    machine::{EngineNeed, MemoryNeed},
    watch::Watch,
};

/// An engine for sessions of these options, with at most `n_threads` threads.
///
/// # Errors
/// Such a session does not fit this machine's memory, or `watch` stopped the setup.
pub(super) fn engine(
    model: &Arc<Model>,
    session: &SessionOptions,
    n_threads: usize,
    watch: &Watch,
) -> Result<Engine, RunFailure> {
    let options = EngineOptions {
        // A single pass over the weights does not justify packing them.
        packing: Packing::Off,
        screening: Screening::Off,
        ..EngineOptions::new(n_threads)
    };
    let kernels = KernelChoice::Auto.resolve().unwrap_or(Arc::new(Scalar));
    let need = EngineNeed::of(model, &*kernels, &options);
    MemoryNeed::to_run(model, session, need).check()?;
    Ok(Engine::with_at_most(
        model.clone(),
        kernels,
        options,
        watch,
    )?)
}
