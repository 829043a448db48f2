//! A request to stop, from a signal handler: seen between decode steps and inside the sandbox.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// Shared between a run and whoever may interrupt it.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Inner>);

#[derive(Default)]
struct Inner {
    requested: AtomicBool,
    sandbox: OnceLock<wasmtime::Engine>,
}

impl Cancel {
    /// Asks the run to stop.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
        if let Some(engine) = self.0.sandbox.get() {
            // Ends a guest's call at its next loop or function entry.
            engine.increment_epoch();
        }
    }

    /// Whether the run was asked to stop.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Lets [`Cancel::request`] reach the guests of `engine`. The first engine counts.
    pub(crate) fn watch(&self, engine: &wasmtime::Engine) {
        let _ = self.0.sandbox.set(engine.clone());
    }
}
