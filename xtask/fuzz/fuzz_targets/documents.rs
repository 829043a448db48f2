//! Any bytes, to everything that reads a document: it is read or refused, and nothing else happens.
#![no_main]

use bitreceipt_fuzz::documents::KEY;
use host::{
    attest::{Envelope, PublicKey, SigningKey, Statement},
    external::ExternalRun,
    task::Challenge,
    verify::{Checked, Conclusion, Policy},
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = Policy::read(data);
    let _ = ExternalRun::read(data);
    let _ = Statement::parse(data);
    if let Ok(envelope) = Envelope::parse(data) {
        let _ = envelope.verify(&KEY.public_key());
    }
    if let Ok(mut checked) = Checked::read(data) {
        checked.with_bundle(data, &KEY.public_key());
        checked.with_policy(&Policy::default());
        let verdict = checked.verdict();
        assert!(verdict.rules.iter().all(|r| r.evidence.len() < 1100));
        assert_ne!(verdict.conclusion, Conclusion::Accepted, "nothing was replayed");
        let text = verdict.to_text("receipt.json");
        assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = PublicKey::parse(text);
        let _ = SigningKey::parse(text);
        let _ = text.parse::<Challenge>();
    }
});
