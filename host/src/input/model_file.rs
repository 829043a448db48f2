//! A model in memory together with the digest of its bytes. The file is read once, so the digest is
//! that of the bytes that run, whatever happens to the file.

use std::{
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use engine_native::{I2sLayout, Model, ModelError, ModelSource};

use crate::{
    digest::Digest,
    machine::{MemoryError, MemoryNeed},
    receipt::ModelRecord,
    watch::{Phase, Watch},
};

/// A model file, validated and hashed.
#[derive(Debug, Clone)]
pub struct HashedModel {
    /// The path of the file.
    pub path: PathBuf,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// The model.
    pub model: Arc<Model>,
}

/// Why a file cannot be used as a model.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum OpenError {
    #[error("{}: {source}", path.display())]
    Model { path: PathBuf, source: ModelError },
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error("interrupted")]
    Interrupted,
}

impl HashedModel {
    /// Reads the file at `path`. Another thread hashes its bytes while this one validates them.
    ///
    /// # Errors
    /// The file cannot be used as a model, or the run was interrupted.
    pub fn open(path: &Path, i2s_layout: I2sLayout, watch: &Watch) -> Result<Self, OpenError> {
        let failed = |source| match source {
            ModelError::Cancelled => OpenError::Interrupted,
            source => OpenError::Model {
                path: path.to_owned(),
                source,
            },
        };
        let source = ModelSource::open(path).map_err(|e| failed(ModelError::Io(e)))?;
        MemoryNeed::to_load(&source, i2s_layout).check()?;
        watch.begin(Phase::Load, source.file_len());
        let file = source.read(watch).map_err(failed)?;
        let refused = AtomicBool::new(false);
        let stop = || refused.load(Ordering::Relaxed) || watch.is_stopped();
        let (model, sha256) = thread::scope(|scope| {
            let hash = || Digest::of_unless(&file, stop);
            // Where the system gives no thread, this one does both.
            let hashing = thread::Builder::new().spawn_scoped(scope, hash);
            let model = Model::load(file.clone(), i2s_layout, watch);
            refused.store(model.is_err(), Ordering::Relaxed);
            let sha256 = match hashing {
                Ok(hashing) => hashing.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => hash(),
            };
            (model, sha256)
        });
        let model = model.map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            sha256: sha256.ok_or(OpenError::Interrupted)?,
            model: Arc::new(model),
        })
    }

    /// The model as receipts describe it.
    pub fn record(&self) -> ModelRecord {
        let (model, file_name) = (&self.model, self.path.file_name().unwrap_or_default());
        ModelRecord::of(
            model.description(),
            file_name.to_string_lossy().into_owned(),
            (self.sha256, model.file_bytes().len() as u64),
            model.i2s_layout().unwrap_or_default(),
        )
    }
}
