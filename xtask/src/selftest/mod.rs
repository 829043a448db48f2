//! The forgery drill: a genuine receipt, forged in every published way, before the verifier.

pub mod forge;
mod vector;

use std::{fs, path::Path};

use clap::Parser;
use host::{cancel::Cancel, verify::Outcome};

use crate::{
    args::{Args, Command, VerifyReceiptArgs},
    commands::{benchmark, verify_receipt},
    exit::{Exit, Failure},
};
pub use vector::{Expected, Vector, read_vectors};

/// Where vectors are forged and verified.
pub struct Drill<'a> {
    model: &'a Path,
    folder: tempfile::TempDir,
    genuine: Vec<u8>,
    cancel: &'a Cancel,
}

impl<'a> Drill<'a> {
    /// Makes a genuine receipt of `model`, which the verifier has to accept: otherwise it would
    /// kill any forgery.
    ///
    /// # Errors
    /// It could not be made, or is not accepted.
    pub fn new(model: &'a Path, cancel: &'a Cancel) -> Result<Self, Failure> {
        let folder =
            tempfile::tempdir().map_err(|e| Failure::io(Path::new("a temporary folder"), &e))?;
        let mut drill = Self {
            model,
            folder,
            genuine: Vec::new(),
            cancel,
        };
        let receipt = drill.folder.path().join("genuine.json");
        let words = "benchmark --deterministic --seed 42 --quiet --prompt-tokens 4 --tokens 4 \
                     --warmup 0 --repetitions 2";
        let Command::Benchmark(args) = drill.parse(words, "--output", &receipt)? else {
            unreachable!("the words say benchmark")
        };
        benchmark::run(&args, cancel)?;
        drill.genuine = fs::read(&receipt).map_err(|e| Failure::io(&receipt, &e))?;
        let accepted = drill.verify(&drill.genuine, "--check-parity", None)?;
        match accepted {
            Found::Verdict {
                exit: Exit::Done, ..
            } => Ok(drill),
            other => Err(Failure::new(
                Exit::Rejected,
                format_args!("the genuine receipt is not accepted: {other}"),
            )),
        }
    }

    /// What the verifier says of a vector. `None` if it is what has to be said.
    ///
    /// # Errors
    /// The vector cannot be forged, or the verifier could not answer.
    pub fn survives(&self, vector: &Vector) -> Result<Option<String>, Failure> {
        let named = |e: String| {
            let line = format!("vector {}: {e}", vector.name);
            Failure::new(Exit::BadInput, line)
        };
        let forged = vector.forge(&self.genuine).map_err(named)?;
        if forged == self.genuine && vector.policy.is_none() {
            return Err(named("it changes nothing".into()));
        }
        let found = self.verify(&forged, &vector.flags, vector.policy.as_deref())?;
        let is_caught = match (&found, vector.outcome) {
            (Found::NotAReceipt, Expected::NotAReceipt) => true,
            (
                Found::Verdict {
                    exit, caught_by, ..
                },
                Expected::Rejected,
            ) => *exit == Exit::Rejected && vector.is_among(caught_by),
            (Found::Verdict { exit, missed, .. }, Expected::Unverifiable) => {
                *exit == Exit::Unverifiable && vector.is_among(missed)
            }
            _ => false,
        };
        Ok((!is_caught).then(|| found.to_string()))
    }

    fn verify(&self, bytes: &[u8], flags: &str, policy: Option<&str>) -> Result<Found, Failure> {
        let path = self.folder.path().join("receipt.json");
        fs::write(&path, bytes).map_err(|e| Failure::io(&path, &e))?;
        let words = format!("verify-receipt {flags}");
        let Command::VerifyReceipt(mut args) = self.parse(&words, "--path", &path)? else {
            unreachable!("the words say verify-receipt")
        };
        if let Some(policy) = policy {
            let path = self.folder.path().join("policy.toml");
            fs::write(&path, policy).map_err(|e| Failure::io(&path, &e))?;
            args.policy = Some(path);
        }
        self.examine(&args)
    }

    fn examine(&self, args: &VerifyReceiptArgs) -> Result<Found, Failure> {
        let verdict = match verify_receipt::examine(args, self.cancel) {
            Ok(examined) => examined.verdict,
            Err(failure) if failure.exit == Exit::BadInput => return Ok(Found::NotAReceipt),
            Err(failure) => return Err(failure),
        };
        let with = |outcome| {
            let rules = verdict.rules.iter().filter(|r| r.outcome == outcome);
            rules.map(|r| r.rule).collect()
        };
        Ok(Found::Verdict {
            exit: Exit::of(verdict.conclusion),
            caught_by: with(Outcome::Fail),
            missed: with(Outcome::Unverifiable),
        })
    }

    /// The arguments in `words`, with the model and a path.
    fn parse(&self, words: &str, flag: &str, path: &Path) -> Result<Command, Failure> {
        let words = std::iter::once("xtask").chain(words.split_whitespace());
        let words = words.map(Into::into).chain([
            "--model".into(),
            self.model.into(),
            flag.into(),
            path.into(),
        ]);
        let words: Vec<std::ffi::OsString> = words.collect();
        let args = Args::try_parse_from(words).map_err(|e| {
            let text = e.to_string();
            let line = text.lines().next().unwrap_or_default();
            Failure::new(Exit::BadInput, format_args!("flags of a vector: {line}"))
        })?;
        Ok(args.command)
    }
}

/// What the verifier said.
enum Found {
    NotAReceipt,
    Verdict {
        exit: Exit,
        caught_by: Vec<&'static str>,
        missed: Vec<&'static str>,
    },
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::NotAReceipt => f.write_str("not a receipt"),
            Self::Verdict {
                exit: Exit::Done, ..
            } => f.write_str("accepted"),
            Self::Verdict {
                caught_by, missed, ..
            } => write!(f, "broken: {caught_by:?}, not checkable: {missed:?}"),
        }
    }
}
