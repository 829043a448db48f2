//! What is the writer's word, or nobody's.

use super::{
    facts::{Facts, Freshness, Tokens},
    sentence::{Sentence, counted, fingerprint, quoted, rate},
};
use crate::verify::{audit_report::AuditReport, outcome::Outcome, summary::Summary};

pub(super) fn sentences(facts: &Facts) -> Vec<Sentence> {
    let summary = match &facts.verdict.receipt {
        Some(summary) if !facts.is_rejected() => summary,
        Some(_) | None => {
            return vec![Sentence::aside(
                "Everything that the receipt says is no more than a claim.",
            )];
        }
    };
    let mut found = Vec::from_iter(tokens(facts, summary));
    found.extend(engine(summary));
    found.extend(speed(summary));
    found.extend(unconfirmed_bound(facts));
    found.extend(doubts(facts, summary));
    found.extend(when(facts));
    found.push(machine(summary));
    found.push(who(facts));
    found.push(Sentence::aside(format!(
        "The model file is called {}: whether it is that model, only its publisher's fingerprint can tell.",
        quoted(&summary.model.file_name)
    )));
    found
}

/// What nobody has calculated again here.
fn tokens(facts: &Facts, summary: &Summary) -> Option<Sentence> {
    match facts.tokens() {
        Tokens::Proved | Tokens::Consistent(_) => None,
        Tokens::Audited(audit) => Some(Sentence::quotable(others(audit))),
        Tokens::Unconfirmed => Some(Sentence::quotable(format!(
            "The receipt states {} (pieces of words) after a prompt of {}, by the model file with the fingerprint \
             {}: this check did not confirm it.",
            counted(summary.tokens, "token"),
            counted(summary.prompt_tokens, "token"),
            fingerprint(summary.model.sha256)
        ))),
    }
}

/// The parts that only the fast programs have calculated.
fn others(audit: &AuditReport) -> String {
    let prepared = match audit.is_fresh {
        true => "",
        false => ", and whoever knew which parts would be checked could prepare for it",
    };
    format!(
        "For the other {}, one fast program confirms another: an error that both have would not show{prepared}.",
        counted((audit.n_units - audit.units.len()) as u64, "part")
    )
}

/// Another program's name: nobody has looked at that program.
fn engine(summary: &Summary) -> Option<Sentence> {
    let engine = summary.engine.as_ref()?;
    Some(Sentence::quotable(format!(
        "The receipt says that another program than Bitreceipt chose these tokens, the engine {}: this check did \
         not see that program.",
        quoted(&engine.title())
    )))
}

fn speed(summary: &Summary) -> Option<Sentence> {
    let speed = summary.claimed.speed?;
    let prompt = rate(speed.prefill_tokens_per_sec);
    let rates = match speed.decode_tokens_per_sec {
        Some(answer) => format!(
            "{} tokens (pieces of words) per second for the answer and {prompt} for the prompt",
            rate(answer)
        ),
        None => format!("{prompt} tokens (pieces of words) per second for the prompt"),
    };
    Some(Sentence::quotable(format!(
        "The writer states a speed of {rates}, by a clock that nobody else could read."
    )))
}

/// A challenger's limit on the time of a run that this check did not confirm.
fn unconfirmed_bound(facts: &Facts) -> Option<Sentence> {
    let bound = facts.challenged()?;
    let text = format!(
        "A challenger signed a limit on its time with the key {}: it means nothing before the run is calculated \
         again.",
        fingerprint(bound.challenger)
    );
    matches!(facts.tokens(), Tokens::Unconfirmed).then(|| Sentence::quotable(text))
}

/// What speaks against the times, without refuting them.
fn doubts(facts: &Facts, summary: &Summary) -> Vec<Sentence> {
    let mut found = Vec::new();
    let is_noted = |rule: &str| facts.outcome(rule) == Some(Outcome::Note);
    if is_noted("policy_retime") {
        let text = "The stated speed is further above the one measured for this check than is usual, but under \
                    conditions that cannot be compared.";
        found.push(Sentence::quotable(text));
    }
    let patterns = [
        "steps_repeated",
        "steps_smooth",
        "steps_round",
        "steps_flat",
    ];
    if patterns.into_iter().any(is_noted) {
        let text = "Some of the stated times look as those of a clock rarely do.";
        found.push(Sentence::quotable(text));
    }
    if !summary.claimed.warnings.is_empty() {
        let text = "The receipt itself has signs that something disturbed the measurement.";
        found.push(Sentence::aside(text));
    }
    found
}

fn when(facts: &Facts) -> Option<Sentence> {
    let text = match facts.freshness() {
        Freshness::Proved | Freshness::Likely => return None,
        // The challenger's limit says when.
        Freshness::Unasked if facts.challenged().is_some() => return None,
        Freshness::Unconfirmed => {
            "The prompt fits the number that this check had given as a challenge, but the results may be older \
             or invented, because they were not confirmed."
        }
        Freshness::Unasked => {
            "The receipt names a challenge, but this check was given none to compare it with, so the results may \
             be older than their date."
        }
        Freshness::Unknown => {
            "The run answers no challenge, a task that nobody could know before, so the results may be older than \
             their date."
        }
    };
    Some(Sentence::quotable(text))
}

fn machine(summary: &Summary) -> Sentence {
    let claim = &summary.claimed;
    Sentence::quotable(format!(
        "The receipt names the processor {}, with {}, and the date {}.",
        quoted(&claim.cpu),
        counted(claim.threads, "thread"),
        quoted(&claim.created)
    ))
}

fn who(facts: &Facts) -> Sentence {
    Sentence::quotable(match facts.signer() {
        Some(_) => "The signature shows whose word this is, not that it is true.",
        None => "This check had no signature, so it does not show whose word this is.",
    })
}
