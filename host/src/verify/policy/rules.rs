//! The rules of a policy.

use super::{Done, Policy, RequiredParity, caching, physics::Machine};
use crate::{
    digest::Digest,
    receipt::{Receipt, parse_kv_type_name},
    verify::{
        Outcome, RuleOutcome,
        derived::{median, repetitions},
        ledger,
    },
};

/// The rules of `policy` over a receipt of which `done` was found here.
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
        ("policy_model", listed(&r.model.sha256.to_string(), &models)),
        ("policy_guest", listed(&guest, &guests)),
        (
            "policy_min_tokens",
            at_least(r.run.tokens, policy.require.min_tokens),
        ),
        (
            "policy_min_tokens_per_sec",
            at_least(r.tokens_per_sec, policy.require.min_tokens_per_sec),
        ),
        (
            "policy_spread",
            spread(r, policy.require.max_relative_spread),
        ),
        ("physics_prefill", prefill(r, policy)),
        ("physics_decode", decode(r, policy)),
        ("physics_caching", caching::check(r, &policy.caching)),
    ];
    let rules = rules.map(|(rule, result)| RuleOutcome::of(rule, result));
    let of_this_verification = [parity(policy, done.replayed), signer(policy, done.signer)];
    rules.into_iter().chain(of_this_verification).collect()
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

fn kernels(r: &Receipt, allowed: &[String]) -> Result<(), String> {
    let fits = |kernel: &str, pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => kernel.starts_with(start),
        None => kernel == pattern,
    };
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

/// What was replayed here must be what is required. It may only have been left out.
fn parity(policy: &Policy, done: RequiredParity) -> RuleOutcome {
    let required = policy.require.parity;
    let (outcome, evidence) = match (required <= done, required) {
        (true, _) => (Outcome::Pass, ""),
        (false, RequiredParity::Audited) => (
            Outcome::Unverifiable,
            "the policy requires an audit: add --check-parity --sample",
        ),
        (false, _) => (
            Outcome::Unverifiable,
            "the policy requires a full replay: add --check-parity",
        ),
    };
    RuleOutcome::new("policy_parity", outcome, evidence)
}

/// Without a bundle nobody knows who signed.
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
                format!("the policy requires {required}: {add}"),
            )
        }
    };
    RuleOutcome::new("policy_signer", outcome, evidence)
}

fn spread(r: &Receipt, allowed: Option<f64>) -> Result<(), String> {
    let Some(allowed) = allowed else {
        return Ok(());
    };
    let sorted = repetitions(r).ok_or("the times overflow")?;
    let ([shortest, .., longest], Some(median)) = (&sorted[..], median(&sorted)) else {
        return Err(format!(
            "found {} repetitions, a spread needs two",
            sorted.len()
        ));
    };
    let found = (longest.total_ns - shortest.total_ns) as f64 / median.total_ns as f64;
    match found <= allowed {
        true => Ok(()),
        false => Err(format!("found {found:.3}, the policy accepts {allowed}")),
    }
}

/// Prefill of every repetition, as one step.
fn prefill(r: &Receipt, policy: &Policy) -> Result<(), String> {
    let shape = ledger::shape(r)?;
    let machine = machine(r, policy, &shape);
    let end = r.run.prompt_ids.len() as u64;
    let times = r.samples.prefill_ns.iter();
    times
        .enumerate()
        .try_for_each(|(i, &ns)| possible(&machine, 0..end, ns).map_err(in_repetition(i)))
}

/// Every decode step of every repetition.
fn decode(r: &Receipt, policy: &Policy) -> Result<(), String> {
    let shape = ledger::shape(r)?;
    let machine = machine(r, policy, &shape);
    let first = r.run.prompt_ids.len() as u64;
    for (i, steps) in r.samples.decode_ns.iter().enumerate() {
        for (position, &ns) in (first..).zip(steps) {
            possible(&machine, position..position + 1, ns).map_err(in_repetition(i))?;
        }
    }
    Ok(())
}

fn in_repetition(i: usize) -> impl Fn(String) -> String {
    move |why| format!("repetition {i}: {why}")
}

fn machine<'a>(
    r: &Receipt,
    policy: &'a Policy,
    shape: &'a engine_native::ModelShape,
) -> Machine<'a> {
    Machine {
        shape,
        // A type that does not exist is another rule's to refuse.
        kv_bytes: parse_kv_type_name(&r.run.kv_type)
            .unwrap_or_default()
            .bytes() as u64,
        threads: r.run.threads.max(1),
        ceilings: &policy.ceilings,
    }
}

fn possible(machine: &Machine, positions: std::ops::Range<u64>, ns: u64) -> Result<(), String> {
    let (first, last) = (positions.start, positions.end.saturating_sub(1));
    let least = machine
        .least_seconds(positions.start, positions.end)
        .ok_or("the shape's work overflows")?;
    let found = ns as f64 / 1e9;
    if found >= least {
        return Ok(());
    }
    Err(format!(
        "positions {first} to {last} in {:.6} ms, at the policy's ceilings they take {:.6} ms",
        found * 1e3,
        least * 1e3
    ))
}
