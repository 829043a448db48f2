//! A genuine receipt and its bundle, edited, with digest and signature made anew: there is a verdict,
//! the same each time, of bounded size, and what is accepted is accepted in every form. The replay is one
//! that agrees with whatever the receipt says.
#![no_main]

use std::time::SystemTime;

use bitreceipt_fuzz::documents::{KEY, RECEIPT, edited, sealed, statement};
use engine_native::Choice;
use host::{
    attest::Envelope,
    judge::{Margin, Ranking},
    receipt::to_json,
    verify::{Checked, Conclusion, Policy, ReplayResult, SimpleVerificationResult, Verdict},
};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (receipt_edits, bundle_edits) = data.split_at(data.len() / 2);
    let genuine = serde_json::to_value(&*RECEIPT).expect("keys are strings");
    let receipt = sealed(edited(&genuine, receipt_edits));
    let payload: Value = serde_json::from_slice(&statement(&receipt)).expect("it is JSON");
    let payload = edited(&payload, bundle_edits).to_string();
    let bundle = Envelope::sign(payload.into_bytes(), &KEY).to_json();

    let Some(verdict) = verdict(&receipt, &bundle) else {
        // Without a version among its fields it is no receipt.
        return;
    };
    let json = serde_json::to_string(&verdict).expect("keys are strings");
    assert!(json.len() < 100_000, "a verdict of {} bytes", json.len());
    assert_eq!(Some(&verdict), self::verdict(&receipt, &bundle).as_ref());
    let text = verdict.to_text("receipt.json");
    let lines = text.lines().count();
    assert!(lines <= verdict.rules.len() + 20, "{text}");
    assert!(
        !text.replace('\n', "").contains(char::is_control),
        "{text:?}"
    );
    let svr = SimpleVerificationResult::new(&verdict, None, SystemTime::UNIX_EPOCH);
    let accepted = verdict.conclusion == Conclusion::Accepted;
    assert_eq!(svr.properties.is_empty(), !accepted);
    if accepted {
        let typed = serde_json::from_str(&receipt).expect("what is accepted is a receipt");
        let mut checked = Checked::read(to_json(&typed).as_bytes()).expect("it is JSON");
        agree(&mut checked);
        checked.with_policy(&Policy::default());
        assert_eq!(checked.verdict().conclusion, Conclusion::Accepted);
        // Unseen it is not.
        let mut checked = Checked::read(receipt.as_bytes()).expect("it is JSON");
        checked.with_policy(&Policy::default());
        assert_eq!(checked.verdict().conclusion, Conclusion::Unverifiable);
    }
});

fn verdict(receipt: &str, bundle: &str) -> Option<Verdict> {
    let mut checked = Checked::read(receipt.as_bytes()).ok()?;
    checked.with_challenge(None);
    checked.with_bundle(bundle.as_bytes(), &KEY.public_key());
    agree(&mut checked);
    checked.with_policy(&Policy::default());
    Some(checked.verdict())
}

/// A replay that finds what the receipt says.
fn agree(checked: &mut Checked) {
    let Some(receipt) = &checked.receipt else {
        return;
    };
    let replay = ReplayResult {
        tokens: receipt.tokens.clone(),
        checksum: receipt.parity.checksum,
        fuel: receipt.parity.fuel,
        ranking: receipt.is_external().then(|| ranking(&receipt.tokens)),
    };
    checked.with_replay(Ok(replay));
}

/// In which every token is the reference's choice.
fn ranking(tokens: &[u32]) -> Ranking {
    let chosen = |&token: &u32| {
        let choice = Choice { token, logit: 1.0 };
        Margin {
            chosen: choice,
            goes_on: false,
            rivals: Vec::new(),
            claimed: choice,
            spread: 1.0,
            listed: Vec::new(),
        }
    };
    Ranking {
        margins: tokens.iter().map(chosen).collect(),
        sensitivity: None,
    }
}
