//! Rules on the model file: the receipt's own, and as the receipt says.

use engine_native::{KernelName, Op};

use super::found::equal;
use crate::{
    receipt::{LedgerRecord, ModelRecord, Receipt},
    verify::{outcome::Outcome, outcome::RuleOutcome},
};

/// What a verifier found in a model file.
#[derive(Debug, Clone)]
pub struct ModelFacts {
    /// Where the file is, as a message names it.
    pub place: String,
    /// What a receipt of a run of it would say.
    pub record: ModelRecord,
    /// The kernel that reads its token embedding.
    pub embedding: KernelName,
    /// The kernel that multiplies with its output matrix.
    pub output: KernelName,
}

/// Checks what the receipt says about the model against `found`.
pub(in crate::verify) fn check(receipt: &Receipt, found: &ModelFacts) -> Vec<RuleOutcome> {
    let (said, record) = (&receipt.model, &found.record);
    if record.sha256 != said.sha256 {
        let evidence = format!(
            "{} has {}, the receipt is of {}",
            found.place, record.sha256, said.sha256
        );
        // The receipt may be right about another file.
        let outcome = Outcome::Unverifiable;
        return vec![RuleOutcome::new("model_sha256", outcome, evidence)];
    }
    vec![
        RuleOutcome::new("model_sha256", Outcome::Pass, ""),
        RuleOutcome::of("model_record", compare(said, record)),
        RuleOutcome::of("model_kernels", kernels(receipt, found)),
    ]
}

/// What the receipt says about the file must be what is in it.
fn compare(said: &ModelRecord, found: &ModelRecord) -> Result<(), String> {
    equal(&said.architecture, &found.architecture)?;
    equal(&said.shape, &found.shape)?;
    equal(&said.file_bytes, &found.file_bytes)?;
    equal(&said.tied_embeddings, &found.tied_embeddings)?;
    equal(&said.rope_factors, &found.rope_factors)?;
    equal(&said.parameters, &found.parameters)?;
    equal(&said.weight_types, &found.weight_types)
}

/// The kernels of the embedding and the output matrix must be those of the file's types.
fn kernels(receipt: &Receipt, found: &ModelFacts) -> Result<(), String> {
    for (op, kernel) in [(Op::Embed, found.embedding), (Op::Output, found.output)] {
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
