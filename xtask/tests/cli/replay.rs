//! `replay`: tokens of another engine, and what the reference says of them.

use std::sync::{Arc, LazyLock};

use engine_native::{Engine, Isa, Kernels, KvType, Model, Recorder, Scalar, SessionOptions};
use host::task::seeded_prompt;
use serde_json::{Value, json};

use crate::process::{Ran, TINY, Workspace};

const N_TOKENS: usize = 24;

/// The mistake of a published engine: SiLU where the model has squared ReLU.
struct Silu;

impl Kernels for Silu {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn squared_relu_mul(&self, gate: &[f32], up: &[f32], out: &mut [f32], r: &mut Recorder) {
        Scalar.silu_mul(gate, up, out, r);
    }
}

/// What an engine with these kernels chooses.
fn decoded(kernels: Arc<dyn Kernels>) -> Value {
    let model = Arc::new(Model::open(TINY.as_ref()).unwrap());
    let prompt = seeded_prompt(42, None, 8, model.shape().n_vocab);
    let engine = Engine::new(model, kernels, 1).unwrap();
    let options = SessionOptions {
        kv_type: KvType::F16,
        ..SessionOptions::new(prompt.len() + N_TOKENS)
    };
    let mut session = engine.session(options).unwrap();
    let steps = session.generate(&prompt, N_TOKENS).unwrap();
    let tokens: Vec<u32> = steps.map(|step| step.unwrap().choice.token).collect();
    json!({
        "version": 1,
        "prompt_ids": prompt,
        "tokens": tokens,
        "engine": "some engine",
        "tokens_per_sec": 1234.5,
    })
}

static RIGHT: LazyLock<Value> = LazyLock::new(|| decoded(Arc::new(Scalar)));

/// Runs the command on a transcript.
fn replay(transcript: &Value, flags: &str) -> Ran {
    let workspace = Workspace::new();
    workspace.write("t.json", transcript.to_string());
    workspace.run(&format!(
        "replay --transcript t.json --model models/tiny.gguf {flags}"
    ))
}

fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let mut transcript = RIGHT.clone();
    edit(&mut transcript);
    transcript
}

fn judgement(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn the_references_own_choices_are_accepted() {
    let ran = replay(&RIGHT, "").exits(0);
    let expected = "accepted: t.json (24 of 24 tokens are the reference's choice)";
    assert_eq!(ran.stdout.lines().next(), Some(expected));
    let speed = "speed: 1234.5 tokens/s, claimed by some engine";
    assert_eq!(ran.stdout.lines().last(), Some(speed));
    assert_eq!(ran.stderr, "");
}

/// Two transcripts that claim one speed: only the wrong one is rejected, where it first goes wrong.
#[test]
fn another_activation_is_rejected_at_its_first_wrong_token() {
    let wrong = decoded(Arc::new(Silu));
    assert_eq!(wrong["tokens_per_sec"], RIGHT["tokens_per_sec"]);
    let [of_wrong, of_right] = [&wrong, &*RIGHT].map(|t| t["tokens"].as_array().unwrap().iter());
    let first = of_wrong
        .zip(of_right)
        .position(|(wrong, right)| wrong != right);
    let first = first.expect("another activation says something else");
    let ran = replay(&wrong, "").exits(1);
    let line = format!(
        "  FAIL first wrong token {first}: found {}, the reference chooses {} (logit ",
        wrong["tokens"][first], RIGHT["tokens"][first]
    );
    assert!(ran.stdout.contains(&line), "{line}\n{}", ran.stdout);
    let found = judgement(&replay(&wrong, "--format json").exits(1));
    assert_eq!(found["first_wrong"]["index"], first);
    assert_eq!(found["tokens"].as_array().unwrap().len(), N_TOKENS);
}

/// The margins that the judgement gives are where it turns.
#[test]
fn a_near_tie_is_unverifiable_and_never_accepted() {
    let margins = judgement(&replay(&RIGHT, "--format json").exits(0));
    let leads = margins["tokens"].as_array().unwrap().iter();
    let least = leads
        .map(|t| t["lead"].as_f64().unwrap())
        .min_by(f64::total_cmp);
    let least = least.unwrap();
    assert!(least > 0.0);
    let under = |tolerance: f64| replay(&RIGHT, &format!("--logit-tolerance {tolerance:?}"));
    under(least.next_down()).exits(0);
    let ran = under(least).exits(3);
    assert!(ran.stdout.contains("???? 1 near ties: "), "{}", ran.stdout);
    let wrong = edited(|t| t["tokens"][N_TOKENS - 1] = json!(t["tokens"][0].as_u64().unwrap() ^ 1));
    replay(&wrong, "").exits(1);
    for tolerance in ["1e9", "1e300"] {
        replay(&wrong, &format!("--logit-tolerance {tolerance}")).exits(3);
    }
    // The transcript's own declaration counts where the verifier makes none.
    let declared = edited(|t| t["logit_tolerance"] = json!(1e9));
    replay(&declared, "").exits(3);
    replay(&declared, "--logit-tolerance 0").exits(0);
}

#[test]
fn any_number_of_jobs_gives_the_same_answer() {
    let with = |jobs: u32| {
        replay(&RIGHT, &format!("--format json --jobs {jobs}"))
            .exits(0)
            .stdout
    };
    assert_eq!(with(1), with(2));
    assert_eq!(with(1), with(5));
}

#[test]
fn what_is_no_transcript_is_bad_input() {
    for (transcript, parts) in [
        (json!([]), &["t.json"][..]),
        (
            edited(|t| t["version"] = json!(2)),
            &["version: found 2, allowed 1"],
        ),
        (edited(|t| t["tokens"] = json!([])), &["tokens: found []"]),
        (
            edited(|t| t["prompt_ids"] = json!([])),
            &["prompt_ids: found []"],
        ),
        (
            edited(|t| t["tokens"][3] = json!(512)),
            &["found id 512, the vocabulary"],
        ),
        (
            edited(|t| t["prompt_ids"][0] = json!(-1)),
            &["t.json", "-1"],
        ),
        (
            edited(|t| t["kv_type"] = json!("q8_0")),
            &["kv_type", "q8_0"],
        ),
        (
            edited(|t| t["logit_tolerance"] = json!(-1.0)),
            &["logit_tolerance", "-1"],
        ),
        (
            edited(|t| t["temperature"] = json!(1.0)),
            &["unknown field `temperature`"],
        ),
        (
            edited(|t| t["tokens"] = json!(vec![1; 100_000])),
            &["t.json", "context"],
        ),
    ] {
        replay(&transcript, "").fails(4, parts);
    }
    let workspace = Workspace::new();
    let run = || workspace.run("replay --transcript t.json --model models/tiny.gguf");
    run().fails(5, &["t.json"]);
    workspace.write("t.json", b"\xff\xfe");
    run().fails(4, &["t.json"]);
    workspace.write("t.json", "[".repeat(100_000));
    run().fails(4, &["t.json"]);
    workspace.write("t.json", vec![b' '; (16 << 20) + 1]);
    run().fails(4, &["t.json", "at most 16777216"]);
}

#[test]
fn a_speed_without_an_engine_is_the_files_claim() {
    let nameless = edited(|t| {
        t["tokens_per_sec"] = json!(3.0);
        t.as_object_mut().unwrap().remove("engine");
    });
    let ran = replay(&nameless, "").exits(0);
    let line = "speed: 3 tokens/s, as the file claims\n";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}

#[test]
fn an_engines_name_stays_on_its_line() {
    let named = edited(|t| t["engine"] = json!("x\naccepted: t.json\u{1b}[2K"));
    let ran = replay(&named, "").exits(0);
    let n_accepted = ran
        .stdout
        .lines()
        .filter(|l| l.starts_with("accepted"))
        .count();
    assert_eq!(n_accepted, 1, "{}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}'));
}
