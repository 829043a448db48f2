//! `replay`: tokens of another engine, and what the reference says of them.

use std::sync::{Arc, LazyLock};

use engine_native::{
    Engine, Isa, Kernels, KvType, LogitsAt, Model, NonFinite, Recorder, Scalar, SessionOptions,
};
use host::{digest::Digest, task::seeded_prompt};
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

/// An engine that takes the second best token wherever the tolerance lets it.
struct Sly;

impl Kernels for Sly {
    fn isa(&self) -> Isa {
        Isa::Scalar
    }

    fn argmax(&self, logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
        let best = Scalar.argmax(logits, recorder)?;
        let mut ranked: Vec<usize> = (0..logits.len()).collect();
        ranked.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let n = logits.len() as f32;
        let mean = logits.iter().sum::<f32>() / n;
        let spread = (logits.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n).sqrt();
        let is_row = logits.len() == 512;
        let lead = logits[best] - logits[ranked[1]];
        Ok(match is_row && lead < 0.49 * spread {
            true => ranked[1],
            false => best,
        })
    }
}

/// What an engine with these kernels chooses, and its three largest logits.
fn decoded(kernels: Arc<dyn Kernels>, n_tokens: usize) -> Value {
    let model = Arc::new(Model::open(TINY.as_ref()).unwrap());
    let prompt = seeded_prompt(42, None, 8, model.shape().n_vocab);
    let engine = Engine::new(model, kernels, 1).unwrap();
    let options = SessionOptions {
        kv_type: KvType::F16,
        logits: LogitsAt::EveryPosition,
        ..SessionOptions::new(prompt.len() + n_tokens)
    };
    let mut session = engine.session(options).unwrap();
    let steps = session.generate(&prompt, n_tokens).unwrap();
    let steps: Vec<_> = steps.map(Result::unwrap).collect();
    let tokens: Vec<u32> = steps.iter().map(|step| step.choice.token).collect();
    let top = |row: &Vec<f32>| {
        let mut ranked: Vec<_> = row.iter().copied().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.truncate(3);
        ranked
    };
    let rows = steps.iter().map(|step| step.logits.last().unwrap());
    json!({
        "version": 1,
        "prompt_ids": prompt,
        "tokens": tokens,
        "top_logits": rows.map(top).collect::<Vec<_>>(),
        "engine": "some engine",
        "tokens_per_sec": 1234.5,
    })
}

/// With logits.
static SHOWN: LazyLock<Value> = LazyLock::new(|| decoded(Arc::new(Scalar), N_TOKENS));

/// Tokens alone.
static RIGHT: LazyLock<Value> = LazyLock::new(|| tokens_of(&SHOWN));

fn tokens_of(shown: &Value) -> Value {
    let mut transcript = shown.clone();
    transcript.as_object_mut().unwrap().remove("top_logits");
    transcript
}

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
fn the_references_own_choices_are_consistent() {
    let ran = replay(&RIGHT, "").exits(0);
    let expected = "consistent: t.json (24 of 24 tokens are the reference's choice, 0 tied)";
    assert_eq!(ran.stdout.lines().next(), Some(expected));
    let speed = "speed: 1234.5 tokens/s, claimed by some engine";
    assert_eq!(ran.stdout.lines().last(), Some(speed));
    assert_eq!(ran.stderr, "");
    let found = judgement(&replay(&RIGHT, "--format json").exits(0));
    assert_eq!(found["conclusion"], "consistent");
    assert_eq!(found["exact"], N_TOKENS);
    assert_eq!(found["claimed"]["tokens_per_sec"], 1234.5);
    assert_eq!(found["claimed"]["engine"], "some engine");
    assert_eq!(found["model"]["sha256"], sha256(TINY));
    assert!(found["sensitivity"].as_f64().unwrap() > 0.0);
}

fn sha256(path: &str) -> String {
    Digest::of(&std::fs::read(path).unwrap()).to_string()
}

/// Two transcripts that claim one speed: only the wrong one is rejected, where it first goes wrong, and its speed
/// is not shown.
#[test]
fn another_activation_is_rejected_at_its_first_wrong_token() {
    let wrong = tokens_of(&decoded(Arc::new(Silu), N_TOKENS));
    assert_eq!(wrong["tokens_per_sec"], RIGHT["tokens_per_sec"]);
    let [of_wrong, of_right] = [&wrong, &*RIGHT].map(|t| t["tokens"].as_array().unwrap().iter());
    let first = of_wrong
        .zip(of_right)
        .position(|(wrong, right)| wrong != right);
    let first = first.expect("another activation says something else");
    let ran = replay(&wrong, "--tolerance 0").exits(1);
    let line = format!(
        "  FAIL first wrong token {first}: found {}, the reference chooses {}, whose logit is ",
        wrong["tokens"][first], RIGHT["tokens"][first]
    );
    assert!(ran.stdout.contains(&line), "{line}\n{}", ran.stdout);
    assert!(!ran.stdout.contains("1234.5"), "{}", ran.stdout);
    // Without a flag, the tolerance is that of the model.
    let found = judgement(&replay(&wrong, "--format json").exits(1));
    assert_eq!(found["conclusion"], "rejected");
    assert!(found["first_wrong"]["index"].as_u64().unwrap() >= first as u64);
    assert_eq!(found["tokens"].as_array().unwrap().len(), N_TOKENS);
    assert_eq!(found["claimed"]["tokens_per_sec"], Value::Null);
}

/// The margins that the judgement gives are where it turns.
#[test]
fn another_token_is_tied_within_the_tolerance_and_wrong_beyond() {
    let margins = judgement(&replay(&RIGHT, "--format json").exits(0));
    let last = &margins["tokens"][N_TOKENS - 1];
    let [lead, spread] = ["lead", "spread"].map(|key| last[key].as_f64().unwrap());
    assert!(lead > 0.0 && spread > 0.0);
    let other = edited(|t| t["tokens"][N_TOKENS - 1] = last["runner_up"].clone());
    let under =
        |tolerance: f64| replay(&other, &format!("--tolerance {tolerance:?} --format json"));
    let tied = judgement(&under(lead / spread).exits(0));
    assert_eq!(
        (&tied["tied"], &tied["exact"]),
        (&json!(1), &json!(N_TOKENS - 1))
    );
    assert_eq!(tied["first_tied"]["index"], N_TOKENS - 1);
    assert_eq!(tied["first_tied"]["deficit"], lead);
    let wrong = judgement(&under((lead / spread).next_down()).exits(1));
    assert_eq!(wrong["first_wrong"]["index"], N_TOKENS - 1);
    assert_eq!(
        wrong["limits"]["rejected"]["spreads"],
        (lead / spread).next_down()
    );
}

/// Its own choices are within any tolerance, but it cannot set one.
#[test]
fn the_tolerance_is_the_verifiers() {
    for tolerance in ["0", "1e-9", "0.5", "1e9"] {
        replay(&RIGHT, &format!("--tolerance {tolerance}")).exits(0);
    }
    for declared in [json!(0.0), json!(1e9), json!("0.1")] {
        let transcript = edited(|t| t["logit_tolerance"] = declared);
        let line = "logit_tolerance: the tolerance is the verifier's, not the file's";
        replay(&transcript, "").fails(4, &["t.json", line, "--tolerance"]);
    }
    replay(&RIGHT, "--logit-tolerance 1").refuses_words(&["--logit-tolerance"]);
    replay(&RIGHT, "--tolerance=-1").refuses_words(&["allowed numbers from 0 up"]);
}

/// It is never wrong by more than half a spread, but too often for noise.
#[test]
fn too_many_ties_are_rejected() {
    let sly = tokens_of(&decoded(Arc::new(Sly), 64));
    let found = judgement(&replay(&sly, "--tolerance 0.5 --format json").exits(1));
    assert_eq!(found["wrong"], 0, "nothing is beyond the tolerance");
    let why = found["why"].as_str().unwrap();
    assert!(why.starts_with("too many ties: "), "{why}");
    let [found, allowed] = ["found", "allowed"].map(|key| found["ties"][key].as_u64().unwrap());
    assert!(found > allowed && allowed > 0, "{found} {allowed}");
    let right = tokens_of(&decoded(Arc::new(Scalar), 64));
    replay(&right, "--tolerance 0.5").exits(0);
}

#[test]
fn logits_are_compared_by_value() {
    let shown = judgement(&replay(&SHOWN, "--tolerance 0.0001 --format json").exits(0));
    assert_eq!(shown["by_value"], N_TOKENS);
    assert_eq!(shown["values"]["largest"], 0.0);
    assert_eq!(shown["values"]["count"], 2 * N_TOKENS);
    // Log-probabilities differ from logits by a constant.
    let with = |edit: &dyn Fn(usize, usize, f64) -> f64| {
        let mut transcript = SHOWN.clone();
        for index in 0..N_TOKENS {
            for rank in 0..3 {
                let logit = &mut transcript["top_logits"][index][rank][1];
                *logit = json!(edit(index, rank, logit.as_f64().unwrap()));
            }
        }
        transcript
    };
    replay(&with(&|_, _, logit| logit - 20.0), "--tolerance 0.001").exits(0);
    // Its choices are right, but not what it says of them.
    let scaled = with(&|_, _, logit| logit * 3.0);
    let ran = replay(&scaled, "--tolerance 0.1").exits(1);
    let line = "FAIL first wrong logits at token ";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    let one = with(&|index, rank, logit| logit - f64::from(u8::from((index, rank) == (5, 2))));
    let found = judgement(&replay(&one, "--tolerance 0.1 --format json").exits(1));
    assert_eq!(found["first_wrong"]["index"], 5);
    assert_eq!(found["first_wrong"]["answer"], "wrong");
    assert_eq!(found["exact"], N_TOKENS - 1);
}

/// Tokens are judged only if the engine read the weights that are replayed.
#[test]
fn another_model_file_needs_the_same_weights() {
    let workspace = Workspace::new();
    workspace.write("tokens.json", RIGHT.to_string());
    for (name, flags) in [
        ("floats.gguf", "tiny --weights f32"),
        ("other.gguf", "tiny --weights f32 --seed 5"),
    ] {
        workspace
            .run(&format!("make-model {flags} --output {name}"))
            .exits(0);
    }
    let digest = |name: &str| Digest::of(&workspace.read(name)).to_string();
    let of = |name: &str| edited(|t| t["model_sha256"] = json!(digest(name)));
    let run = |transcript: &Value, flags: &str| {
        workspace.write("t.json", transcript.to_string());
        workspace.run(&format!("replay t.json models/tiny.gguf {flags}"))
    };
    run(&of("models/tiny.gguf"), "").exits(0);
    let floats = of("floats.gguf");
    run(&floats, "").fails(3, &["models/tiny.gguf", "--engine-model"]);
    run(&floats, "--engine-model floats.gguf").exits(0);
    run(&floats, "--engine-model other.gguf")
        .fails(3, &["other.gguf", "the engine read the model"]);
    let other = "the engine read other weights than are replayed: tensor ";
    run(&of("other.gguf"), "--engine-model other.gguf").fails(3, &["other.gguf", other]);
    run(&RIGHT, "--engine-model absent.gguf").fails(5, &["absent.gguf"]);
    // The comparison alone.
    let same = |files: &str| workspace.run(&format!("model same models/tiny.gguf {files}"));
    let ran = same("floats.gguf").exits(0);
    assert!(
        ran.stdout
            .starts_with("same: models/tiny.gguf and floats.gguf\n")
    );
    let ran = same("other.gguf").exits(1);
    assert!(ran.stdout.contains("\ntensor "), "{}", ran.stdout);
    same("models/tiny.gguf --other-i2s-layout row4").exits(1);
    same("t.json").fails(4, &["t.json"]);
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
            edited(|t| t["top_logits"] = json!([[[1, 0.5]]])),
            &["top_logits: found logits for 1 tokens, needed for all 24"],
        ),
        (
            edited(|t| t["model_sha256"] = json!("ABC")),
            &["t.json", "64"],
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
    let named = edited(|t| t["engine"] = json!("x\nconsistent: t.json\u{1b}[2K"));
    let ran = replay(&named, "").exits(0);
    let n_answers = ran
        .stdout
        .lines()
        .filter(|l| l.starts_with("consistent"))
        .count();
    assert_eq!(n_answers, 1, "{}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}'));
}
