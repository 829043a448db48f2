//! The forgery drill: a genuine receipt, forged in every published way, before the verifier.

mod bundle;
pub mod forge;
mod vector;

use std::{cell::OnceCell, fs, path::Path};

use clap::Parser;
use host::{
    attest::{NewKey, SigningKey, bundle_path, public_key_path},
    cancel::Cancel,
    sandbox::Sandbox,
    verify::Outcome,
};

use crate::{
    args::{Args, Command, VerifyReceiptArgs},
    commands::{benchmark, verify_receipt},
    exit::{Exit, Failure},
};
use bundle::Keys;
pub use vector::{Expected, Vector, read_vectors};

/// Where vectors are forged and verified.
pub struct Drill<'a> {
    model: &'a Path,
    folder: tempfile::TempDir,
    keys: Keys,
    genuine: Genuine,
    sandbox: OnceCell<Sandbox>,
    cancel: &'a Cancel,
}

/// What forgers start from.
#[derive(Default)]
struct Genuine {
    receipt: Vec<u8>,
    bundle: Vec<u8>,
}

/// Where the signer's key is, and the public one beside it.
const KEY: &str = "signer.key";

impl<'a> Drill<'a> {
    /// Makes a genuine receipt of `model`, which the verifier has to accept: otherwise it would
    /// kill any forgery.
    ///
    /// # Errors
    /// It could not be made, or is not accepted.
    pub fn new(model: &'a Path, cancel: &'a Cancel) -> Result<Self, Failure> {
        let folder =
            tempfile::tempdir().map_err(|e| Failure::io(Path::new("a temporary folder"), &e))?;
        let key = folder.path().join(KEY);
        let made = |e: std::io::Error| Failure::io(&key, &e);
        NewKey::write(&key).map_err(|e| Failure::io(&e.path, &e.source))?;
        let keys = Keys {
            signer: SigningKey::read(&key).map_err(|e| Failure::key(&key, &e))?,
            attacker: SigningKey::generate().map_err(made)?,
        };
        let mut drill = Self {
            model,
            keys,
            folder,
            genuine: Genuine::default(),
            sandbox: OnceCell::new(),
            cancel,
        };
        drill.genuine = drill.benchmark(&key)?;
        let beside = Beside {
            bundle: Some(&drill.genuine.bundle),
            policy: None,
        };
        match drill.verify(&drill.genuine.receipt, "", &beside)? {
            Found::Verdict {
                exit: Exit::Done, ..
            } => Ok(drill),
            other => Err(Failure::new(
                Exit::Rejected,
                format_args!("the genuine receipt is not accepted: {other}"),
            )),
        }
    }

    /// A receipt and its bundle.
    fn benchmark(&self, key: &Path) -> Result<Genuine, Failure> {
        let receipt = self.folder.path().join("genuine.json");
        let words = "benchmark --deterministic --seed 42 --quiet --prompt-tokens 4 --tokens 4 \
                     --warmup 1 --repetitions 2";
        let Command::Benchmark(mut args) = self.parse(words, "--output", &receipt)? else {
            unreachable!("the words say benchmark")
        };
        args.sign = Some(key.to_owned());
        benchmark::run(&args, self.cancel)?;
        let read = |path: &Path| fs::read(path).map_err(|e| Failure::io(path, &e));
        Ok(Genuine {
            bundle: read(&bundle_path(&receipt))?,
            receipt: read(&receipt)?,
        })
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
        let forged = vector.forge(&self.genuine.receipt).map_err(named)?;
        let bundle = vector.bundle.as_ref();
        let bundle = bundle.map(|bundle| bundle.forge(&self.genuine.bundle, &self.keys));
        let bundle = bundle.transpose().map_err(named)?;
        let same_bundle = bundle.as_ref().is_none_or(|b| *b == self.genuine.bundle);
        if forged == self.genuine.receipt && same_bundle && vector.policy.is_none() {
            return Err(named("it changes nothing".into()));
        }
        let beside = Beside {
            bundle: bundle.as_deref(),
            policy: vector.policy.as_deref(),
        };
        let found = self.verify(&forged, &vector.flags, &beside)?;
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

    fn verify(&self, bytes: &[u8], flags: &str, beside: &Beside) -> Result<Found, Failure> {
        let write = |name: &str, bytes: &[u8]| {
            let path = self.folder.path().join(name);
            fs::write(&path, bytes).map_err(|e| Failure::io(&path, &e))?;
            Ok::<_, Failure>(path)
        };
        let path = write("receipt.json", bytes)?;
        let words = format!("verify-receipt {flags}");
        let Command::VerifyReceipt(mut args) = self.parse(&words, "--path", &path)? else {
            unreachable!("the words say verify-receipt")
        };
        if let Some(policy) = beside.policy {
            args.policy = Some(write("policy.toml", policy.as_bytes())?);
        }
        if let Some(bundle) = beside.bundle {
            args.bundle = Some(write("receipt.json.dsse.json", bundle)?);
            args.public_key = Some(public_key_path(&self.folder.path().join(KEY)));
        }
        self.examine(&args)
    }

    fn examine(&self, args: &VerifyReceiptArgs) -> Result<Found, Failure> {
        let verdict = match verify_receipt::examine_in(&self.sandbox, args, self.cancel) {
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

/// What is handed to the verifier beside a receipt.
struct Beside<'b> {
    bundle: Option<&'b [u8]>,
    policy: Option<&'b str>,
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
