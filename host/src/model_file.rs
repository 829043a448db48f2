//! A model in memory with the digest of its very bytes: both are made from one mapping, at the same
//! time.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use engine_native::{I2sLayout, Model, ModelError, ModelFile};

use crate::{cancel::Cancel, digest::Digest, memory::MemoryNeed, run::RunFailure};

/// A model file, validated and hashed.
#[derive(Debug)]
pub struct HashedModel {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// The model.
    pub model: Arc<Model>,
}

impl HashedModel {
    /// Maps the file at `path`; one thread hashes it while this one validates it.
    ///
    /// # Errors
    /// The file cannot be used as a model, or the run was interrupted.
    pub fn open(path: &Path, i2s_layout: I2sLayout, cancel: &Cancel) -> Result<Self, RunFailure> {
        let failed = |source| RunFailure::Model {
            path: path.to_owned(),
            source,
        };
        let file = ModelFile::map(path).map_err(|e| failed(ModelError::Io(e)))?;
        MemoryNeed::to_load(&file, i2s_layout).check()?;
        let refused = AtomicBool::new(false);
        let stop = || refused.load(Ordering::Relaxed) || cancel.is_requested();
        let (model, sha256) = thread::scope(|scope| {
            let hashing = scope.spawn(|| Digest::of_unless(&file, stop));
            let model = Model::load(file.clone(), i2s_layout, &());
            refused.store(model.is_err(), Ordering::Relaxed);
            (model, hashing.join().unwrap_or(None))
        });
        let model = model.map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            sha256: sha256.ok_or(RunFailure::Interrupted)?,
            model: Arc::new(model),
        })
    }
}
