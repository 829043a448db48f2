//! The audit: a replay of some units, drawn when the receipt can no longer be changed.

use std::{num::NonZeroUsize, ops::Range, sync::Arc};

use engine_native::{Model, PositionTrace};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Outcome, RuleOutcome, parity};
use crate::{
    claimed_run,
    digest::Digest,
    memory::guests_that_fit,
    receipt::Receipt,
    replay::{Audited, Guesses, ReplayProgress, Unit, audit, units_of},
    sandbox::{ModelInput, Sandbox, SandboxError},
    task::Task,
    transcript::{PositionRecord, Transcript},
};

/// Units that a line names.
const SHOWN: usize = 8;

const TAG: &[u8] = b"bitreceipt/audit/v1\0";

/// Which units of a replay are computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// So many parts of a thousand of them, at least one, drawn by `nonce`.
    Share {
        /// In 1..=1000.
        per_mille: u32,
        /// Drawn after the receipt was fixed, or the audit could be prepared for.
        nonce: Digest,
    },
    /// These layers, named by the verifier.
    Layers(Range<usize>),
}

/// What was audited.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditReport {
    /// The units, such as "layer 3" and "head at 16 to 23".
    pub units: Vec<String>,
    /// Units of a full replay.
    pub n_units: usize,
    /// What drew them; none where the verifier named them.
    pub nonce: Option<Digest>,
    /// How likely it was that a single wrong unit is found; none where nothing was drawn.
    pub detection: Option<f64>,
}

impl Selection {
    /// The units of `all` that are computed, in their order.
    fn units(&self, all: Vec<Unit>, receipt: &Receipt) -> Vec<Unit> {
        match self {
            Self::Layers(layers) => all
                .into_iter()
                .filter(|unit| matches!(unit, Unit::Layer(layer) if layers.contains(layer)))
                .collect(),
            Self::Share { per_mille, nonce } => {
                let n = (all.len() * *per_mille as usize).div_ceil(1000).max(1);
                let mut order: Vec<usize> = (0..all.len()).collect();
                order.sort_by_key(|&unit| lot(*nonce, receipt.receipt_sha256, unit));
                let mut drawn = order[..n.min(all.len())].to_vec();
                drawn.sort_unstable();
                drawn.into_iter().map(|unit| all[unit].clone()).collect()
            }
        }
    }

    fn report(&self, units: &[Unit], n_units: usize) -> AuditReport {
        let nonce = match self {
            Self::Share { nonce, .. } => Some(*nonce),
            Self::Layers(_) => None,
        };
        AuditReport {
            units: units.iter().map(Unit::to_string).collect(),
            n_units,
            nonce,
            detection: nonce.map(|_| units.len() as f64 / n_units as f64),
        }
    }
}

/// The lot of a unit; the smallest are drawn.
fn lot(nonce: Digest, receipt: Digest, unit: usize) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(TAG);
    hasher.update(nonce.0);
    hasher.update(receipt.0);
    hasher.update((unit as u32).to_le_bytes());
    Digest(hasher.finalize().into())
}

/// What came of an audit.
pub(super) struct AuditOutcome {
    pub(super) tokens: String,
    pub(super) rules: Vec<RuleOutcome>,
    pub(super) report: Option<AuditReport>,
}

/// Audits the receipt's task: the transcript of the native run must be the receipt's, and the
/// reference must compute the units of `selection` as that run did.
pub(super) fn run(
    r: &Receipt,
    sandbox: &Sandbox,
    model: &Arc<Model>,
    selection: &Selection,
    guests: NonZeroUsize,
    progress: ReplayProgress,
) -> Result<AuditOutcome, SandboxError> {
    let Some(task) = parity::task(r) else {
        return Ok(AuditOutcome::of(
            Outcome::Fail,
            "the run's settings do not describe a task",
        ));
    };
    let all = units_of(&task, model.layers().len());
    let n_units = all.len();
    let units = selection.units(all, r);
    if units.is_empty() {
        let why = format!(
            "the layers named do not exist: the model has {}",
            model.layers().len()
        );
        return Ok(AuditOutcome::of(Outcome::Unverifiable, why));
    }
    let guests = guests_that_fit(model, task.n_positions(), guests);
    let traces = match transcript(r, model, &task, guests) {
        Ok(traces) => traces,
        Err(why) => return Ok(AuditOutcome::of(Outcome::Unverifiable, why)),
    };
    let guesses = Guesses {
        traces: &traces,
        guests,
    };
    let input = ModelInput::from(&**model);
    let rule = match audit(sandbox, input, &task, &units, guesses, progress) {
        Ok(Audited::Agrees) => RuleOutcome::new("audit_units", Outcome::Pass, ""),
        Ok(Audited::Differs(finding)) => {
            RuleOutcome::new("audit_units", Outcome::Fail, finding.to_string())
        }
        Err(SandboxError::Interrupted) => return Err(SandboxError::Interrupted),
        Err(error) => {
            let outcome = match error.is_refutation() {
                true => Outcome::Fail,
                false => Outcome::Unverifiable,
            };
            RuleOutcome::new("audit_units", outcome, error.to_string())
        }
    };
    let report = selection.report(&units, n_units);
    Ok(AuditOutcome {
        tokens: match rule.outcome {
            Outcome::Pass => report.to_string(),
            _ => format!("refuted ({})", rule.evidence),
        },
        rules: vec![
            RuleOutcome::new("audit_transcript", Outcome::Pass, ""),
            rule,
        ],
        report: Some(report),
    })
}

impl std::fmt::Display for AuditReport {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (n, of) = (self.units.len(), self.n_units);
        write!(f, "audited ({n} of {of} units agree")?;
        if n <= SHOWN {
            write!(f, ": {}", self.units.join(", "))?;
        }
        match (&self.nonce, self.detection) {
            (Some(nonce), Some(detection)) => write!(
                f,
                "; one wrong unit is found in {:.1} % of audits; nonce {nonce})",
                100.0 * detection
            ),
            _ => f.write_str("; named, not drawn: the others are unchecked)"),
        }
    }
}

impl AuditOutcome {
    /// Nothing was audited.
    fn of(outcome: Outcome, why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            tokens: format!("not audited ({why})"),
            rules: vec![RuleOutcome::new("audit_transcript", outcome, why)],
            report: None,
        }
    }
}

/// What the native run here left, if its transcript is the receipt's.
fn transcript(
    r: &Receipt,
    model: &Arc<Model>,
    task: &Task,
    n_threads: usize,
) -> Result<Vec<PositionTrace>, String> {
    let traces = claimed_run::traces(model, task, &r.tokens, n_threads, true);
    let traces = traces.map_err(|e| e.to_string())?;
    let records: Vec<_> = traces.iter().map(PositionRecord::from_trace).collect();
    let checksum = Transcript::of(&task.transcript_start(r.model.sha256), &records);
    let chosen = records
        .iter()
        .filter_map(|record| Some(record.choice?.token));
    if checksum == r.parity.checksum && chosen.eq(r.tokens.iter().copied()) {
        return Ok(traces);
    }
    Err(format!(
        "the native run here leaves the transcript {checksum}, the receipt has {}; a full replay decides which is wrong",
        r.parity.checksum
    ))
}
