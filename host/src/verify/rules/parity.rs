//! Rules on the writer's replay, and on a replay by the verifier.

use super::engine::is_tolerance;
use crate::{
    digest::Digest,
    guest::{WASMTIME_VERSION, guest_sha256},
    judge::{Consistency, Ranking},
    receipt::{MAX_TOLERANCE, ParityStatus, Receipt},
    verify::{
        consistency::JudgementSummary,
        outcome::{Outcome, Rule, RuleOutcome},
    },
};

pub(super) const RULES: &[Rule] = &[("parity_record", record)];

/// Checks that the writer's record of a replay, or of having made none, is consistent.
fn record(r: &Receipt) -> Result<(), String> {
    let p = &r.parity;
    if r.is_external() != (p.status == ParityStatus::Consistent) {
        let allowed = match r.is_external() {
            true => "consistent",
            false => "passed or not_checked",
        };
        return Err(format!(
            "status: found {}, allowed {allowed}",
            p.status.as_str()
        ));
    }
    judgement(r)?;
    if p.status == ParityStatus::NotChecked {
        let empty = p.reference_checksum.is_none()
            && p.positions_compared == 0
            && p.first_divergence.is_none()
            && p.guest_sha256.is_none()
            && p.wasmtime_version.is_none()
            && p.fuel.is_none()
            && p.wall_ns.is_none();
        return empty
            .then_some(())
            .ok_or_else(|| "found results of a replay that did not happen".into());
    }
    if p.reference_checksum != Some(p.checksum) {
        return Err("checksum and reference_checksum differ".into());
    }
    if p.first_divergence.is_some() {
        return Err("first_divergence: found a position, allowed null".into());
    }
    let n_positions = r.n_positions().ok_or("positions overflow")?;
    if p.positions_compared != n_positions {
        return Err(format!(
            "positions_compared: found {}, the run has {n_positions}",
            p.positions_compared
        ));
    }
    let complete = p.guest_sha256.is_some() && p.wasmtime_version.is_some();
    let positive = |n: Option<u64>| n.is_some_and(|n| n > 0);
    if !complete || !positive(p.fuel) || !positive(p.wall_ns) {
        return Err("guest_sha256, wasmtime_version, fuel or wall_ns is missing or 0".into());
    }
    Ok(())
}

/// Checks that the counts of a judgement are those of the tokens.
fn judgement(r: &Receipt) -> Result<(), String> {
    let Some(found) = &r.parity.judgement else {
        // The version says whether there is one.
        return Ok(());
    };
    if !is_tolerance(found.tolerance) {
        return Err(format!(
            "tolerance: found {}, allowed 0 to {MAX_TOLERANCE}",
            found.tolerance
        ));
    }
    let n = r.tokens.len() as u64;
    match found.exact.checked_add(found.tied) == Some(n) {
        true => Ok(()),
        false => Err(format!(
            "judgement: found {} exact and {} tied tokens, the run has {n}",
            found.exact, found.tied
        )),
    }
}

/// Notes on the writer's replay for the reader. They decide nothing: the verifier's replay does.
pub(super) fn notes(r: &Receipt) -> Vec<RuleOutcome> {
    let status = match r.parity.status {
        ParityStatus::Passed | ParityStatus::Consistent => {
            RuleOutcome::new("parity_status", Outcome::Pass, "")
        }
        ParityStatus::NotChecked => RuleOutcome::new(
            "parity_status",
            Outcome::Note,
            "the writer did not replay the run (--parity off)",
        ),
    };
    let guest = match r.parity.guest_sha256 {
        Some(found) if found != guest_sha256() => RuleOutcome::new(
            "guest_sha256",
            Outcome::Note,
            format!(
                "the writer's guest is {found}, this verifier replays with {}",
                guest_sha256()
            ),
        ),
        _ => RuleOutcome::new("guest_sha256", Outcome::Pass, ""),
    };
    vec![status, guest]
}

/// Whether the writer replayed with another guest than this verifier's. The guests' arithmetic may
/// differ, so a difference in results does not refute the receipt.
fn is_of_another_guest(r: &Receipt) -> bool {
    r.parity
        .guest_sha256
        .is_some_and(|found| found != guest_sha256())
}

/// The outcome of a rule when the receipt differs from the reference.
pub(in crate::verify) fn difference(
    r: &Receipt,
    rule: &'static str,
    evidence: String,
) -> RuleOutcome {
    match is_of_another_guest(r) {
        false => RuleOutcome::new(rule, Outcome::Fail, evidence),
        true => RuleOutcome::new(
            rule,
            Outcome::Unverifiable,
            format!("{evidence}; the writer had another guest: verify with the writer's build"),
        ),
    }
}

fn compare(r: &Receipt, rule: &'static str, result: Result<(), String>) -> RuleOutcome {
    match result {
        Ok(()) => RuleOutcome::new(rule, Outcome::Pass, ""),
        Err(evidence) => difference(r, rule, evidence),
    }
}

/// The result of replaying a receipt's task.
#[derive(Debug, Clone)]
pub struct ReplayResult {
    /// The tokens that the reference chooses when it is fed the receipt's tokens.
    pub tokens: Vec<u32>,
    /// The checksum of the reference's transcript.
    pub checksum: Digest,
    /// The fuel of the reference's calls; `None` if the sandbox does not count it.
    pub fuel: Option<u64>,
    /// How the reference's logits rank the receipt's tokens. Only those of another engine need it.
    pub ranking: Option<Ranking>,
}

/// Compares the receipt with a full replay of its task, and with the judgement of its tokens if they are
/// another engine's.
pub(in crate::verify) fn check_replay(
    r: &Receipt,
    replay: &ReplayResult,
    judgement: Option<&JudgementSummary>,
) -> Vec<RuleOutcome> {
    let pass = RuleOutcome::new("parity_replay", Outcome::Pass, "");
    let of_tokens = match judgement {
        None if r.is_external() => vec![RuleOutcome::new(
            "parity_judgement",
            Outcome::Unverifiable,
            "the replay did not rank the tokens",
        )],
        None => vec![compare(r, "parity_tokens", tokens(r, replay))],
        Some(judgement) => vec![
            consistent(r, judgement),
            compare(r, "parity_counts", counts(r, judgement)),
        ],
    };
    let of_values = [
        compare(r, "parity_checksum", checksum(r, replay)),
        fuel(r, replay),
    ];
    [pass]
        .into_iter()
        .chain(of_tokens)
        .chain(of_values)
        .collect()
}

fn consistent(r: &Receipt, judgement: &JudgementSummary) -> RuleOutcome {
    let rule = "parity_judgement";
    let why = judgement.mistake.map(|mistake| mistake.to_string());
    let why = why.unwrap_or_default();
    match judgement.conclusion {
        Consistency::Consistent => RuleOutcome::new(rule, Outcome::Pass, ""),
        Consistency::Unverifiable => RuleOutcome::new(
            rule,
            Outcome::Unverifiable,
            format!("nobody can tell, this model makes too much of rounding: {why}"),
        ),
        Consistency::Rejected => difference(r, rule, why),
    }
}

/// How many tokens are exact depends on no tolerance. The others are tied or wrong, which the judgement says.
fn counts(r: &Receipt, judgement: &JudgementSummary) -> Result<(), String> {
    let found = r.parity.judgement.as_ref();
    let found = found.map_or(0, |judgement| judgement.exact);
    match found == judgement.exact as u64 {
        true => Ok(()),
        false => Err(format!(
            "exact: found {found} tokens, the replay has {}",
            judgement.exact
        )),
    }
}

fn tokens(r: &Receipt, replay: &ReplayResult) -> Result<(), String> {
    let pairs = r.tokens.iter().zip(&replay.tokens);
    match pairs
        .enumerate()
        .find(|(_, (found, chosen))| found != chosen)
    {
        None => Ok(()),
        Some((i, (found, chosen))) => Err(format!(
            "position {}: found token {found}, the reference chooses {chosen}",
            r.run.prompt_ids.len().saturating_sub(1) + i
        )),
    }
}

fn checksum(r: &Receipt, replay: &ReplayResult) -> Result<(), String> {
    // The checksum commits to every residual stream between layers, hidden state, token and logit.
    if replay.checksum == r.parity.checksum {
        return Ok(());
    }
    Err(format!(
        "checksum: found {}, the reference has {}",
        r.parity.checksum, replay.checksum
    ))
}

fn fuel(r: &Receipt, replay: &ReplayResult) -> RuleOutcome {
    let rule = "parity_fuel";
    let same_sandbox = r.parity.wasmtime_version.as_deref() == Some(WASMTIME_VERSION);
    let (Some(found), Some(used), true, false) = (
        r.parity.fuel,
        replay.fuel,
        same_sandbox,
        is_of_another_guest(r),
    ) else {
        let evidence = "not comparable: no replay by the writer, another guest or another sandbox";
        return RuleOutcome::new(rule, Outcome::Note, evidence);
    };
    let result = match found == used {
        true => Ok(()),
        false => Err(format!("found {found}, the replay used {used}")),
    };
    RuleOutcome::of(rule, result)
}
