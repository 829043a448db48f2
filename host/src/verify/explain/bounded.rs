//! What has a limit that somebody else than the writer has set.

use super::{
    facts::{Facts, Freshness, Tokens},
    sentence::{Sentence, fingerprint, least_rate, percent, quoted, seconds},
};

/// A limit, if the verdict has it.
type Bound = fn(&Facts) -> Option<Sentence>;

/// Every limit there is, the strongest first.
const BOUNDS: [Bound; 6] = [challenged, odds, likely_fresh, possible, retimed, dated];

pub(super) fn sentences(facts: &Facts) -> Vec<Sentence> {
    if facts.is_rejected() {
        return Vec::new();
    }
    BOUNDS.iter().filter_map(|bound| bound(facts)).collect()
}

/// The time by another clock than the writer's, of a run that was calculated again.
fn challenged(facts: &Facts) -> Option<Sentence> {
    if matches!(facts.tokens(), Tokens::Unconfirmed) {
        return None;
    }
    let bound = facts.challenged()?;
    Some(Sentence::quotable(format!(
        "Whoever answered needed at most {} for the prompt and the answer together, by the clock of the challenger \
         that signed this with the key {}: that is at least {} tokens (pieces of words) per second, in round {} of {}, \
         of a session that began at {}. It does not show which computer answered, or how many.",
        seconds(bound.within_ns),
        fingerprint(bound.challenger),
        least_rate(bound.tokens_per_sec),
        bound.round,
        bound.rounds,
        quoted(&bound.begun),
    )))
}

/// How likely an audit was to find a wrong part.
fn odds(facts: &Facts) -> Option<Sentence> {
    let Tokens::Audited(audit) = facts.tokens() else {
        return None;
    };
    let detection = audit.detection.filter(|_| audit.is_fresh)?;
    Some(Sentence::quotable(format!(
        "If one single part were wrong in the writer's program and in this check's fast one alike, this check had \
         a chance of {} to notice, and a better one with every further part.",
        percent(detection)
    )))
}

fn likely_fresh(facts: &Facts) -> Option<Sentence> {
    let text = "The run fits the number that this check had given as a challenge. It is older only if somebody \
                had prepared answers to a great many possible challenges.";
    (facts.freshness() == Freshness::Likely).then(|| Sentence::quotable(text))
}

/// No time is impossible.
fn possible(facts: &Facts) -> Option<Sentence> {
    if !facts.hold(&["physics_prefill", "physics_decode", "physics_cpu_time"]) {
        return None;
    }
    let text = match facts.policy {
        None => {
            "No speed in the receipt is beyond 1.5 times what the fastest processors known to this program could \
             do with as many cores as the receipt states: that excludes the impossible, not the exaggerated."
        }
        Some(_) => {
            "No speed in the receipt is beyond the limits of the policy that this check was given: that excludes \
             the impossible, not the exaggerated."
        }
    };
    Some(Sentence::quotable(text))
}

/// The speed here allows the one in the receipt.
fn retimed(facts: &Facts) -> Option<Sentence> {
    let is_near = facts.hold(&["retime_tokens", "policy_retime"]);
    let factor = match facts.policy {
        None => "three times",
        Some(_) => "what its policy allows beside",
    };
    is_near.then(|| {
        Sentence::quotable(format!(
            "The same run was timed on the computer of this check, too: no speed in the receipt is above \
             {factor} the speed there, counted for each thread where that computer has fewer.",
        ))
    })
}

/// The date is none of the future.
fn dated(facts: &Facts) -> Option<Sentence> {
    let text = "The date in the receipt is no more than a day after this check, by the clock here, and no earlier \
                than such models exist.";
    let rules = ["created", "created_in_the_past"];
    facts.hold(&rules).then(|| Sentence::aside(text))
}
