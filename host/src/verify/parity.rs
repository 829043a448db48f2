//! Rules on the evidence, and the replay that decides.

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::Model;

use super::{Outcome, Rule, RuleOutcome, identity};
use crate::{
    claimed_run::ClaimedRun,
    receipt::{ParityStatus, Receipt, parse_kv_type_name},
    replay::{Replay, ReplayProgress, replay as replay_task},
    sandbox::{ModelInput, Sandbox, SandboxError, WASMTIME_VERSION, guest_sha256},
    task::Task,
};

pub(super) const RULES: &[Rule] = &[("parity_status", status), ("parity_record", record)];

fn status(r: &Receipt) -> Result<(), String> {
    match r.parity.status {
        ParityStatus::Passed => Ok(()),
        ParityStatus::NotChecked => {
            Err("found not_checked: the run was never replayed (--parity off)".into())
        }
    }
}

fn record(r: &Receipt) -> Result<(), String> {
    let p = &r.parity;
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
    let n_positions = identity::n_positions(r).ok_or("positions overflow")?;
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

/// A receipt that another guest stands behind says nothing that this verifier can check.
pub(super) fn guest_digest(r: &Receipt) -> RuleOutcome {
    let rule = "guest_sha256";
    match r.parity.guest_sha256 {
        Some(found) if found != guest_sha256() => RuleOutcome::new(
            rule,
            Outcome::Unverifiable,
            format!("found {found}, this verifier has {}", guest_sha256()),
        ),
        // Its absence is another rule's.
        _ => RuleOutcome::new(rule, Outcome::Pass, ""),
    }
}

pub(super) struct Replayed {
    pub(super) tokens: String,
    pub(super) rules: Vec<RuleOutcome>,
}

/// Replays the receipt's task, with its tokens as the claim.
pub(super) fn replay(
    r: &Receipt,
    sandbox: &Sandbox,
    model: &Arc<Model>,
    guests: NonZeroUsize,
    progress: ReplayProgress,
) -> Result<Replayed, SandboxError> {
    let rule = "parity_replay";
    let Some(task) = task(r) else {
        let evidence = "the run's settings do not describe a task".to_owned();
        return Ok(refuted(rule, evidence));
    };
    let claimed = ClaimedRun::new(model, &task, &r.tokens, guests);
    let guesses = claimed.as_ref().map(ClaimedRun::guesses);
    let input = ModelInput::from(&**model);
    let replay = match replay_task(sandbox, input, &task, &r.tokens, guesses, progress) {
        Ok(replay) => replay,
        Err(SandboxError::Interrupted) => return Err(SandboxError::Interrupted),
        Err(error) if error.is_refutation() => return Ok(refuted(rule, error.to_string())),
        Err(error) => {
            let evidence = error.to_string();
            return Ok(Replayed {
                tokens: format!("not replayed ({evidence})"),
                rules: vec![RuleOutcome::new(rule, Outcome::Unverifiable, evidence)],
            });
        }
    };
    let mut rules = vec![
        RuleOutcome::of("parity_tokens", tokens(r, &task, &replay)),
        RuleOutcome::of("parity_checksum", checksum(r, &task, &replay)),
        fuel(r, &replay),
    ];
    let broken = rules.iter().find(|rule| rule.outcome == Outcome::Fail);
    let tokens = match broken {
        None => format!("proved ({} positions)", replay.records.len()),
        Some(broken) => format!("refuted ({})", broken.evidence),
    };
    rules.insert(0, RuleOutcome::new(rule, Outcome::Pass, ""));
    Ok(Replayed { tokens, rules })
}

fn refuted(rule: &'static str, evidence: String) -> Replayed {
    Replayed {
        tokens: format!("refuted ({evidence})"),
        rules: vec![RuleOutcome::new(rule, Outcome::Fail, evidence)],
    }
}

/// The task that the receipt's settings describe, if they do.
pub(super) fn task(r: &Receipt) -> Option<Task> {
    let kv_type = parse_kv_type_name(&r.run.kv_type)?;
    let n_generate = usize::try_from(r.run.tokens).ok()?;
    let task = Task {
        prompt: r.run.prompt_ids.clone(),
        n_generate,
        kv_type,
        challenge: r.run.challenge.clone(),
    };
    let complete = n_generate >= 1 && r.tokens.len() == n_generate && !task.prompt.is_empty();
    let fits = identity::n_positions(r)? <= r.model.shape.context_length;
    (complete && fits).then_some(task)
}

fn tokens(r: &Receipt, task: &Task, replay: &Replay) -> Result<(), String> {
    let pairs = r.tokens.iter().zip(replay.tokens());
    match pairs
        .enumerate()
        .find(|(_, (found, chosen))| **found != *chosen)
    {
        None => Ok(()),
        Some((i, (found, chosen))) => Err(format!(
            "position {}: found token {found}, the reference chooses {chosen}",
            task.prompt.len() - 1 + i
        )),
    }
}

fn checksum(r: &Receipt, task: &Task, replay: &Replay) -> Result<(), String> {
    // Commits to every residual stream between layers, hidden state, token and logit.
    let derived = replay.checksum(task, r.model.sha256);
    if derived == r.parity.checksum {
        return Ok(());
    }
    Err(format!(
        "checksum: found {}, the reference has {derived}",
        r.parity.checksum
    ))
}

fn fuel(r: &Receipt, replay: &Replay) -> RuleOutcome {
    let rule = "parity_fuel";
    let same_guest = r.parity.guest_sha256 == Some(guest_sha256());
    let same_sandbox = r.parity.wasmtime_version.as_deref() == Some(WASMTIME_VERSION);
    if !same_guest || !same_sandbox {
        let evidence = "not comparable: another guest or another version of the sandbox";
        return RuleOutcome::new(rule, Outcome::Note, evidence);
    }
    let found = r.parity.fuel.unwrap_or(0);
    let result = if found == replay.fuel {
        Ok(())
    } else {
        Err(format!("found {found}, the replay used {}", replay.fuel))
    };
    RuleOutcome::of(rule, result)
}
