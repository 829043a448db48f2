//! What is proved, what is checked, and what is only claimed.

use host::{
    receipt::ParityStatus,
    verify::{Conclusion, Outcome, Replayed, Verdict},
};
use maud::{Markup, html};

use super::subject::Subject;

/// The mark of a conclusion, which needs no colour.
pub fn mark(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Accepted => "✓",
        Conclusion::Rejected => "✗",
        Conclusion::Unverifiable => "?",
    }
}

/// A conclusion with its mark.
pub fn badge(conclusion: Conclusion) -> Markup {
    let class = match conclusion {
        Conclusion::Accepted => "good",
        Conclusion::Rejected => "bad",
        Conclusion::Unverifiable => "open",
    };
    html! { span class=(format!("badge {class}")) { (mark(conclusion)) " " (conclusion.as_str()) } }
}

/// The verdict in a sentence.
pub fn sentence(subject: &Subject) -> String {
    let verdict = &subject.verdict;
    match (verdict.conclusion, verdict.replayed) {
        (Conclusion::Accepted, Replayed::Everything) => format!(
            "This verifier replayed the whole run. Tokens: {}. The speed is the writer's claim.",
            verdict.tokens
        ),
        (Conclusion::Accepted, _) => format!(
            "This verifier audited a part of the run. Tokens: {}. The speed is the writer's \
             claim.",
            verdict.tokens
        ),
        (Conclusion::Rejected, _) => format!(
            "{} broken. No number of this receipt counts. Tokens: {}.",
            match count(verdict, Outcome::Fail) {
                1 => "A rule is".to_owned(),
                n => format!("{n} rules are"),
            },
            verdict.tokens
        ),
        (Conclusion::Unverifiable, _) => format!(
            "No rule is broken, but what has to be checked was not checked here. Tokens: {}.",
            verdict.tokens
        ),
    }
}

fn count(verdict: &Verdict, outcome: Outcome) -> usize {
    verdict
        .rules
        .iter()
        .filter(|rule| rule.outcome == outcome)
        .count()
}

/// What a part of a receipt is worth here: the word, its class, and why.
type Worth = (&'static str, &'static str, String);

/// The table of what the receipt proves.
pub fn table(subject: &Subject) -> Markup {
    let tokens = of_tokens(&subject.verdict);
    let with_tokens = |why: &str| (tokens.0, tokens.1, why.to_owned());
    let freshness = match &subject.receipt.run.challenge {
        None => (
            "Open",
            "open",
            "No challenge: the run may be older than its date.".to_owned(),
        ),
        Some(_) => {
            with_tokens("With the tokens, for whoever chose the challenge: the run is not older.")
        }
    };
    let is_external = subject.receipt.is_external();
    let (proved, work, claims) = match is_external {
        false => (
            "Tokens, logits, hidden states",
            checked(
                &subject.verdict,
                "Multiply-accumulates must fit the model's shape.",
            ),
            "Kernels, machine, build, date",
        ),
        true => (
            "Tokens",
            (
                "Open",
                "open",
                "Another engine says nothing about its work.".to_owned(),
            ),
            "Engine, machine, build, date",
        ),
    };
    let rows = [
        (proved, tokens.clone()),
        ("Model and prompt", named(&tokens)),
        ("Freshness", freshness),
        ("Amount of work", work),
        (
            "Rates and percentiles",
            checked(
                &subject.verdict,
                "They follow exactly from the samples, and are not impossibly fast.",
            ),
        ),
        (
            "Samples: how long it took",
            claimed("Nobody can recompute another's clock."),
        ),
        (claims, claimed("This is the writer's word.")),
    ];
    html! {
        table.proof {
            thead { tr { th scope="col" { "In the receipt" } th scope="col" { "Here" } th scope="col" { "Why" } } }
            tbody {
                @for (what, (word, class, why)) in rows {
                    tr { th scope="row" { (what) } td class=(class) { (word) } td { (why) } }
                }
            }
        }
    }
}

/// What model and prompt are worth: the reference computes with both, whoever chose the tokens.
fn named(tokens: &Worth) -> Worth {
    let word = if tokens.0 == "Consistent" {
        "Proved"
    } else {
        tokens.0
    };
    (
        word,
        tokens.1,
        "With the tokens: named by digest and by ids.".to_owned(),
    )
}

fn of_tokens(verdict: &Verdict) -> Worth {
    let outcome_of = |rules: &[&str], outcome| {
        let mut found = verdict.rules.iter().filter(|rule| rule.outcome == outcome);
        found.any(|rule| rules.contains(&rule.rule))
    };
    let all = [
        "parity_replay",
        "parity_tokens",
        "parity_judgement",
        "parity_counts",
        "parity_checksum",
        "audit_transcript",
        "audit_units",
    ];
    let (word, class) = if outcome_of(&all, Outcome::Fail) {
        ("Refuted", "bad")
    } else if outcome_of(&["parity_judgement"], Outcome::Pass) {
        ("Consistent", "good")
    } else if outcome_of(&["parity_checksum"], Outcome::Pass) {
        ("Proved", "good")
    } else if outcome_of(&["audit_units"], Outcome::Pass) {
        ("Audited", "good")
    } else {
        ("Not proved here", "open")
    };
    (word, class, capitalised(&verdict.tokens) + ".")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}

fn checked(verdict: &Verdict, why: &str) -> Worth {
    match verdict.conclusion {
        Conclusion::Rejected => (
            "Rejected",
            "bad",
            "A rule is broken, see the list.".to_owned(),
        ),
        _ => ("Checked", "good", why.to_owned()),
    }
}

fn claimed(why: &str) -> Worth {
    ("Claimed", "open", why.to_owned())
}

/// Rules that do not hold, and all of them to unfold.
pub fn rules(verdict: &Verdict) -> Markup {
    let (hold, others): (Vec<_>, Vec<_>) = verdict
        .rules
        .iter()
        .partition(|rule| rule.outcome == Outcome::Pass);
    let mark = |outcome| match outcome {
        Outcome::Pass => "holds",
        Outcome::Fail => "broken",
        Outcome::Unverifiable => "open",
        Outcome::Note => "note",
    };
    html! {
        @if !others.is_empty() {
            ul.rules {
                @for rule in others {
                    li class=(mark(rule.outcome)) {
                        strong { (mark(rule.outcome)) ": " code { (rule.rule) } } " "
                        (host::plain::plain(&rule.evidence, 1000))
                    }
                }
            }
        }
        details {
            summary { (hold.len()) " rules hold" }
            p.list { @for rule in hold { code { (rule.rule) } " " } }
        }
    }
}

/// What each part of the chain of digests says, from the model to the signature.
pub fn chain(subject: &Subject) -> Markup {
    let receipt = &subject.receipt;
    let parity = &receipt.parity;
    let replayed = match parity.status {
        ParityStatus::Passed => "by its own word, the writer replayed the run with this guest",
        ParityStatus::Consistent => {
            "by its own word, the writer replayed the run with this guest, and found the tokens consistent"
        }
        ParityStatus::NotChecked => "the writer did not replay the run",
    };
    let guest = parity
        .guest_sha256
        .map_or_else(|| "none".to_owned(), |sha256| sha256.to_string());
    let prompt = format!(
        "{} ids, {}",
        receipt.run.prompt_ids.len(),
        subject.summary.prompt
    );
    let signature = match (&subject.verdict.signed_by, subject.has_bundle) {
        (Some(signer), _) => signer.clone(),
        (None, true) => "not checked here; a bundle lies beside the receipt (--public-key)".into(),
        (None, false) => "none beside the receipt".into(),
    };
    let links = [
        (
            "Model",
            "SHA-256 of the whole file",
            receipt.model.sha256.to_string(),
        ),
        ("Prompt", "what was fed", prompt),
        (
            "Transcript",
            "hash chain over tokens, logits and hidden states",
            parity.checksum.to_string(),
        ),
        ("Reference guest", replayed, guest),
        (
            "Receipt",
            "catches accidents, not forgery",
            receipt.receipt_sha256.to_string(),
        ),
        ("Signature", "who makes the claim", signature),
    ];
    html! {
        ol.chain {
            @for (name, what, value) in links {
                li { strong { (name) } " " span.muted { (what) } br; code { (value) } }
            }
        }
    }
}
