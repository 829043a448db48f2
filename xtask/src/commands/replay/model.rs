//! Whether the engine read what is replayed.

use host::{external::ExternalRun, input::HashedModel, watch::Watch, weights::same_weights};

use crate::{
    args::ReplayArgs,
    commands::model_file::hash,
    exit::{Exit, Failure},
};

/// Checks that the engine read the file that is replayed, as far as the transcript says which one it read, or
/// another one with the same weights.
///
/// # Errors
/// It read other weights, or nobody can tell.
pub(super) fn check_engine_model(
    args: &ReplayArgs,
    transcript: &ExternalRun,
    found: &HashedModel,
    watch: &Watch,
) -> Result<(), Failure> {
    let unverifiable = |why: String| Failure::new(Exit::Unverifiable, why);
    let read = match &args.engine_model {
        None => found.sha256,
        Some(path) => hash(path, watch)?.sha256,
    };
    let claimed = transcript.model_sha256;
    if let Some(claimed) = claimed.filter(|&claimed| claimed != read) {
        let path = args.engine_model.as_deref().unwrap_or(&found.path);
        let why = format!("the engine read the model file {claimed}, and this one is {read}");
        let hint = "name the file that it read with --engine-model";
        return Err(unverifiable(why).at(path).with_hint(hint));
    }
    let another = args
        .engine_model
        .as_deref()
        .filter(|_| read != found.sha256);
    let Some(path) = another else {
        return Ok(());
    };
    let layouts = [args.i2s_layout.into(); 2];
    match same_weights(&found.path, path, layouts, watch)?.difference {
        None => Ok(()),
        Some(difference) => {
            let why = format!("the engine read other weights than are replayed: {difference}");
            Err(unverifiable(why).at(path))
        }
    }
}
