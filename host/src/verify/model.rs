//! The model file of a receipt: found, hashed, compared.

use std::path::Path;

use engine_native::{I2sLayout, KernelName, Model, Op};

use super::{
    Outcome, RuleOutcome,
    identity::{equal, is_plain_file_name},
};
use crate::{
    cancel::Cancel,
    model_file::HashedModel,
    receipt::{LedgerRecord, Receipt, ShapeRecord, weight_types},
    run::RunFailure,
};

/// The model of `receipt`: the file `explicit` if one is named, otherwise the first of
/// `models/<file name>` and the receipt's own folder that has its digest. If none has, one that has
/// only its name.
///
/// I2_S tensors are read as the receipt says they were.
///
/// # Errors
/// The file that was named cannot be read or is no model, or the search was interrupted.
pub fn find_model(
    receipt: &Receipt,
    receipt_path: &Path,
    explicit: Option<&Path>,
    cancel: &Cancel,
) -> Result<Option<HashedModel>, RunFailure> {
    // A layout that does not exist is another rule's to refuse.
    let layout = receipt.model.i2s_layout.as_deref();
    let layout = layout.and_then(I2sLayout::from_name).unwrap_or_default();
    if let Some(path) = explicit {
        return HashedModel::open(path, layout, cancel).map(Some);
    }
    let name = &receipt.model.file_name;
    if !is_plain_file_name(name) {
        return Ok(None);
    }
    let beside = receipt_path.parent().unwrap_or(Path::new(""));
    let mut same_name = None;
    for folder in [Path::new("models"), beside] {
        let found = match HashedModel::open(&folder.join(name), layout, cancel) {
            Ok(found) => found,
            Err(RunFailure::Interrupted) => return Err(RunFailure::Interrupted),
            // What cannot be read, or is no model, is not the receipt's model.
            Err(_) => continue,
        };
        if found.sha256 == receipt.model.sha256 {
            return Ok(Some(found));
        }
        same_name.get_or_insert(found);
    }
    Ok(same_name)
}

pub(super) fn check(receipt: &Receipt, found: &HashedModel) -> Vec<RuleOutcome> {
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
    equal(
        &record.architecture[..],
        model.shape().architecture.as_str(),
    )?;
    equal(&record.shape, &ShapeRecord::of(model))?;
    equal(&record.file_bytes, &(model.file_bytes().len() as u64))?;
    equal(&record.tied_embeddings, &model.is_tied())?;
    equal(&record.rope_factors, &model.rope_factors().is_some())?;
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
            if KernelName::parse_id(found).map(|(name, _)| name) != Some(kernel) {
                let (op, kernel) = (op.name(), kernel.as_str());
                return Err(format!("{found} for {op}: the file needs {kernel}"));
            }
        }
    }
    Ok(())
}
