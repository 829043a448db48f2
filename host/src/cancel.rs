//! A request to stop, from a signal handler: seen between pieces of work and inside the sandbox.

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
    on_request: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Cancel {
    /// Asks the run to stop.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
        if let Some(interrupt) = self.0.on_request.get() {
            interrupt();
        }
    }

    /// Whether the run was asked to stop.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Calls `interrupt` with each request. Only the first one that is given counts.
    pub(crate) fn on_request(&self, interrupt: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.on_request.set(Box::new(interrupt));
    }
}
