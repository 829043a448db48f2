//! What a badge says of a verdict, as shields.io reads it from an address (its endpoint badge, schema 1).

use host::verify::{Conclusion, Replayed, Verdict};
use serde_json::{Value, json};

/// The badge of a verdict: what is proved, then what is only claimed.
pub fn badge(verdict: &Verdict) -> Value {
    let (label, color) = match (verdict.conclusion, verdict.replayed) {
        (Conclusion::Accepted, Replayed::Everything) => ("tokens: proved", "brightgreen"),
        (Conclusion::Accepted, _) => ("tokens: audited", "green"),
        (Conclusion::Unverifiable, _) => ("tokens: not checked", "lightgrey"),
        (Conclusion::Rejected, _) => ("receipt: rejected", "red"),
    };
    let claimed = verdict.receipt.as_ref().map(|receipt| &receipt.claimed);
    let rate = claimed.and_then(|claimed| claimed.decode_tokens_per_sec);
    let message = match (verdict.conclusion, rate) {
        (Conclusion::Rejected, _) => "no number".to_owned(),
        (_, Some(rate)) => format!("{rate:.1} tok/s claimed"),
        (_, None) => "no rate".to_owned(),
    };
    json!({ "schemaVersion": 1, "label": label, "message": message, "color": color })
}
