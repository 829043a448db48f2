//! The file of an engine that reads another one than the reference: recorded by its digest, and judged only
//! if its weights are those of the model.

use host::{digest::Digest, receipt::EngineModel, run::TimedModel, watch::Watch};

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
    model: &TimedModel,
    watch: &Watch,
) -> Result<Option<EngineModel>, Failure> {
    let Some(path) = &other.model else {
        return Ok(None);
    };
    let failed = |e| Failure::read(path, Kind::Model, &e);
    let file = std::fs::File::open(path).map_err(failed)?;
    let file_bytes = file.metadata().map_err(failed)?.len();
    let sha256 = Digest::of_reader_unless(file, || watch.is_stopped()).map_err(failed)?;
    let sha256 = sha256.ok_or_else(Failure::interrupted)?;
    if sha256 == model.file().sha256 {
        return Ok(None);
    }
    let _ = file_bytes;
    Err(Failure::new(Exit::Unverifiable, "its weights were not compared with those of the model").at(path))
}
