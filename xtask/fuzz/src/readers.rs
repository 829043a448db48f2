//! A function for each reader of documents: it takes any bytes, reads or refuses them, and does nothing
//! else. What is read once is read again from what it is written as.

use std::sync::LazyLock;

use engine_native::gguf::Gguf;
use host::{
    attest::{Envelope, PublicKey, SigningKey, Statement},
    challenge::ChallengeStatement,
    digest::Digest,
    external::ExternalRun,
    input::tokenizer::{EncodeOptions, Tokenizer, TokenizerMetadata},
    receipt::to_json,
    task::Challenge,
    verify::{Checked, Conclusion, Explanation, Policy},
};

use crate::{
    documents::{KEY, RECEIPT},
    known_model, numbers,
    verdicts::ReadVerdict,
};

/// Longest quotation in a verdict, with what stands around it.
const MAX_EVIDENCE: usize = 1100;

/// A receipt: nothing was replayed, so it is never accepted.
pub fn receipt(data: &[u8]) {
    let Ok(mut checked) = Checked::read(data) else {
        return;
    };
    checked.with_policy(&Policy::default());
    let verdict = checked.verdict();
    assert_ne!(verdict.conclusion, Conclusion::Accepted);
    assert!(
        verdict
            .rules
            .iter()
            .all(|r| r.evidence.len() < MAX_EVIDENCE)
    );
    assert_safe_to_show(&verdict.to_text("receipt.json"));
    let explained = Explanation::of(&verdict, None);
    assert_safe_to_show(&explained.to_text(80));
    let is_rejected = verdict.conclusion == Conclusion::Rejected;
    assert!(!is_rejected || explained.certain.len() == 1);
}

/// A verdict that somebody else printed. What is read can be read again from what it is written as.
pub fn verdict(data: &[u8]) {
    // Why it is none is shown as any failure is, as plain text.
    let Ok(verdict) = ReadVerdict::read(data) else {
        return;
    };
    let written = serde_json::to_vec(&verdict).expect("keys are strings");
    let again = ReadVerdict::read(&written).expect("what was written is read");
    // Rates may be parsed to the double beside the one that was written.
    assert_eq!(again.rules, verdict.rules);
    assert_eq!(again.audit, verdict.audit);
}

/// A bundle of the receipt of the seeds, or a challenger's statement, and what it carries.
pub fn bundle(data: &[u8]) {
    // What somebody signed may be anything.
    let _ = Statement::parse(data);
    let _ = ChallengeStatement::parse(data);
    let Ok(envelope) = Envelope::parse(data) else {
        return;
    };
    assert!(Envelope::parse(envelope.to_json().as_bytes()).is_ok());
    let mut checked = seed();
    checked.with_bundle(data, &KEY.public_key());
    checked.with_challenger(data, &KEY.public_key());
    assert_safe_to_show(&checked.verdict().to_text("receipt.json"));
}

/// A policy, which is then applied.
pub fn policy(data: &[u8]) {
    if let Ok(policy) = Policy::read(data) {
        let mut checked = seed();
        checked.with_policy(&policy);
        assert_safe_to_show(&checked.verdict().to_text("receipt.json"));
    }
}

/// Tokens of another engine.
pub fn transcript(data: &[u8]) {
    if let Ok(run) = ExternalRun::read(data) {
        let _ = run.claim(&[]).check();
    }
}

/// A public key, in any form that is read.
pub fn public_key(data: &[u8]) {
    if let Some(key) = text(data).and_then(|text| PublicKey::parse(text).ok()) {
        let id = key.id();
        let pem = key.to_pem().expect("a key has a form");
        let again = PublicKey::parse(&pem).expect("what was written is read");
        assert_eq!(again.id(), id);
    }
}

/// A private key, in any form that is read.
pub fn private_key(data: &[u8]) {
    if let Some(key) = text(data).and_then(|text| SigningKey::parse(text).ok()) {
        let pem = key.to_pem().expect("a key has a form");
        let again = SigningKey::parse(&pem).expect("what was written is read");
        assert_eq!(again.public_key().id(), key.public_key().id());
        let signature = again.sign(b"message");
        assert!(key.public_key().has_signed(b"message", &signature));
    }
}

/// The tokenizer in the header of a model file, made to encode the file's last bytes and to decode what
/// came of it.
pub fn tokenizer(data: &[u8]) {
    // Only the metadata count: a file without tensors ends with its header.
    let mut header = data.to_vec();
    if let Some(n_tensors) = header.get_mut(8..16) {
        n_tensors.fill(0);
    }
    let Ok(gguf) = Gguf::parse_header(&header, 0) else {
        return;
    };
    let Ok(metadata) = TokenizerMetadata::read(&gguf.metadata, data) else {
        return;
    };
    let Ok(tokenizer) = Tokenizer::from_metadata(&metadata) else {
        return;
    };
    let tail = String::from_utf8_lossy(&data[data.len().saturating_sub(64)..]);
    for parse_special in [false, true] {
        let options = EncodeOptions {
            add_special: parse_special,
            parse_special,
        };
        if let Ok(ids) = tokenizer.encode(&tail, options) {
            assert!(ids.iter().all(|&id| (id as usize) < tokenizer.n_vocab()));
            let mut stream = tokenizer.decode_stream();
            for id in ids {
                stream.push(id);
            }
            stream.finish();
        }
    }
}

/// `models/manifest.json`.
pub fn manifest(data: &[u8]) {
    let Some(models) = text(data).and_then(|text| known_model::read(text).ok()) else {
        return;
    };
    let again = serde_json::to_string(&models).expect("keys are strings");
    let read = known_model::read(&again).expect("what was written is read");
    assert_eq!(read.len(), models.len());
}

/// Values of arguments: prompt ids, counts, shares, layers, tolerances, nonces.
pub fn command_line(data: &[u8]) {
    let Some(text) = text(data) else {
        return;
    };
    // As the arguments' parser divides them.
    for id in text.split(',') {
        assert_one_line(numbers::whole::<u32>(id));
    }
    assert_one_line(numbers::whole::<u64>(text));
    assert_one_line(numbers::count(text)).inspect(|n| assert!((1..=1 << 24).contains(n)));
    assert_one_line(numbers::count_or_none(text)).inspect(|&n| assert!(n <= 1 << 24));
    assert_one_line(numbers::read_bytes(text));
    assert_one_line(numbers::jobs(text));
    assert_one_line(numbers::per_mille(text)).inspect(|n| assert!((1..=1000).contains(n)));
    assert_one_line(numbers::tolerance(text)).inspect(|x| assert!(x.is_finite() && *x >= 0.0));
    assert_one_line(numbers::layers(text)).inspect(|layers| assert!(layers.start < layers.end));
    assert_one_line(numbers::digest(text));
}

/// A challenge, and the nonce of an audit.
pub fn challenge(data: &[u8]) {
    let Some(text) = text(data) else {
        return;
    };
    if let Ok(challenge) = text.parse::<Challenge>() {
        assert_eq!(challenge.to_string(), text);
        let _ = challenge.mixed_into(7);
    }
    if let Some(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
    }
}

/// The receipt of the seeds.
fn seed() -> Checked {
    static JSON: LazyLock<String> = LazyLock::new(|| to_json(&RECEIPT));
    Checked::read(JSON.as_bytes()).expect("it was written")
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

fn assert_safe_to_show(text: &str) {
    let shown = text.replace('\n', "");
    assert!(!shown.contains(char::is_control), "{text:?}");
}

fn assert_one_line<T>(read: Result<T, String>) -> Option<T> {
    if let Err(message) = &read {
        assert!(!message.contains(char::is_control), "{message:?}");
    }
    read.ok()
}
