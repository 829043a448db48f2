//! The model file of a receipt: found, hashed, compared.

use std::path::{Path, PathBuf};

use engine_native::{KernelName, Model, ModelError, Op};

use super::{
    Outcome, RuleOutcome,
    identity::{equal, is_plain_file_name},
};
use crate::{
    digest::Digest,
    receipt::{LedgerRecord, Receipt, ShapeRecord, weight_types},
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
/// `models/<file name>` and the receipt's own folder that has its digest. If none has, one that has
/// only its name.
///
/// # Errors
/// The file that was named cannot be read or is no model.
pub fn find_model(
    receipt: &Receipt,
    receipt_path: &Path,
    explicit: Option<&Path>,
) -> Result<Option<FoundModel>, (PathBuf, ModelError)> {
    if let Some(path) = explicit {
        let found = FoundModel::open(path).map_err(|e| (path.to_owned(), e))?;
        return Ok(Some(found));
    }
    let name = &receipt.model.file_name;
    if !is_plain_file_name(name) {
        return Ok(None);
    }
    let beside = receipt_path.parent().unwrap_or(Path::new(""));
    let mut same_name = None;
    for folder in [Path::new("models"), beside] {
        // What cannot be read, or is no model, is not the receipt's model.
        let Ok(found) = FoundModel::open(&folder.join(name)) else {
            continue;
        };
        if found.sha256 == receipt.model.sha256 {
            return Ok(Some(found));
        }
        same_name.get_or_insert(found);
    }
    Ok(same_name)
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
        RuleOutcome::of("model_kernels", kernels(receipt, model)),
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

/// The kernels of the embedding and the output matrix must be those of the file's types.
fn kernels(receipt: &Receipt, model: &Model) -> Result<(), String> {
    let embedding = KernelName::embedding_row(model.token_embd().dense_type);
    let output = KernelName::output_gemv(model.output().dense_type);
    for (op, kernel) in [(Op::Embed, embedding), (Op::Output, output)] {
        let of_op = receipt.kernel_ledger.iter().filter(|e| e.op == op.name());
        for LedgerRecord { kernel: found, .. } in of_op {
            // The rest of an id is the ISA.
            if found.rsplit_once('_').map(|(name, _)| name) != Some(kernel.as_str()) {
                let (op, kernel) = (op.name(), kernel.as_str());
                return Err(format!("{found} for {op}: the file needs {kernel}"));
            }
        }
    }
    Ok(())
}
