//! A genuine receipt and its bundle, edited, with digest and signature made anew: there is a verdict,
//! the same each time, of bounded size, and what is accepted is accepted in every form.
#![no_main]

use bitreceipt_fuzz::documents::{KEY, RECEIPT, edited, sealed, statement};
use host::{
    attest::Envelope,
    receipt::to_json,
    verify::{Checked, Conclusion, Policy, SimpleVerificationResult, Verdict},
};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (receipt_edits, bundle_edits) = data.split_at(data.len() / 2);
    let genuine = serde_json::to_value(&*RECEIPT).expect("keys are strings");
    let receipt = sealed(edited(&genuine, receipt_edits));
    let payload: Value = serde_json::from_slice(&statement(&receipt)).expect("it is JSON");
    let payload = edited(&payload, bundle_edits).to_string();
    let bundle = Envelope::sign(payload.into_bytes(), &KEY).to_json();

    let verdict = verdict(&receipt, &bundle);
    let text = serde_json::to_string(&verdict).expect("keys are strings");
    assert!(text.len() < 100_000, "a verdict of {} bytes", text.len());
    assert_eq!(verdict, self::verdict(&receipt, &bundle));
    let svr = SimpleVerificationResult::of(&verdict, None);
    let accepted = verdict.conclusion == Conclusion::Accepted;
    assert_eq!(svr.properties.is_empty(), !accepted);
    if accepted {
        let typed = serde_json::from_str(&receipt).expect("what is accepted is a receipt");
        let mut checked = Checked::read(to_json(&typed).as_bytes()).expect("it is JSON");
        checked.with_policy(&Policy::default());
        assert_eq!(checked.verdict().conclusion, Conclusion::Accepted);
    }
});

fn verdict(receipt: &str, bundle: &str) -> Verdict {
    let mut checked = Checked::read(receipt.as_bytes()).expect("it is JSON");
    checked.with_challenge(None);
    checked.with_bundle(bundle.as_bytes(), &KEY.public_key());
    checked.with_policy(&Policy::default());
    checked.verdict()
}
