//! What the verifications of many receipts share.

use std::{
    cell::{OnceCell, RefCell},
    num::NonZeroUsize,
    path::PathBuf,
    sync::Arc,
};

use engine_native::Model;
use host::{
    examine::{Replays, replay_receipt},
    input::HashedModel,
    receipt::Receipt,
    sandbox::{Sandbox, SandboxError},
    verify::{ReplayFailure, ReplayResult},
    watch::{Phase, Watch},
};

use crate::exit::Failure;

/// What the verifications of many receipts share. By default only the sandbox, which is compiled for
/// the first that needs it.
#[derive(Default)]
pub struct Shared {
    sandbox: OnceCell<Sandbox>,
    remembered: Option<RefCell<Remembered>>,
    /// More folders in which models are looked for.
    pub model_folders: Vec<PathBuf>,
}

/// What is kept of the receipts before.
#[derive(Default)]
struct Remembered {
    replays: Replays,
    /// The last model that was found; a large one is not kept beside another one.
    model: Option<(Option<String>, HashedModel)>,
}

impl Shared {
    /// Receipts also share their replays, and one model that is not read again for the next receipt.
    /// Models are looked for in these folders, too.
    pub fn remembering(model_folders: Vec<PathBuf>) -> Self {
        Self {
            remembered: Some(RefCell::default()),
            model_folders,
            ..Self::default()
        }
    }

    /// The number of replays that were computed.
    pub fn n_replays(&self) -> usize {
        let remembered = self.remembered.as_ref();
        remembered.map_or(0, |remembered| remembered.borrow().replays.n_computed())
    }

    /// The sandbox.
    pub(super) fn sandbox(&self, watch: &Watch) -> Result<&Sandbox, Failure> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(sandbox);
        }
        watch.begin(Phase::Other("compile the reference"), 0);
        let sandbox = Sandbox::new(watch)?;
        Ok(self.sandbox.get_or_init(|| sandbox))
    }

    /// The receipt's model: the last one, if it is that, or the one that `find` finds.
    pub(super) fn model_of(
        &self,
        receipt: &Receipt,
        find: impl FnOnce() -> Result<Option<HashedModel>, Failure>,
    ) -> Result<Option<HashedModel>, Failure> {
        let Some(remembered) = &self.remembered else {
            return find();
        };
        let layout = &receipt.model.i2s_layout;
        let last = &mut remembered.borrow_mut().model;
        if let Some((of_layout, model)) = last
            && of_layout == layout
            && model.sha256 == receipt.model.sha256
        {
            return Ok(Some(model.clone()));
        }
        *last = None;
        let found = find()?;
        *last = found.clone().map(|model| (layout.clone(), model));
        Ok(found)
    }

    /// Replays the receipt, or finds the replay of an earlier one with the same task.
    pub(super) fn replay(
        &self,
        receipt: &Receipt,
        sandbox: &Sandbox,
        model: &Arc<Model>,
        guests: NonZeroUsize,
    ) -> Result<Result<ReplayResult, ReplayFailure>, SandboxError> {
        match &self.remembered {
            None => replay_receipt(receipt, sandbox, model, guests),
            Some(remembered) => {
                let replays = &mut remembered.borrow_mut().replays;
                replays.of(receipt, || replay_receipt(receipt, sandbox, model, guests))
            }
        }
    }
}
