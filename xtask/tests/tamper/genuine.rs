//! One genuine receipt, and the verifier as `verify-receipt` runs it.
#![allow(dead_code, reason = "each test uses a part")]

use std::{num::NonZeroUsize, path::Path, sync::LazyLock};

use clap::Parser;
use engine_native::I2sLayout;
use host::{
    examine::replay_receipt,
    input::HashedModel,
    receipt::Receipt,
    sandbox::Sandbox,
    verify::{
        Checked, Conclusion, NotAReceipt, Outcome, Policy, ReplayFailure, ReplayResult, Replayed,
        RuleOutcome, Verdict,
    },
    watch::Watch,
};
use serde_json::{Value, json};
use xtask::{
    args::{Args, Command},
    commands::benchmark,
    exit::Exit,
    selftest::forge,
};

pub use forge::claim_samples;
pub use host::receipt::seal;

pub const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");

/// The committed model, opened and hashed.
pub static MODEL: LazyLock<HashedModel> = LazyLock::new(|| open(Path::new(TINY)));

pub fn open(model: &Path) -> HashedModel {
    HashedModel::open(model, I2sLayout::default(), &Watch::default()).expect("it is a model")
}

pub static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::new(&Watch::default()).expect("the embedded guest compiles"));

/// The bytes that `benchmark` wrote: 4 prompt ids, 3 tokens, one repetition, replayed.
pub static GENUINE_BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| benchmarked(&[]));

/// The bytes that `benchmark` writes with `flags`.
pub fn benchmarked(flags: &[&str]) -> Vec<u8> {
    benchmarked_model(TINY, flags)
}

/// The same of another model file.
pub fn benchmarked_model(model: &str, flags: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("receipt.json");
    let output_arg = output.to_str().unwrap();
    let words =
        "xtask benchmark --deterministic --quiet --tokens 3 --warmup 0 --repetitions 1 --model";
    let few = ["--prompt-tokens", "4"].into_iter();
    let few = few.filter(|_| !flags.contains(&"--prompt-tokens"));
    let words = words
        .split_whitespace()
        .chain([model, "--output", output_arg])
        .chain(few)
        .chain(flags.iter().copied());
    let Command::Benchmark(args) = Args::parse_from(words).command else {
        unreachable!("the words say benchmark")
    };
    let exit = benchmark::run(&args, &Watch::default()).expect("the model runs");
    assert_eq!(exit, Exit::Done);
    std::fs::read(output).unwrap()
}

/// The same receipt with samples of tens of microseconds. Speed is a claim, so this is as genuine to
/// a verifier; and at this scale one nanosecond shows in the rates.
pub static GENUINE: LazyLock<Value> = LazyLock::new(|| {
    let mut receipt: Value = serde_json::from_slice(&GENUINE_BYTES).unwrap();
    let samples = json!({ "load_ns": 5, "prefill_ns": [40_000], "decode_ns": [[9_000, 11_000]] });
    claim_samples(&mut receipt, samples);
    receipt
});

/// The same run, as another engine's.
pub static EXTERNAL: LazyLock<Value> = LazyLock::new(|| {
    let mut receipt = GENUINE.clone();
    forge::as_external(&mut receipt);
    receipt
});

/// The genuine receipt with an edit, and the digest that then belongs to it.
pub fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let mut receipt = GENUINE.clone();
    edit(&mut receipt);
    seal(&mut receipt);
    receipt
}

/// The genuine receipt with other samples, consistently.
pub fn claimed(samples: Value) -> Value {
    let mut receipt = GENUINE.clone();
    claim_samples(&mut receipt, samples);
    receipt
}

/// The verdict of `verify-receipt --no-replay` on these bytes.
pub fn verify(bytes: &[u8]) -> Result<Verdict, NotAReceipt> {
    let mut checked = Checked::read(bytes)?;
    checked.with_policy(&Policy::default());
    Ok(checked.verdict())
}

/// The verdict of `verify-receipt --model models/tiny.gguf` on these bytes.
pub fn verify_with_replay(bytes: &[u8]) -> Result<Verdict, NotAReceipt> {
    verify_under(bytes, &Policy::default())
}

/// As [`verify_with_replay`], under a policy.
pub fn verify_under(bytes: &[u8], policy: &Policy) -> Result<Verdict, NotAReceipt> {
    let mut checked = Checked::read(bytes)?;
    with_replay(&mut checked);
    checked.with_policy(policy);
    Ok(checked.verdict())
}

/// What `verify-receipt` finds of the receipt by the committed model.
pub fn with_replay(checked: &mut Checked) {
    with_replay_of(checked, &MODEL);
}

/// What it finds by another model.
pub fn with_replay_of(checked: &mut Checked, model: &HashedModel) {
    let Some(receipt) = checked.receipt.clone() else {
        return;
    };
    checked.with_model(&model.facts());
    match receipt.model.sha256 == model.sha256 {
        true => checked.with_replay(replay_of(&receipt, model)),
        false => checked.without_replay("the model of the receipt is not here"),
    }
}

/// The replay of a receipt on the committed model.
pub fn replay(receipt: &Receipt) -> Result<ReplayResult, ReplayFailure> {
    replay_of(receipt, &MODEL)
}

fn replay_of(receipt: &Receipt, model: &HashedModel) -> Result<ReplayResult, ReplayFailure> {
    replay_receipt(receipt, &SANDBOX, &model.model, NonZeroUsize::MIN).expect("nobody interrupts")
}

/// As [`verify_with_replay`], for a receipt in memory.
pub fn replayed(receipt: &Value) -> Verdict {
    verify_with_replay(receipt.to_string().as_bytes()).expect("a JSON value is JSON")
}

/// Ids of the rules with this outcome.
pub fn rules(verdict: &Verdict, outcome: Outcome) -> Vec<&'static str> {
    let with_outcome = verdict.rules.iter().filter(|r| r.outcome == outcome);
    with_outcome.map(|r| r.rule).collect()
}

/// What came of one rule.
#[track_caller]
pub fn rule<'v>(verdict: &'v Verdict, id: &str) -> &'v RuleOutcome {
    let mut rules = verdict.rules.iter();
    rules
        .find(|r| r.rule == id)
        .unwrap_or_else(|| panic!("no rule {id}: {verdict:?}"))
}

/// Rejected, by exactly these rules.
#[track_caller]
pub fn assert_rejected_by(verdict: &Verdict, expected: &[&str]) {
    assert_eq!(verdict.conclusion, Conclusion::Rejected, "{verdict:?}");
    assert_eq!(rules(verdict, Outcome::Fail), expected, "{verdict:?}");
}

/// Accepted.
#[track_caller]
pub fn assert_accepted(verdict: &Verdict) {
    assert_eq!(verdict.conclusion, Conclusion::Accepted, "{verdict:?}");
}

/// Accepted but for the replay that nobody has made: no rule is broken, and none other is open.
#[track_caller]
pub fn assert_only_unreplayed(verdict: &Verdict) {
    assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
    assert_eq!(verdict.replayed, Replayed::Nothing, "{verdict:?}");
    assert_eq!(verdict.tokens, "not replayed", "{verdict:?}");
    let open = rules(verdict, Outcome::Unverifiable);
    assert_eq!(open, ["parity_replay"], "{verdict:?}");
}
