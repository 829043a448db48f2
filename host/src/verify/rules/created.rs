//! Rules on the date of a receipt.

use std::time::{Duration, SystemTime};

use engine_native::Architecture;

use super::identity::architecture;
use crate::{
    receipt::Receipt,
    verify::outcome::{Outcome, Rule, RuleOutcome},
};

pub(super) const RULES: &[Rule] = &[("created", created)];

/// How much two clocks may differ.
const CLOCK_ERROR: Duration = Duration::from_secs(24 * 60 * 60);

/// When ternary models of this architecture first appeared.
fn first_seen(architecture: Architecture) -> &'static str {
    match architecture {
        // "The Era of 1-bit LLMs", arXiv 2402.17764: no ternary model is older.
        Architecture::Llama => "2024-02-27T00:00:00Z",
        // llama.cpp, pull request 7931.
        Architecture::Bitnet => "2024-06-01T00:00:00Z",
        // bitnet.cpp, October 2024, and its model 2B4T.
        Architecture::BitnetB158 | Architecture::Bitnet25 => "2024-10-01T00:00:00Z",
        // llama.cpp, pull request 12828.
        Architecture::Qwen3 => "2025-04-01T00:00:00Z",
    }
}

fn time(text: &str) -> Result<SystemTime, String> {
    humantime::parse_rfc3339(text)
        .map_err(|_| format!("found {text:?}, allowed a time such as 2026-01-31T12:00:00Z"))
}

fn created(r: &Receipt) -> Result<(), String> {
    let found = time(&r.created)?;
    let first = first_seen(architecture(r)?);
    match found >= time(first)? {
        true => Ok(()),
        false => Err(format!(
            "found {:?}, no ternary {} model is older than {}",
            r.created,
            r.model.architecture,
            &first[..10]
        )),
    }
}

/// A clock that is wrong may show a time that RFC 3339 has no form for.
fn shown(now: SystemTime) -> String {
    let years = Duration::from_secs(8000 * 365 * 24 * 60 * 60);
    match now.duration_since(SystemTime::UNIX_EPOCH) {
        Err(_) => "a time before 1970".into(),
        Ok(since) if since > years => "a time beyond the year 9900".into(),
        Ok(_) => humantime::format_rfc3339_seconds(now).to_string(),
    }
}

/// Checks that the receipt is not from after `now`, the verifier's time. A clock that shows a time
/// before the first ternary model is wrong, and refutes nothing.
pub(in crate::verify) fn not_after(r: &Receipt, now: SystemTime) -> RuleOutcome {
    let rule = "created_in_the_past";
    let clock = shown(now);
    if time(first_seen(Architecture::Llama)).is_ok_and(|first| now < first) {
        let evidence = format!("not checked: the clock here shows {clock}");
        return RuleOutcome::new(rule, Outcome::Note, evidence);
    }
    match time(&r.created) {
        Ok(found)
            if now
                .checked_add(CLOCK_ERROR)
                .is_some_and(|last| found > last) =>
        {
            let evidence = format!("found {:?}, the clock here shows {clock}", r.created);
            RuleOutcome::new(rule, Outcome::Fail, evidence)
        }
        // Another rule refuses what is not a time.
        _ => RuleOutcome::new(rule, Outcome::Pass, ""),
    }
}
