//! `benchmark --sign`: the bundle beside the receipt. A bundle is there only beside its receipt.

use std::path::{Path, PathBuf};

use host::{
    attest::{BUNDLE_SUFFIX, Envelope, SigningKey, Statement, bundle_path},
    digest::Digest,
    files::{AtomicFile, Beside, PlaceError, Staged, replace_with, retire},
    machine::running_binary,
    receipt::Receipt,
};

use crate::{
    args::{BenchmarkArgs, ParityMode},
    commands::ours::is_our_bundle,
    exit::{Exit, Failure},
    output::{file, spares_model},
    program,
};

/// Where a bundle goes, and what signs it.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    signer: Option<Signer>,
}

/// Everything that signing takes, found out before the run.
#[derive(Debug)]
struct Signer {
    key: SigningKey,
    binary: Digest,
    output: AtomicFile,
}

impl Bundle {
    /// Reads the key and checks the place of the bundle of the receipt at `receipt`.
    ///
    /// # Errors
    /// There would be nothing proved to sign, the key cannot be used, or a file that is read would
    /// be replaced.
    pub fn prepare(
        args: &BenchmarkArgs,
        model: &Path,
        receipt: &AtomicFile,
    ) -> Result<Self, Failure> {
        let path = bundle_path(receipt.path());
        receipt
            .check_beside(BUNDLE_SUFFIX)
            .map_err(|e| Failure::io(receipt.path(), &e))?;
        let Some(key_path) = &args.sign else {
            return Ok(Self { path, signer: None });
        };
        if args.parity == ParityMode::Off {
            let what = "found --parity off, allowed full: nothing unproved is signed";
            return Err(Failure::new(Exit::Usage, what).about("--sign"));
        }
        let key = signing_key(key_path)?;
        let output = spares_model(file(&path)?, model)?;
        output
            .spares("key", key_path)
            .map_err(|e| Failure::io(&path, &e))?;
        if output.target().exists() && !is_our_bundle(output.target()) {
            return Err(
                Failure::new(Exit::Io, "exists, and is no bundle of a receipt")
                    .at(&path)
                    .with_hint("move it away, or name another place with --output"),
            );
        }
        receipt
            .spares("key", key_path)
            .map_err(|e| Failure::io(receipt.path(), &e))?;
        let binary =
            running_binary().map_err(|e| Failure::of_io(&e).about("the running executable"))?;
        let signer = Some(Signer {
            key,
            binary,
            output,
        });
        Ok(Self { path, signer })
    }

    /// Puts the receipt in its place, `staged` with the bytes `file`, and its bundle beside it. Without
    /// a key, an old bundle becomes `*.stale`: it is of another receipt. Returns what to show.
    ///
    /// # Errors
    /// Writing or renaming failed. Receipt and bundle are as they were.
    pub fn finish(self, receipt: &Receipt, file: &[u8], staged: Staged) -> Result<String, Failure> {
        let failed = |e: PlaceError| Failure::io(&e.path, &e.source);
        let Some(signer) = &self.signer else {
            let beside = match is_our_bundle(&self.path) {
                true => Beside::Old(self.path),
                false => Beside::Nothing,
            };
            let old = replace_with(staged, beside).map_err(failed)?;
            let shown =
                old.map(|stale| format!("bundle:   the old one is now {}\n", stale.display()));
            return Ok(shown.unwrap_or_default());
        };
        let statement = Statement::about(receipt, file, signer.binary)
            .map_err(|e| Failure::new(Exit::Usage, e))?;
        let envelope = Envelope::sign(statement.to_payload(), &signer.key);
        let bundle = signer
            .output
            .stage(|out| out.write_all(envelope.to_json().as_bytes()))
            .map_err(|e| Failure::io(&self.path, &e))?;
        replace_with(staged, Beside::New(bundle)).map_err(failed)?;
        let (path, keyid) = (self.path.display(), signer.key.public_key().id());
        Ok(format!("bundle:   {path}, signed by {keyid}\n"))
    }

    /// Renames an old bundle, and says so in the failure that is the reason.
    pub fn retire_with(&self, failure: Failure) -> Failure {
        if !is_our_bundle(&self.path) {
            return failure;
        }
        let said = match retire(&self.path) {
            Ok(None) => return failure,
            Ok(Some(stale)) => format!("the old bundle is now {}", stale.display()),
            Err(e) => format!("the old bundle could not be renamed: {e}"),
        };
        failure.and(format_args!("; {said}"))
    }
}

/// The private key in the file at `path`.
///
/// # Errors
/// It cannot be read, or is no private key; and what to do about it.
pub fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    if path.extension().is_some_and(|kind| kind == "pub") {
        let private = path.with_extension("");
        return Err(Failure::new(Exit::BadInput, "is a public key")
            .at(path)
            .with_hint(format_args!("name the private one, {}", private.display())));
    }
    SigningKey::read(path).map_err(|e| match path.exists() {
        true => Failure::key(path, &e),
        false => {
            let call = program::current().call();
            let hint = format!("`{call} keygen {}` makes it", path.display());
            Failure::key(path, &e).with_hint(hint)
        }
    })
}
