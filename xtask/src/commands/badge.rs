//! What a badge says of a verdict, as shields.io reads it from an address (its endpoint badge, schema 1).

use host::verify::{Conclusion, Replayed, Verdict};
use serde_json::{Value, json};

/// The badge of a verdict: what is proved, then what is only claimed.
pub fn badge(verdict: &Verdict) -> Value {
    let receipt = verdict.receipt.as_ref();
    let engine = receipt.and_then(|receipt| receipt.engine.as_ref());
    let (label, color) = match (verdict.conclusion, verdict.replayed) {
        (Conclusion::Accepted, _) if engine.is_some() => ("tokens: consistent", "yellowgreen"),
        (Conclusion::Accepted, Replayed::Everything) => ("tokens: proved", "brightgreen"),
        (Conclusion::Accepted, _) => ("tokens: audited", "green"),
        (Conclusion::Unverifiable, _) => ("tokens: not checked", "lightgrey"),
        (Conclusion::Rejected, _) => ("receipt: rejected", "red"),
    };
    let speed = receipt.and_then(|receipt| receipt.claimed.speed);
    let rate = speed.and_then(|speed| speed.decode_tokens_per_sec);
    let message = match (verdict.conclusion, rate) {
        (Conclusion::Rejected, _) => "no number".to_owned(),
        (_, Some(rate)) => match engine {
            Some(engine) => format!("{rate:.1} tok/s claimed for {}", engine.name),
            None => format!("{rate:.1} tok/s claimed"),
        },
        (_, None) => "no rate".to_owned(),
    };
    json!({ "schemaVersion": 1, "label": label, "message": message, "color": color })
}
