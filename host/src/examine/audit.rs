//! The audit: a replay of a few units of a run, drawn after the receipt is fixed.

use std::{num::NonZeroUsize, ops::Range, sync::Arc};

use engine_native::{Model, PositionTrace};
use sha2::{Digest as _, Sha256};

use crate::{
    digest::Digest,
    failure::RunFailure,
    machine::guests_that_fit,
    receipt::Receipt,
    replay::{Audited, Guesses, Unit, audit, claimed_traces, units_of},
    sandbox::{ModelInput, Sandbox, SandboxError},
    task::{PositionRecord, Task, Transcript},
    verify::{AuditFinding, AuditReport, Covered},
    watch::Watch,
};

const TAG: &[u8] = b"bitreceipt/audit/v1\0";

/// Which units of a run an audit computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// A share of all units, at least one, drawn by `nonce`.
    Share {
        /// The share in thousandths, 1 to 1000.
        per_mille: u32,
        /// Random bytes. They must be drawn after the receipt is fixed, so that nobody can prepare
        /// for them.
        nonce: Digest,
        /// Whether nobody could know the nonce before. One that was used before draws units that
        /// could be prepared for.
        is_fresh: bool,
    },
    /// These parts, named by the verifier.
    Named {
        /// These layers; may be empty.
        layers: Range<usize>,
        /// Whether the final norm, the output matrix and the choice, at every position.
        heads: bool,
    },
}

impl Selection {
    /// The selected units of `all`, in the same order.
    fn units(&self, all: Vec<Unit>, receipt: &Receipt) -> Vec<Unit> {
        match self {
            Self::Named { layers, heads } => {
                let is_named = |unit: &Unit| match unit {
                    Unit::Layer(layer) => layers.contains(layer),
                    Unit::Head(_) => *heads,
                };
                all.into_iter().filter(is_named).collect()
            }
            Self::Share {
                per_mille, nonce, ..
            } => {
                let n = (all.len() * *per_mille as usize).div_ceil(1000).max(1);
                let mut order: Vec<usize> = (0..all.len()).collect();
                order.sort_by_key(|&unit| lot(*nonce, receipt.receipt_sha256, unit));
                let mut drawn = order[..n.min(all.len())].to_vec();
                drawn.sort_unstable();
                drawn.into_iter().map(|unit| all[unit].clone()).collect()
            }
        }
    }

    fn report(&self, units: &[Unit], n_units: usize, covered: Covered) -> AuditReport {
        let (nonce, is_fresh) = match self {
            Self::Share {
                nonce, is_fresh, ..
            } => (Some(*nonce), *is_fresh),
            Self::Named { .. } => (None, false),
        };
        AuditReport {
            units: units.iter().map(Unit::to_string).collect(),
            n_units,
            covered,
            nonce,
            is_fresh,
            detection: nonce.map(|_| units.len() as f64 / n_units as f64),
        }
    }
}

/// The parts of a run that `units` are.
fn covered(units: &[Unit], n_layers: usize, n_positions: usize) -> Covered {
    let mut covered = Covered {
        n_layers,
        n_positions,
        ..Covered::default()
    };
    for unit in units {
        match unit {
            Unit::Layer(layer) => covered.layers.push(*layer),
            Unit::Head(positions) => covered.positions.push(positions.clone()),
        }
    }
    covered
}

/// The lot of a unit. The units with the smallest lots are drawn.
fn lot(nonce: Digest, receipt: Digest, unit: usize) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(TAG);
    hasher.update(nonce.0);
    hasher.update(receipt.0);
    hasher.update((unit as u32).to_le_bytes());
    Digest(hasher.finalize().into())
}

/// Audits the receipt's task. A native run here must have the receipt's transcript, and the
/// reference must compute the selected units with the same results as that run.
///
/// # Errors
/// The audit was interrupted, or this machine has no memory for it.
pub fn audit_receipt(
    r: &Receipt,
    sandbox: &Sandbox,
    model: &Arc<Model>,
    selection: &Selection,
    guests: NonZeroUsize,
) -> Result<AuditFinding, RunFailure> {
    let Some(task) = r.task() else {
        let why = "the run's settings do not describe a task";
        return Ok(AuditFinding::NoTask(why.into()));
    };
    let n_layers = model.layers().len();
    let all = units_of(&task, n_layers);
    let n_units = all.len();
    let units = selection.units(all, r);
    if units.is_empty() {
        let why = format!("the named layers do not exist: the model has {n_layers} layers");
        return Ok(AuditFinding::NoTranscript(why));
    }
    let guests = guests_that_fit(model, task.n_positions(), guests);
    let traces = match transcript(r, model, &task, guests, sandbox.watch())? {
        Ok(traces) => traces,
        Err(why) => return Ok(AuditFinding::NoTranscript(why)),
    };
    let guesses = Guesses {
        traces: &traces,
        guests,
    };
    let covered = covered(&units, n_layers, task.n_positions());
    let report = selection.report(&units, n_units, covered);
    let input = ModelInput::from(&**model);
    match audit(sandbox, input, &task, &units, guesses) {
        Ok(Audited::Agrees) => Ok(AuditFinding::Agrees(report)),
        Ok(Audited::Differs(finding)) => Ok(AuditFinding::Differs(report, finding.to_string())),
        Err(e @ (SandboxError::Interrupted | SandboxError::Memory(_))) => Err(e.into()),
        Err(error) if error.is_refutation() => Ok(AuditFinding::Differs(report, error.to_string())),
        Err(error) => Ok(AuditFinding::Unanswered(report, error.to_string())),
    }
}

/// The traces of a native run here, if it has the receipt's transcript.
fn transcript(
    r: &Receipt,
    model: &Arc<Model>,
    task: &Task,
    n_threads: usize,
    watch: &Watch,
) -> Result<Result<Vec<PositionTrace>, String>, RunFailure> {
    let traces = match claimed_traces(model, task, &r.tokens, n_threads, true, watch) {
        Ok(traces) => traces,
        // Nothing is known then, not even whether there could be a transcript.
        Err(e @ (RunFailure::Interrupted | RunFailure::Memory(_))) => return Err(e),
        Err(e) => return Ok(Err(e.to_string())),
    };
    let records: Vec<_> = traces.iter().map(PositionRecord::from_trace).collect();
    let checksum = Transcript::of(&task.transcript_start(r.model.sha256), &records);
    let chosen = records
        .iter()
        .filter_map(|record| Some(record.choice?.token));
    if !chosen.eq(r.tokens.iter().copied()) {
        let why = "the native run here chooses other tokens; a full replay decides which are wrong";
        return Ok(Err(why.into()));
    }
    if checksum == r.parity.checksum {
        return Ok(Ok(traces));
    }
    Ok(Err(format!(
        "the native run here has transcript {checksum}, the receipt has {}; a full replay decides which is wrong",
        r.parity.checksum
    )))
}
