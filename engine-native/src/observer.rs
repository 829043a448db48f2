//! Progress and cancellation of work that takes long.

/// Watches the loading of a model, the setup of an engine or a run, and can stop it.
///
/// Methods are called between pieces of work, by several threads at once. They should return quickly:
/// a decode step asks once per layer.
///
/// ```
/// use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
/// use engine_native::Observer;
///
/// #[derive(Default)]
/// struct Progress {
///     is_cancelled: AtomicBool,
///     done: AtomicU64,
/// }
///
/// impl Observer for Progress {
///     fn is_cancelled(&self) -> bool {
///         self.is_cancelled.load(Relaxed)
///     }
///
///     fn advance(&self, work: u64) {
///         self.done.fetch_add(work, Relaxed);
///     }
/// }
/// ```
pub trait Observer: Send + Sync {
    /// Whether to stop. The work then ends with [`ModelError::Cancelled`](crate::ModelError::Cancelled)
    /// or [`RunError::Cancelled`](crate::RunError::Cancelled).
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Called after each piece of work with its size. The unit depends on the work:
    ///
    /// - [`Model::load`](crate::Model::load): bytes of tensors, in total a little less than the file;
    /// - [`Engine::with_options`](crate::Engine::with_options): bytes of packed weights, in total
    ///   [`Engine::bytes_to_pack`](crate::Engine::bytes_to_pack);
    /// - a run: multiply-accumulates without screening, in total
    ///   [`Op::run_work`](crate::Op::run_work).
    fn advance(&self, _work: u64) {}
}

/// Does not watch, and never stops.
impl Observer for () {}
