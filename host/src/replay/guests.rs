//! Where the guests of a replay come from.

use super::units::Run;
use crate::{
    sandbox::{Guest, InSandbox, ModelInput, Sandbox, SandboxError},
    task::Task,
};
use std::borrow::Cow;

/// Makes guests that are ready for the task of a run.
pub(super) struct Guests<'a> {
    sandbox: &'a Sandbox,
    model: ModelInput<'a>,
    task: &'a Task,
}

impl<'a> Guests<'a> {
    pub(super) fn new(sandbox: &'a Sandbox, model: ModelInput<'a>, task: &'a Task) -> Self {
        Self {
            sandbox,
            model,
            task,
        }
    }

    /// The run of the task, with the tokens that are fed.
    pub(super) fn run(&self, tokens: &[u32]) -> Run<'a> {
        let watch = self.sandbox.watch().clone();
        Run::new(Cow::Borrowed(self.task), tokens, watch)
    }

    /// Makes a guest.
    pub(super) fn open(&self) -> Result<Guest<InSandbox<'a>>, SandboxError> {
        let mut guest = self.sandbox.open(self.model)?;
        guest.configure(self.task.kv_type, self.task.n_positions())?;
        Ok(guest)
    }
}
