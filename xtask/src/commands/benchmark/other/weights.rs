//! The file of an engine that reads another one than the reference: recorded by its digest, and judged only
//! if its weights are those of the model.

use std::fs::File;

use host::{
    digest::Digest,
    receipt::EngineModel,
    run::{RunSettings, TimedModel},
    watch::{Phase, Watch},
    weights::same_weights,
};

use super::choice::Other;
use crate::{
    exit::{Exit, Failure},
    hints::Kind,
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
    watch.begin(Phase::Other("compare the engine's file with the model"), 0);
    let failed = |e| Failure::read(path, Kind::Model, &e);
    let file = File::open(path).map_err(failed)?;
    let file_bytes = file.metadata().map_err(failed)?.len();
    let sha256 = Digest::of_reader_unless(file, || watch.is_stopped()).map_err(failed)?;
    let sha256 = sha256.ok_or_else(Failure::interrupted)?;
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
            file_bytes,
        })),
    }
}
