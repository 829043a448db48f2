//! Rules on the description of another engine, and on what a receipt cannot say of one.

use super::{
    found::{equal, within},
    identity::is_plain_file_name,
};
use crate::{
    receipt::{EngineRecord, MAX_TOLERANCE, Receipt, Witness},
    verify::outcome::Rule,
};

pub(super) const RULES: &[Rule] = &[("engine", engine), ("engine_claims", claims)];

/// The most bytes of a name or a version.
const LONGEST_NAME: u64 = 120;

/// The most bytes of a command.
const LONGEST_COMMAND: u64 = 4096;

fn engine(r: &Receipt) -> Result<(), String> {
    let Some(engine) = &r.engine else {
        return Ok(());
    };
    let EngineRecord {
        name,
        version,
        command,
        model,
        ..
    } = engine;
    let version = version.as_deref().unwrap_or("unknown");
    for (what, text, most) in [
        ("name", &name[..], LONGEST_NAME),
        ("version", version, LONGEST_NAME),
        ("command", &command[..], LONGEST_COMMAND),
    ] {
        within(&format!("bytes of {what}"), text.len() as u64, 1..=most)?;
        if text.contains(char::is_control) {
            return Err(format!("{what}: found a control character"));
        }
    }
    let Some(model) = model else { return Ok(()) };
    if !is_plain_file_name(&model.file_name) {
        let found = &model.file_name;
        return Err(format!("model: found {found:?}, allowed a plain file name"));
    }
    if model.file_bytes == 0 {
        return Err("model: found a file of 0 bytes".into());
    }
    match model.sha256 == r.model.sha256 {
        true => Err("model: found the receipt's own, allowed null or another file".into()),
        false => Ok(()),
    }
}

/// Nobody has looked into the engine, so nothing is said of what only it can know.
fn claims(r: &Receipt) -> Result<(), String> {
    if !r.is_external() {
        return Ok(());
    }
    equal(&r.depth(), &0).map_err(|e| format!("depth: {e}"))?;
    let is_alone = |w: &Witness| {
        *w == Witness {
            wall_ns: w.wall_ns,
            ..Witness::default()
        }
    };
    if !r.samples.witness.iter().flatten().all(is_alone) {
        return Err("witness: found what was counted, allowed only wall_ns".into());
    }
    let Some(evidence) = &r.evidence else {
        return Ok(());
    };
    if evidence.read_bandwidth.is_some() || evidence.pinned {
        return Err("evidence: found read_bandwidth or pinned threads, allowed neither".into());
    }
    match evidence
        .repetitions
        .iter()
        .any(|e| *e != Default::default())
    {
        true => Err("evidence: found what was counted in a repetition, allowed null".into()),
        false => Ok(()),
    }
}

/// Whether a tolerance can be one: a number of spreads, of which a whole row of logits has only a few.
pub(in crate::verify) fn is_tolerance(tolerance: f64) -> bool {
    (0.0..=MAX_TOLERANCE).contains(&tolerance)
}
