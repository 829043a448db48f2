//! The file of an engine that reads another one than the reference: recorded by its digest, and judged only
//! if its weights are those of the model.

use host::{
    receipt::EngineModel,
    run::{RunSettings, TimedModel},
    watch::Watch,
    weights::same_weights,
};

use super::choice::Other;
use crate::{
    commands::model_file::{Hashed, hash},
    exit::{Exit, Failure},
};

/// The file that an engine reads, if that is not the model.
///
/// # Errors
/// It cannot be read, or its weights are not proved to be those of the model.
pub fn file(
    other: &Other,
    settings: &RunSettings,
    model: &TimedModel,
    watch: &Watch,
) -> Result<Option<EngineModel>, Failure> {
    let Some(path) = &other.model else {
        return Ok(None);
    };
    let Hashed { sha256, bytes } = hash(path, watch)?;
    if sha256 == model.file().sha256 {
        return Ok(None);
    }
    let same = same_weights(&settings.model, path, [settings.i2s_layout; 2], watch)?;
    match same.difference {
        Some(difference) => {
            let what = format!("its weights are not those of the model: {difference}");
            let failure = Failure::new(Exit::Unverifiable, what).at(path);
            Err(failure.with_hint("name the model that it was made of"))
        }
        None => Ok(Some(EngineModel {
            file_name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            sha256,
            file_bytes: bytes,
        })),
    }
}
