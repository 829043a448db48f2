//! Why a receipt is not accepted, in plain words. Evidence is not quoted here: it has strings of the
//! receipt's writer in it.

use super::facts::Facts;
use crate::verify::outcome::Outcome;

/// What all rules with `outcome` say, to stand after "because": the first in words, and how many more
/// there are.
pub(super) fn of(facts: &Facts, outcome: Outcome) -> String {
    let found = facts.verdict.rules.iter().filter(|r| r.outcome == outcome);
    let rules: Vec<&str> = found.map(|r| r.rule).collect();
    let words = match outcome {
        Outcome::Fail => broken,
        Outcome::Unverifiable | Outcome::Note | Outcome::Pass => open,
    };
    let Some(first) = rules.first() else {
        return "no rule says so".into();
    };
    let more = match rules.len() - 1 {
        0 => String::new(),
        1 => ", and there is one more reason".into(),
        n => format!(", and there are {n} more reasons"),
    };
    format!("{} (rule {first}){more}", words(first))
}

/// What it means that a rule is broken.
fn broken(rule: &str) -> &'static str {
    match rule {
        "schema" => "it does not have the form of a receipt",
        "receipt_sha256" => {
            "its content does not have the fingerprint that it states, as after an edit or an accident"
        }
        "prompt" => "its prompt does not follow from its settings",
        "context" => "the run is longer than the model allows",
        "model_shape" | "model_parameters" | "model_file_name" => {
            "it describes a model that cannot be"
        }
        "model_record" | "model_kernels" => "it describes the model file wrongly",
        "created" | "created_in_the_past" => "its date cannot be right",
        "parity_record" | "parity_fuel" => {
            "what it says about the writer's own check cannot be right"
        }
        "parity_replay" | "parity_tokens" | "parity_checksum" | "retime_tokens" => {
            "the run, calculated again for this check, does not have the result that it states"
        }
        "parity_judgement" | "parity_counts" => {
            "its tokens, calculated again for this check, are not what it says of them"
        }
        "engine" | "engine_claims" => "what it says about the engine cannot be right",
        "audit_transcript" | "audit_units" => {
            "a part of the run, calculated again for this check, does not have the result that it states"
        }
        "physics_prefill" | "physics_decode" | "physics_cpu_time" => {
            "it states a time that is shorter than this check takes for possible"
        }
        "physics_caching" => "its times look as if answers had been remembered from an earlier run",
        "challenge" => "it does not answer the challenge of this check, so it may be older",
        "policy_retime" => {
            "it states a speed far above the one measured for this check on the same kind of processor"
        }
        rule if rule.starts_with("policy_") => {
            "it does not meet what the policy of this check demands"
        }
        rule if rule.starts_with("bundle_") => {
            "its signature is not a valid one of the given key for this file"
        }
        rule if rule.starts_with("ledger_") => {
            "the work that it states is not the work of such a run"
        }
        rule if rule.starts_with("machine_") => "what it says about the computer cannot be right",
        "environment" | "run_settings" | "compute_path" | "backend" | "build" | "kernels" => {
            "what it says about program and settings cannot be right"
        }
        _ => "its figures do not agree with one another",
    }
}

/// What it means that a rule could not be checked.
fn open(rule: &str) -> &'static str {
    match rule {
        "schema_version" => "its format is not one that this program reads",
        "model_sha256" => "the model file that was given is another one than it names",
        "parity_replay" => "its run was not calculated again for this check",
        "parity_judgement" => "it could not be told whether its tokens are right",
        "parity_tokens" | "parity_counts" | "parity_checksum" | "retime_tokens" => {
            "its run has another result here, where the separate program is of another version than the writer's"
        }
        "audit_transcript" | "audit_units" => {
            "the check of a part could not decide; a check of everything can"
        }
        rule if rule.starts_with("policy_") => {
            "the policy of this check demands something that was not shown"
        }
        _ => "something that must be checked could not be checked",
    }
}
