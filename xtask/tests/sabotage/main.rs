//! A wrong engine gets no receipt, and the message says where it is wrong.

mod grouped;
mod kernels;
mod recordings;
mod remembering;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Parser;
use engine_native::{Engine, Kernels, Scalar};
use host::{
    attest::{CLAIM, Envelope, NewKey, PREDICATE_TYPE, STATEMENT_TYPE, SigningKey, bundle_path},
    run::{Loaded, NativeRunner, Runner},
    watch::Watch,
};
use serde_json::json;
use xtask::{
    args::{Args, Command},
    commands::benchmark::run_with,
    exit::{Exit, Failure},
    make_model::{Recipe, to_vec},
};

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
/// Enough to be known for a receipt.
const OLD_RECEIPT: &str = r#"{"schema_version": "1.0.0", "receipt_schema": "0.9.0"}"#;

/// Runs `benchmark` with another engine, over an old receipt.
struct Bench {
    folder: tempfile::TempDir,
    model: PathBuf,
    n_generate: usize,
}

impl Bench {
    fn new() -> Self {
        Self::of_tokens(9)
    }

    fn of_tokens(n_generate: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("r.json"), OLD_RECEIPT).unwrap();
        Self {
            folder,
            model: TINY.into(),
            n_generate,
        }
    }

    /// The same with a generated model.
    fn of_model(recipe: Recipe) -> Self {
        let mut bench = Self::new();
        bench.model = bench.folder.path().join("generated.gguf");
        let file = to_vec(recipe, "sabotage", 7).unwrap();
        std::fs::write(&bench.model, file).unwrap();
        bench
    }

    fn receipt(&self) -> PathBuf {
        self.folder.path().join("r.json")
    }

    fn stale(&self) -> PathBuf {
        self.folder.path().join("r.json.stale")
    }

    fn run(&self, make: &dyn Fn(&Loaded) -> Box<dyn Runner>) -> Result<Exit, Failure> {
        self.run_signed(None, make)
    }

    fn run_signed(
        &self,
        key: Option<&Path>,
        make: &dyn Fn(&Loaded) -> Box<dyn Runner>,
    ) -> Result<Exit, Failure> {
        let (output, n_generate) = (self.receipt(), self.n_generate.to_string());
        let mut words = vec![
            "xtask",
            "benchmark",
            "--deterministic",
            "--quiet",
            "--tokens",
            &n_generate,
            "--prompt-tokens",
            "6",
            "--repetitions",
            "3",
            "--model",
            self.model.to_str().unwrap(),
            "--output",
            output.to_str().unwrap(),
        ];
        if let Some(key) = key {
            words.extend(["--sign", key.to_str().unwrap()]);
        }
        let args = Args::parse_from(words);
        let Command::Benchmark(args) = args.command else {
            unreachable!()
        };
        run_with(&args, &Watch::default(), Some(make))
    }

    /// The run is refused with exit code 1, leaves no receipt, and its message has all of `parts`.
    fn assert_refused(&self, make: &dyn Fn(&Loaded) -> Box<dyn Runner>, parts: &[&str]) {
        let failure = self.run(make).expect_err("a wrong engine is refused");
        let message = failure.error.to_string();
        assert_eq!(failure.exit, Exit::Rejected, "{message}");
        for part in parts {
            assert!(message.contains(part), "no {part:?} in: {message}");
        }
        assert!(!self.receipt().exists(), "a refused run leaves no receipt");
        let stale = std::fs::read_to_string(self.stale()).unwrap();
        assert_eq!(stale, OLD_RECEIPT, "the old receipt is kept as stale");
    }
}

/// The native engine with other kernels.
fn with_kernels(loaded: &Loaded, kernels: impl Kernels + 'static) -> Box<dyn Runner> {
    let model = loaded.engine().model().clone();
    let engine = Engine::new(model, Arc::new(kernels), 1).unwrap();
    Box::new(NativeRunner::new(&engine, loaded.task()).unwrap())
}

#[test]
fn the_right_engine_is_not_refused() {
    let bench = Bench::new();
    let exit = bench.run(&|loaded| with_kernels(loaded, Scalar));
    assert_eq!(exit.unwrap(), Exit::Done);
    assert!(!bench.stale().exists());
    let receipt = std::fs::read_to_string(bench.receipt()).unwrap();
    assert!(receipt.contains("\"status\": \"passed\""));
}

/// A wrong run is not signed, and the signature of the old receipt goes with it.
#[test]
fn a_wrong_run_leaves_no_bundle() {
    for sign in [false, true] {
        let bench = Bench::new();
        let bundle = bundle_path(&bench.receipt());
        let old = old_bundle();
        std::fs::write(&bundle, &old).unwrap();
        let key = bench.folder.path().join("my.key");
        NewKey::write(&key).unwrap();
        let failure = bench
            .run_signed(sign.then_some(&*key), &|loaded| {
                with_kernels(loaded, kernels::Silu)
            })
            .expect_err("a wrong engine is refused");
        let message = failure.error.to_string();
        assert_eq!(failure.exit, Exit::Rejected, "{message}");
        assert!(message.contains("; the old bundle is now "), "{message}");
        assert!(!bench.receipt().exists() && !bundle.exists());
        let stale = bench.folder.path().join("r.json.dsse.json.stale");
        assert_eq!(std::fs::read_to_string(stale).unwrap(), old);
    }
}

/// A bundle of another receipt.
fn old_bundle() -> String {
    let digest = "0".repeat(64);
    let subject = ["receipt", "model", "binary", "guest"]
        .map(|name| json!({"name": name, "digest": {"sha256": digest}}));
    let statement = json!({
        "_type": STATEMENT_TYPE,
        "subject": subject,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "receipt_schema": "1.1.0", "transcript_checksum": digest, "claim": CLAIM,
        },
    });
    let key = SigningKey::generate().unwrap();
    Envelope::sign(statement.to_string().into_bytes(), &key).to_json()
}

/// Nobody knows what else the files are that lie there.
#[test]
fn a_wrong_run_leaves_files_of_others() {
    let bench = Bench::new();
    let bundle = bundle_path(&bench.receipt());
    for path in [&bench.receipt(), &bundle] {
        std::fs::write(path, "precious").unwrap();
    }
    let failure = bench
        .run(&|loaded| with_kernels(loaded, kernels::Silu))
        .expect_err("a wrong engine is refused");
    assert_eq!(failure.exit, Exit::Rejected);
    let message = failure.error.to_string();
    assert!(message.contains("is no receipt, and stays"), "{message}");
    for path in [&bench.receipt(), &bundle] {
        assert_eq!(std::fs::read_to_string(path).unwrap(), "precious");
    }
    assert_eq!(std::fs::read_dir(bench.folder.path()).unwrap().count(), 2);
}
