//! What is certain, for whoever trusts this verifier's program.

use super::{
    facts::{Facts, Freshness, Tokens},
    reasons,
    sentence::{Sentence, counted, fingerprint, shortened},
};
use crate::judge::shown;
use crate::verify::{
    audit_report::AuditReport,
    consistency::JudgementSummary,
    outcome::{Conclusion, Outcome},
    summary::Summary,
};

/// The rules by which every figure follows from the times.
const FIGURES: [&str; 6] = [
    "samples",
    "timing_ms",
    "tokens_per_sec",
    "prefill_tokens_per_sec",
    "decode_tokens_per_sec",
    "figures",
];

pub(super) fn sentences(facts: &Facts) -> Vec<Sentence> {
    if facts.is_rejected() {
        let why = reasons::of(facts, Outcome::Fail);
        return vec![Sentence::aside(format!("The receipt is rejected: {why}."))];
    }
    let mut found = tokens(facts);
    found.extend(fresh(facts));
    found.extend(facts.signer().map(signed));
    found.extend(under_policy(facts));
    if facts.hold(&FIGURES) {
        let text = "Every speed in the receipt follows exactly from the times in it.";
        found.push(Sentence::aside(text));
    }
    found
}

fn tokens(facts: &Facts) -> Vec<Sentence> {
    let Some(summary) = &facts.verdict.receipt else {
        return Vec::new();
    };
    match facts.tokens() {
        Tokens::Proved => vec![Sentence::quotable(format!(
            "The whole run was calculated again for this check, by a separate program, and every result \
             came out the same to the last bit: {}.",
            result(summary)
        ))],
        Tokens::Consistent(judgement) => vec![Sentence::quotable(format!(
            "The whole run was calculated again for this check, by a separate program: {}.",
            consistent(summary, judgement)
        ))],
        Tokens::Audited(audit) => vec![
            Sentence::quotable(format!(
                "This check's own fast program did the whole run again and came to the same result to the \
                 last bit: {}.",
                result(summary)
            )),
            Sentence::quotable(parts(audit)),
        ],
        Tokens::Unconfirmed => Vec::new(),
    }
}

/// Which tokens the receipt is about.
fn result(summary: &Summary) -> String {
    format!(
        "the {} (pieces of words) in the receipt {} what the model file with the fingerprint (SHA-256) {} gives \
         after this prompt of {}",
        counted(summary.tokens, "token"),
        if summary.tokens == 1 { "is" } else { "are" },
        fingerprint(summary.model.sha256),
        counted(summary.prompt_tokens, "token"),
    )
}

/// How the tokens of another engine agree.
fn consistent(summary: &Summary, judgement: JudgementSummary) -> String {
    let n = counted(summary.tokens, "token");
    let choice = format!(
        "what the model file with the fingerprint (SHA-256) {} gives after this prompt of {} and the tokens before it",
        fingerprint(summary.model.sha256),
        counted(summary.prompt_tokens, "token"),
    );
    let unseen = "whether the other program's numbers behind them are right was not shown";
    let (exact, tied) = (judgement.exact as u64, judgement.tied as u64);
    let ends = match judgement.goes_on {
        0 => String::new(),
        k => format!(
            "; at {k} of them the model would have ended the text, and the best token that does not end it was expected"
        ),
    };
    match tied {
        0 => {
            format!("of the {n} (pieces of words) in the receipt, each is {choice}{ends}; {unseen}")
        }
        _ => format!(
            "of the {n} (pieces of words) in the receipt, {exact} {} {choice}, and {} almost as good by its numbers \
             (within {} standard deviations), which is no more than rounding explains{ends}; {unseen}",
            if exact == 1 { "is" } else { "are" },
            if tied == 1 {
                "one other is".to_owned()
            } else {
                format!("{tied} others are")
            },
            shown(judgement.tolerance)
        ),
    }
}

fn parts(audit: &AuditReport) -> String {
    let (n, of) = (audit.units.len(), audit.n_units);
    let chosen = match (audit.nonce, audit.is_fresh) {
        (Some(_), true) => "drawn at random once the receipt was there",
        (Some(_), false) => "drawn by a number from an earlier check",
        (None, _) => "named by whoever checks",
    };
    let were = if n == 1 { "was" } else { "were" };
    let right = if n == 1 { "it" } else { "each of them" };
    format!(
        "Of the calculation's {of} parts, {n}, {chosen}, {were} also calculated by the separate program that \
         decides what is right, and {right} agrees."
    )
}

fn fresh(facts: &Facts) -> Option<Sentence> {
    let text = "The run took place after the number was chosen that this check had given as a challenge, \
                unless somebody could know that number before.";
    (facts.freshness() == Freshness::Proved).then(|| Sentence::quotable(text))
}

fn signed(keyid: &str) -> Sentence {
    Sentence::quotable(format!(
        "Exactly this file was signed by somebody who has the private half of the key that this check was \
         given, with the fingerprint {}.",
        shortened(keyid)
    ))
}

fn under_policy(facts: &Facts) -> Option<Sentence> {
    let policy = facts.policy?;
    let is_met = facts.verdict.conclusion == Conclusion::Accepted;
    is_met.then(|| {
        Sentence::aside(format!(
            "What the receipt states meets the demands of the policy file with the fingerprint {}.",
            fingerprint(policy)
        ))
    })
}
