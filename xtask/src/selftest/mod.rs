//! The forgery drill: forges a genuine receipt in many ways, and checks that the verifier catches
//! each forgery.

mod bundle;
mod challenged;
mod edit;
pub mod forge;
mod vector;

use std::{
    fs,
    path::{Path, PathBuf},
};

use host::{
    attest::{NewKey, SigningKey, bundle_path, public_key_path},
    task::Challenge,
    verify::{Outcome, Verdict},
};

use crate::exit::{Exit, Failure};
use bundle::Keys;
use challenged::Challenged;
pub use vector::{Expected, Vector, read_vectors};

/// The words of the command that writes the genuine receipt.
pub const GENUINE: &str = "benchmark --deterministic --seed 42 --quiet --prompt-tokens 4 --tokens 4 --warmup 1 \
                           --repetitions 2";

/// The words of the command that writes the genuine answer; the nonce is the last one.
pub const ANSWER: &str = "benchmark --deterministic --seed 42 --quiet --prompt-tokens 16 --tokens 4 --repetitions 1 \
                          --parity off --challenge";

/// The commands under test.
pub trait Commands {
    /// Writes a small receipt to `receipt`, and its bundle next to it, signed by `key`.
    ///
    /// # Errors
    /// The receipt cannot be made.
    fn benchmark(&self, receipt: &Path, key: &Path) -> Result<(), Failure>;

    /// Writes a small receipt of one timed run that answers `nonce` to `receipt`.
    ///
    /// # Errors
    /// The receipt cannot be made.
    fn answer(&self, receipt: &Path, nonce: &Challenge) -> Result<(), Failure>;

    /// The verdict on a receipt; `None` if the bytes are not a receipt.
    ///
    /// # Errors
    /// The verifier fails.
    fn verify(&self, evidence: &Evidence) -> Result<Option<Verdict>, Failure>;
}

/// Everything that the verifier gets.
pub struct Evidence<'e> {
    /// The receipt.
    pub receipt: PathBuf,
    /// Further flags for the command line, separated by spaces.
    pub flags: &'e str,
    /// The policy.
    pub policy: Option<PathBuf>,
    /// The bundle, and the signer's public key.
    pub bundle: Option<(PathBuf, PathBuf)>,
    /// A challenger's statement, and the challenger's public key.
    pub challenged: Option<(PathBuf, PathBuf)>,
}

/// A drill: makes forgeries and has them verified.
pub struct Drill<'a> {
    commands: &'a dyn Commands,
    folder: tempfile::TempDir,
    keys: Keys,
    genuine: Genuine,
}

/// The genuine files that forgeries start from.
#[derive(Default)]
struct Genuine {
    receipt: Vec<u8>,
    bundle: Vec<u8>,
    /// The same run as another engine's.
    external: Vec<u8>,
    /// Another receipt, which answers a nonce, and the statement about it.
    challenged: Challenged,
}

/// The file name of the signer's private key. The public key is next to it.
const KEY: &str = "signer.key";

impl<'a> Drill<'a> {
    /// Makes a genuine receipt, and checks that the verifier accepts it. A verifier that rejects
    /// everything would catch every forgery.
    ///
    /// # Errors
    /// The receipt cannot be made, or is not accepted.
    pub fn new(commands: &'a dyn Commands) -> Result<Self, Failure> {
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
            commands,
            keys,
            folder,
            genuine: Genuine::default(),
        };
        drill.genuine = drill.benchmark(&key)?;
        let Genuine {
            receipt,
            bundle,
            external,
            challenged,
        } = &drill.genuine;
        let alone = Beside::default();
        let with_bundle = Beside {
            bundle: Some(bundle),
            ..alone
        };
        let with_statement = Beside {
            challenged: Some(&challenged.statement),
            ..alone
        };
        drill.accepts(receipt, &with_bundle)?;
        drill.accepts(external, &alone)?;
        drill.accepts(&challenged.receipt, &with_statement)?;
        Ok(drill)
    }

    fn accepts(&self, receipt: &[u8], beside: &Beside) -> Result<(), Failure> {
        match self.verify(receipt, "", beside)? {
            Found::Verdict {
                exit: Exit::Done, ..
            } => Ok(()),
            other => Err(Failure::new(
                Exit::Rejected,
                format_args!("the genuine receipt is not accepted: {other}"),
            )),
        }
    }

    /// Makes a genuine receipt and its bundle.
    fn benchmark(&self, key: &Path) -> Result<Genuine, Failure> {
        let receipt = self.folder.path().join("genuine.json");
        self.commands.benchmark(&receipt, key)?;
        let read = |path: &Path| fs::read(path).map_err(|e| Failure::io(path, &e));
        let answer = self.folder.path().join("answer.json");
        self.commands.answer(&answer, &challenged::nonce())?;
        let challenged = Challenged::of(read(&answer)?, &self.keys.signer)
            .map_err(|why| Failure::new(Exit::Rejected, why).at(&answer))?;
        let bundle = read(&bundle_path(&receipt))?;
        let receipt = read(&receipt)?;
        Ok(Genuine {
            external: external(&receipt)?,
            challenged,
            bundle,
            receipt,
        })
    }

    /// Forges and verifies a vector. Returns `None` if it is caught as expected, or the verifier's
    /// answer if not.
    ///
    /// # Errors
    /// The vector cannot be forged, or the verifier fails.
    pub fn survives(&self, vector: &Vector) -> Result<Option<String>, Failure> {
        let named = |e: String| {
            let line = format!("vector {}: {e}", vector.name);
            Failure::new(Exit::BadInput, line)
        };
        let challenged = &self.genuine.challenged;
        let genuine = match (&vector.challenged, vector.external) {
            (Some(_), _) => &challenged.receipt,
            (None, true) => &self.genuine.external,
            (None, false) => &self.genuine.receipt,
        };
        let forged = vector.forge(genuine).map_err(named)?;
        let statement = vector.challenged.as_ref();
        let statement = statement.map(|edits| edits.forge(&challenged.statement, &self.keys));
        let statement = statement.transpose().map_err(named)?;
        let bundle = vector.bundle.as_ref();
        let bundle = bundle.map(|bundle| bundle.forge(&self.genuine.bundle, &self.keys));
        let bundle = bundle.transpose().map_err(named)?;
        let same_bundle = bundle.as_ref().is_none_or(|b| *b == self.genuine.bundle);
        let same_statement = statement
            .as_ref()
            .is_none_or(|s| *s == challenged.statement);
        let is_same = forged == *genuine && same_bundle && same_statement;
        if is_same && vector.policy.is_none() {
            return Err(named("it changes nothing".into()));
        }
        let beside = Beside {
            bundle: bundle.as_deref(),
            challenged: statement.as_deref(),
            policy: vector.policy.as_deref(),
        };
        let found = self.verify(&forged, &vector.flags, &beside)?;
        let is_caught = match (&found, vector.outcome) {
            (Found::NotAReceipt, Expected::NotAReceipt) => true,
            (Found::Verdict { exit, rules }, expected) => {
                Some(*exit) == expected.exit() && *rules == vector.rules()
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
        let signed = |name: &str, bytes| {
            let public_key = public_key_path(&self.folder.path().join(KEY));
            write(name, bytes).map(|file| (file, public_key))
        };
        let bundle = beside.bundle;
        let bundle = bundle.map(|bytes| signed("receipt.json.dsse.json", bytes));
        let challenged = beside.challenged;
        let challenged = challenged.map(|bytes| signed("receipt.json.challenged.dsse.json", bytes));
        let policy = beside.policy;
        let policy = policy.map(|text| write("policy.toml", text.as_bytes()));
        let evidence = Evidence {
            receipt: write("receipt.json", bytes)?,
            flags,
            policy: policy.transpose()?,
            bundle: bundle.transpose()?,
            challenged: challenged.transpose()?,
        };
        let Some(verdict) = self.commands.verify(&evidence)? else {
            return Ok(Found::NotAReceipt);
        };
        let stopped = [Outcome::Fail, Outcome::Unverifiable];
        let rules = verdict
            .rules
            .iter()
            .filter(|r| stopped.contains(&r.outcome));
        let mut rules: Vec<_> = rules.map(|r| r.rule).collect();
        rules.sort_unstable();
        Ok(Found::Verdict {
            exit: Exit::of(verdict.conclusion),
            rules,
        })
    }
}

/// A genuine receipt as that of another engine.
fn external(receipt: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut external = serde_json::from_slice(receipt)
        .map_err(|e| Failure::new(Exit::BadInput, e).about("the genuine receipt"))?;
    forge::as_external(&mut external);
    Ok(external.to_string().into_bytes())
}

/// The other files that the verifier gets with a receipt.
#[derive(Clone, Copy, Default)]
struct Beside<'b> {
    bundle: Option<&'b [u8]>,
    challenged: Option<&'b [u8]>,
    policy: Option<&'b str>,
}

/// The verifier's answer.
enum Found {
    NotAReceipt,
    Verdict {
        exit: Exit,
        /// The rules that are broken or cannot be checked, in alphabetical order.
        rules: Vec<&'static str>,
    },
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::NotAReceipt => f.write_str("not a receipt"),
            Self::Verdict {
                exit: Exit::Done, ..
            } => f.write_str("accepted"),
            Self::Verdict { rules, .. } => write!(f, "stopped by {}", rules.join(", ")),
        }
    }
}
