//! The model file of a receipt: found, hashed, compared.

use std::{
    io,
    path::{Path, PathBuf},
};

use engine_native::{Model, ModelError};

use super::{Outcome, RuleOutcome, identity::equal};
use crate::{
    digest::Digest,
    receipt::{Receipt, ShapeRecord, weight_types},
};

/// A model file that was opened for a receipt.
#[derive(Debug)]
pub struct FoundModel {
    /// Where.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// The model.
    pub model: Model,
}

impl FoundModel {
    /// Opens and hashes `path`.
    ///
    /// # Errors
    /// The file cannot be read or is no model.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let model = Model::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            sha256: Digest::of(model.file_bytes()),
            model,
        })
    }
}

/// The model of `receipt`: the file `explicit` if one is named, otherwise the first of
/// `models/<file name>` and the receipt's own folder that exists.
///
/// # Errors
/// The file exists and cannot be read or is no model.
pub fn find_model(
    receipt: &Receipt,
    receipt_path: &Path,
    explicit: Option<&Path>,
) -> Result<Option<FoundModel>, (PathBuf, ModelError)> {
    if let Some(path) = explicit {
        return open(path).map(Some);
    }
    let name = Path::new(&receipt.model.file_name);
    // Only a plain name: a receipt must not make its verifier read elsewhere.
    if name.components().count() != 1 || name.file_name() != Some(name.as_os_str()) {
        return Ok(None);
    }
    let beside = receipt_path.parent().unwrap_or(Path::new(""));
    for folder in [Path::new("models"), beside] {
        match open(&folder.join(name)) {
            Err((_, ModelError::Io(e))) if e.kind() == io::ErrorKind::NotFound => {}
            found => return found.map(Some),
        }
    }
    Ok(None)
}

fn open(path: &Path) -> Result<FoundModel, (PathBuf, ModelError)> {
    FoundModel::open(path).map_err(|e| (path.to_owned(), e))
}

pub(super) fn check(receipt: &Receipt, found: &FoundModel) -> Vec<RuleOutcome> {
    let record = &receipt.model;
    if found.sha256 != record.sha256 {
        let evidence = format!(
            "{} has {}, the receipt is of {}",
            found.path.display(),
            found.sha256,
            record.sha256
        );
        // The receipt may be right about another file.
        return vec![RuleOutcome::new(
            "model_sha256",
            Outcome::Unverifiable,
            evidence,
        )];
    }
    let model = &found.model;
    vec![
        RuleOutcome::new("model_sha256", Outcome::Pass, ""),
        RuleOutcome::of("model_record", compare(receipt, model)),
    ]
}

/// What the receipt says about the file must be what is in it.
fn compare(receipt: &Receipt, model: &Model) -> Result<(), String> {
    let record = &receipt.model;
    equal(&record.shape, &ShapeRecord::of(model))?;
    equal(&record.file_bytes, &(model.file_bytes().len() as u64))?;
    equal(&record.tied_embeddings, &model.is_tied())?;
    equal(&record.parameters, &model.n_parameters())?;
    equal(&record.weight_types, &weight_types(model))
}
