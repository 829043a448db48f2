//! A request to stop, usually from a signal handler. It takes effect between pieces of work and
//! inside the sandbox.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// A flag shared by a run and the code that may interrupt it. Clones share one flag.
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

    /// Calls `interrupt` at each request. Only the first function set this way is ever called.
    pub(crate) fn on_request(&self, interrupt: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.on_request.set(Box::new(interrupt));
    }
}
