//! The rules of a policy.

use super::{
    caching,
    file::{Policy, Require, RequiredParity},
    physics,
};
use crate::{
    challenge::Bound,
    digest::Digest,
    receipt::{Figures, ParityStatus, Receipt},
    verify::{
        outcome::{Outcome, Replayed, RuleOutcome},
        rules::derived::repetitions,
    },
};

/// What a verification has done besides reading the receipt.
#[derive(Debug, Clone, Copy)]
pub struct Done<'c> {
    /// How much it has replayed.
    pub replayed: Replayed,
    /// Whether the fuel of the replay here is the writer's: only who replays the run knows it.
    pub shows_writer_proof: bool,
    /// The keyid of the signer, if the signature is valid.
    pub signer: Option<Digest>,
    /// The outcome of the rule `challenge`, if the verifier gave one.
    pub challenge: Option<Outcome>,
    /// Whether answers to the challenge could have been prepared: the note `challenge_prompt`.
    pub is_preparable: bool,
    /// What a challenger's clock says of the run, if a statement was given and holds.
    pub bound: Option<&'c Bound>,
    /// How the receipt's speed compares with that of its task here.
    pub retimed: Option<SpeedRatio>,
}

/// A receipt's speed beside the speed of its task here.
#[derive(Debug, Clone, Copy)]
pub struct SpeedRatio {
    /// The receipt's speed ÷ the speed here, per thread where this machine has fewer.
    pub ratio: f64,
    /// Whether the two must be near each other: the CPUs are of the same model, the run here had as
    /// many threads, and nothing disturbed it.
    pub is_comparable: bool,
}

/// Why no least time of a step is known.
const NOT_JUDGED: &str = "no least time is known: another engine may choose several tokens at once, and need not multiply";

/// Checks the rules of `policy` on a receipt, after a verification has done `done`.
pub fn check(policy: &Policy, r: &Receipt, done: Done) -> Vec<RuleOutcome> {
    let accept = &policy.accept;
    let digest = |digest: &Digest| digest.to_string();
    let models: Vec<_> = accept.models.iter().map(digest).collect();
    let guests: Vec<_> = accept.guests.iter().map(digest).collect();
    let guest = r
        .parity
        .guest_sha256
        .map_or(String::new(), |d| d.to_string());
    let rules = [
        (
            "policy_schema_version",
            listed(&r.receipt_schema, &accept.schema_versions),
        ),
        (
            "policy_compute_path",
            listed(&r.compute_path, &accept.compute_paths),
        ),
        ("policy_kernels", kernels(r, &accept.kernels)),
        ("policy_engine", engine(r, &accept.engines)),
        ("policy_exact_tokens", exact_tokens(r, &policy.require)),
        ("policy_model", listed(&r.model.sha256.to_string(), &models)),
        ("policy_guest", listed(&guest, &guests)),
        (
            "policy_min_repetitions",
            at_least(repeated(r, done.bound), policy.require.min_repetitions),
        ),
        (
            "policy_min_tokens",
            at_least(r.run.tokens, policy.require.min_tokens),
        ),
        (
            "policy_min_tokens_per_sec",
            at_least(r.tokens_per_sec, policy.require.min_tokens_per_sec),
        ),
        ("policy_times", times(r, &policy.require)),
        (
            "policy_spread",
            spread(r, policy.require.max_relative_spread),
        ),
        ("physics_prefill", physics::prefill(r, policy)),
        ("physics_caching", caching::check(r, &policy.caching)),
    ];
    let rules = rules.map(|(rule, result)| RuleOutcome::of(rule, result));
    let possible = match r.is_external() {
        true => vec![RuleOutcome::new(
            "physics_decode",
            Outcome::Note,
            NOT_JUDGED,
        )],
        false => vec![
            RuleOutcome::of("physics_decode", physics::decode(r, policy)),
            RuleOutcome::of("physics_cpu_time", physics::cpu_time(r, policy)),
        ],
    };
    let of_this_verification = [
        writer_proof(policy, r, done),
        parity(policy, done.replayed),
        signer(policy, done.signer),
        challenge(policy, r, &done),
        challenged(policy, done.bound),
    ];
    let retimed = done.retimed.map(|found| retime(policy, found));
    let rules = rules
        .into_iter()
        .chain(possible)
        .chain(of_this_verification);
    rules.chain(retimed).collect()
}

/// Checks the figures that a policy limits, each derived from the samples.
fn times(r: &Receipt, require: &Require) -> Result<(), String> {
    let named = |name, checked: Result<(), String>| checked.map_err(|e| format!("{name}: {e}"));
    if let Some(least) = require.min_prefill_tokens_per_sec {
        let checked = at_least(r.prefill_tokens_per_sec, least);
        named("min_prefill_tokens_per_sec", checked)?;
    }
    if let Some(least) = require.min_decode_tokens_per_sec {
        // Another engine can keep its first token back, and send the others quickly.
        let found = match r.is_external() {
            true => r.tokens_per_sec,
            false => r.decode_tokens_per_sec.unwrap_or_default(),
        };
        named("min_decode_tokens_per_sec", at_least(found, least))?;
    }
    let Some(figures) = Figures::of(&r.samples) else {
        // Which another rule reports.
        return Ok(());
    };
    let steps = figures.decode_step_ns;
    let limits = [
        (
            "max_time_to_first_token_ns",
            Some(figures.time_to_first_token_ns),
            require.max_time_to_first_token_ns,
        ),
        (
            "max_p50_step_ns",
            steps.map(|p| p.p50),
            require.max_p50_step_ns,
        ),
        (
            "max_p95_step_ns",
            steps.map(|p| p.p95),
            require.max_p95_step_ns,
        ),
        (
            "max_p99_step_ns",
            steps.map(|p| p.p99),
            require.max_p99_step_ns,
        ),
    ];
    limits.into_iter().try_for_each(|(name, found, most)| {
        let (Some(found), Some(most)) = (found, most) else {
            return Ok(());
        };
        match found <= most {
            _ if r.is_external() && name.ends_with("_step_ns") => Err(format!(
                "{name}: a policy cannot bound the steps of another engine"
            )),
            true => Ok(()),
            false => Err(format!("{name}: found {found}, the policy accepts {most}")),
        }
    })
}

fn listed(found: &str, allowed: &[String]) -> Result<(), String> {
    if allowed.is_empty() || allowed.iter().any(|a| a == found) {
        return Ok(());
    }
    Err(format!(
        "found {found:?}, the policy accepts {}",
        allowed.join(", ")
    ))
}

/// Whether a pattern, which may have a `*` at its end, is one of `name`.
fn fits(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

/// Checks that another engine is one whose receipts count.
fn engine(r: &Receipt, allowed: &[String]) -> Result<(), String> {
    let Some(engine) = &r.engine else {
        return Ok(());
    };
    if allowed.iter().any(|pattern| fits(&engine.name, pattern)) {
        return Ok(());
    }
    let accepted = match allowed.is_empty() {
        true => "only this project's own: it names no engines".into(),
        false => allowed.join(", "),
    };
    Err(format!(
        "found {:?}, the policy accepts {accepted}",
        engine.name
    ))
}

/// The replay checks the count.
fn exact_tokens(r: &Receipt, require: &Require) -> Result<(), String> {
    let tied = r.parity.judgement.as_ref().map_or(0, |j| j.tied);
    match require.exact_tokens && tied > 0 {
        true => Err(format!(
            "found {tied} tokens that are not the reference's choice, the policy accepts none"
        )),
        false => Ok(()),
    }
}

fn kernels(r: &Receipt, allowed: &[String]) -> Result<(), String> {
    let accepted = |kernel: &&String| allowed.iter().any(|pattern| fits(kernel, pattern));
    match r.kernels.iter().find(|kernel| !accepted(kernel)) {
        Some(kernel) if !allowed.is_empty() => Err(format!(
            "found {kernel:?}, the policy accepts {}",
            allowed.join(", ")
        )),
        _ => Ok(()),
    }
}

fn at_least<T: PartialOrd + std::fmt::Display>(found: T, least: T) -> Result<(), String> {
    match found >= least {
        true => Ok(()),
        false => Err(format!("found {found}, the policy requires {least}")),
    }
}

/// Checks that the writer replayed the run, if the policy requires it. The trace of a replay is its
/// fuel, which only the same guest in the same sandbox can check, and only by a full replay.
fn writer_proof(policy: &Policy, r: &Receipt, done: Done) -> RuleOutcome {
    let (outcome, evidence) = match (policy.require.writer_proof, r.parity.status) {
        (false, _) => (Outcome::Pass, ""),
        (true, ParityStatus::NotChecked) => (
            Outcome::Fail,
            "found not_checked, the policy requires a replay by the writer",
        ),
        (true, ParityStatus::Passed | ParityStatus::Consistent) if done.shows_writer_proof => {
            (Outcome::Pass, "")
        }
        (true, ParityStatus::Passed | ParityStatus::Consistent) => (
            Outcome::Unverifiable,
            "the writer's replay cannot be checked: that takes a full replay by the writer's guest \
             and sandbox version",
        ),
    };
    RuleOutcome::new("policy_writer_proof", outcome, evidence)
}

/// Checks that as much was replayed here as the policy requires. If not, the receipt may still be
/// right: it is unverifiable, not rejected.
fn parity(policy: &Policy, done: Replayed) -> RuleOutcome {
    let (least, evidence) = match policy.require.parity {
        None => (Replayed::Nothing, ""),
        Some(RequiredParity::Audited) => (
            Replayed::Sample,
            "the policy requires an audit: add --sample, or leave out --no-replay and --layers",
        ),
        Some(RequiredParity::Replayed) => (
            Replayed::Everything,
            "the policy requires a full replay: leave out --no-replay, --sample and --layers",
        ),
    };
    match least <= done {
        true => RuleOutcome::new("policy_parity", Outcome::Pass, ""),
        false => RuleOutcome::new("policy_parity", Outcome::Unverifiable, evidence),
    }
}

/// Checks that the required signer signed the receipt. Without a bundle, the signer is unknown and
/// the receipt unverifiable.
fn signer(policy: &Policy, found: Option<Digest>) -> RuleOutcome {
    let (outcome, evidence) = match (policy.require.signer, found) {
        (None, _) => (Outcome::Pass, String::new()),
        (Some(required), Some(found)) if required == found => (Outcome::Pass, String::new()),
        (Some(required), Some(found)) => {
            let evidence = format!("signed by {found}, the policy requires {required}");
            (Outcome::Fail, evidence)
        }
        (Some(required), None) => {
            let add = "add --bundle and --public-key";
            (
                Outcome::Unverifiable,
                format!("the policy requires a signature by {required}: {add}"),
            )
        }
    };
    RuleOutcome::new("policy_signer", outcome, evidence)
}

/// Checks that the prompt comes from this verifier's challenge, if the policy requires one.
fn challenge(policy: &Policy, r: &Receipt, done: &Done) -> RuleOutcome {
    let (outcome, evidence) = match (policy.require.challenge, done.challenge) {
        (false, _) => (Outcome::Pass, ""),
        (true, Some(Outcome::Pass)) if done.is_preparable => (
            Outcome::Fail,
            "found a prompt that an answer from before could fit, see challenge_prompt; the policy requires a run \
             that cannot be older than the challenge",
        ),
        (true, Some(Outcome::Pass)) => (Outcome::Pass, ""),
        (true, _) if r.run.challenge.is_none() => (
            Outcome::Fail,
            "found none, the policy requires a prompt from a challenge",
        ),
        (true, _) => (
            Outcome::Unverifiable,
            "the policy requires the challenge that this verifier gave: add --challenge",
        ),
    };
    RuleOutcome::new("policy_challenge", outcome, evidence)
}

/// The number of timed runs: each round of a challenge is one, with a receipt of its own.
fn repeated(r: &Receipt, bound: Option<&Bound>) -> u64 {
    let rounds = bound.map_or(0, |bound| bound.rounds as u64);
    r.run.repetitions.max(rounds)
}

/// Checks the rate that a challenger's clock shows. Without a statement that holds, nobody knows it.
fn challenged(policy: &Policy, bound: Option<&Bound>) -> RuleOutcome {
    let rule = "policy_challenged";
    match (policy.require.min_challenged_tokens_per_sec, bound) {
        (None, _) => RuleOutcome::new(rule, Outcome::Pass, ""),
        (Some(least), Some(bound)) => RuleOutcome::of(rule, at_least(bound.tokens_per_sec, least)),
        (Some(least), None) => RuleOutcome::new(
            rule,
            Outcome::Unverifiable,
            format!(
                "the policy requires {least} tokens/s by a challenger's clock: add --challenged and \
                 --challenger-key"
            ),
        ),
    }
}

/// Judges the receipt's speed by that of its task here. Another CPU model may be faster, and so may a
/// run that nothing disturbs, or one with threads that this machine does not have.
fn retime(policy: &Policy, found: SpeedRatio) -> RuleOutcome {
    let most = policy.retime.max_ratio_to_retime;
    let outcome = match (found.ratio <= most, found.is_comparable) {
        (true, _) => return RuleOutcome::new("policy_retime", Outcome::Pass, ""),
        (false, true) => Outcome::Fail,
        (false, false) => Outcome::Note,
    };
    let doubtful = match outcome {
        Outcome::Note => {
            "; doubtful, but the CPU is of another model, it has fewer threads, or other work \
             disturbed the run here"
        }
        _ => "",
    };
    let evidence = format!(
        "found {:.2} times the speed here, the policy accepts {most}{doubtful}",
        found.ratio
    );
    RuleOutcome::new("policy_retime", outcome, evidence)
}

fn spread(r: &Receipt, allowed: Option<f64>) -> Result<(), String> {
    let Some(allowed) = allowed else {
        return Ok(());
    };
    let n = r.samples.prefill_ns.len();
    if n < 2 {
        return Err(format!("found {n} repetitions, a spread needs two"));
    }
    let times = repetitions(r).ok_or("the times overflow")?;
    let range = times.largest().total_ns - times.smallest().total_ns;
    let found = range as f64 / times.median().total_ns as f64;
    match found <= allowed {
        true => Ok(()),
        false => Err(format!("found {found:.3}, the policy accepts {allowed}")),
    }
}
