//! The paragraph: the conclusion, and the quotable sentences of each kind.

use super::{facts::Facts, reasons, sentence::Sentence};
use crate::verify::outcome::{Conclusion, Outcome};

/// The paragraph for the certain, the bounded and the claimed.
pub(super) fn of(facts: &Facts, kinds: [&[Sentence]; 3]) -> String {
    let mut text = conclusion(facts);
    let names = ["certain", "bounded", "only somebody's word"];
    for (name, sentences) in names.into_iter().zip(kinds) {
        let quotable = sentences.iter().filter(|s| s.is_quotable);
        let texts: Vec<&str> = quotable.map(|s| &*s.text).collect();
        if !texts.is_empty() {
            text += &format!(" What is {name}: {}", texts.join(" "));
        }
    }
    text
}

fn conclusion(facts: &Facts) -> String {
    let checked = concat!(
        "This receipt for a speed test of a language model was checked with Bitreceipt ",
        env!("CARGO_PKG_VERSION")
    );
    match facts.verdict.conclusion {
        Conclusion::Accepted => format!("{checked} and accepted."),
        Conclusion::Rejected => format!(
            "{checked} and rejected, because {}. Nothing else follows from this check, neither about the results \
             in the receipt nor about its speed.",
            reasons::of(facts, Outcome::Fail)
        ),
        Conclusion::Unverifiable => format!(
            "{checked} and neither accepted nor rejected, because {}.{}",
            reasons::of(facts, Outcome::Unverifiable),
            match facts.verdict.receipt {
                None => " Nothing in it was checked.",
                Some(_) => "",
            }
        ),
    }
}
