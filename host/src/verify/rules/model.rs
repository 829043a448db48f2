//! Rules on the model file: it is the one of the receipt, and the receipt describes it correctly.

use engine_native::{KernelName, ModelDescription, Op};

use super::{found::equal, ternary};
use crate::{
    receipt::{LedgerRecord, ModelRecord, Receipt},
    verify::{outcome::Outcome, outcome::RuleOutcome},
};

/// The facts that a verifier read from a model file.
#[derive(Debug, Clone)]
pub struct ModelFacts {
    /// Where the file is, for messages.
    pub place: String,
    /// The description of the model that a receipt must have.
    pub record: ModelRecord,
    /// The kernel that reads its token embedding.
    pub embedding: KernelName,
    /// The kernel that multiplies with its output matrix.
    pub output: KernelName,
    /// Whether its projections are grouped ternary.
    pub has_grouped_projections: bool,
}

impl ModelFacts {
    /// The facts about the file at `place`. `record` is made from its description.
    pub fn new(place: String, model: &ModelDescription, record: ModelRecord) -> Self {
        Self {
            place,
            record,
            embedding: KernelName::embedding(model.embedding),
            output: KernelName::output(model.output),
            has_grouped_projections: model.has_grouped_projections,
        }
    }
}

/// Compares the receipt's description of the model with `found`.
pub(in crate::verify) fn check(receipt: &Receipt, found: &ModelFacts) -> Vec<RuleOutcome> {
    let (said, record) = (&receipt.model, &found.record);
    if record.sha256 != said.sha256 {
        let evidence = format!(
            "{} has {}, the receipt is of {}",
            found.place, record.sha256, said.sha256
        );
        // Unverifiable, not rejected: the receipt may be right about another file.
        let outcome = Outcome::Unverifiable;
        return vec![RuleOutcome::new("model_sha256", outcome, evidence)];
    }
    vec![
        RuleOutcome::new("model_sha256", Outcome::Pass, ""),
        RuleOutcome::of("model_record", compare(said, record)),
        RuleOutcome::of("model_kernels", kernels(receipt, found)),
    ]
}

/// Checks that the receipt describes the file correctly.
fn compare(said: &ModelRecord, found: &ModelRecord) -> Result<(), String> {
    equal(&said.architecture, &found.architecture)?;
    equal(&said.shape, &found.shape)?;
    equal(&said.file_bytes, &found.file_bytes)?;
    equal(&said.tied_embeddings, &found.tied_embeddings)?;
    equal(&said.rope_factors, &found.rope_factors)?;
    equal(&said.parameters, &found.parameters)?;
    equal(&said.weight_types, &found.weight_types)
}

/// Checks that the kernels of the embedding, the output matrix and the projections fit the tensor types in
/// the file.
fn kernels(receipt: &Receipt, found: &ModelFacts) -> Result<(), String> {
    if receipt.is_external() {
        return Ok(());
    }
    let found_grouped = ternary::has_grouped_projections(receipt);
    if found_grouped != found.has_grouped_projections {
        let kind = |is_grouped| match is_grouped {
            true => "grouped ternary",
            false => "ternary with one scale",
        };
        return Err(format!(
            "kernels of {} projections: those of the file are {}",
            kind(found_grouped),
            kind(found.has_grouped_projections)
        ));
    }
    for (op, kernel) in [(Op::Embed, found.embedding), (Op::Output, found.output)] {
        let of_op = receipt.ledger().iter().filter(|e| e.op == op.name());
        for LedgerRecord { kernel: found, .. } in of_op {
            if KernelName::parse_id(found).map(|(name, _)| name) != Some(kernel) {
                let (op, kernel) = (op.name(), kernel.as_str());
                return Err(format!("{found} for {op}: the file needs {kernel}"));
            }
        }
    }
    Ok(())
}
