//! `verify-receipt`: believes nothing that can be derived.

mod examination;
mod shared;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use host::{
    attest::{KeyError, MAX_BUNDLE_BYTES, PublicKey, bundle_path, challenged_path},
    digest::Digest,
    receipt::MAX_RECEIPT_BYTES,
    verify::{Checked, Explanation, MAX_POLICY_BYTES, Policy, Report, Retimed, Verdict},
    watch::Watch,
};
use serde::Serialize;

use examination::Examination;
pub use shared::Shared;

use crate::{
    args::VerifyReceiptArgs,
    commands::badge::badge,
    exit::{Exit, Failure},
    hints::{Kind, is_json, is_receipt},
    input::{read_bounded, read_text},
    output::{file, show},
    progress::RunProgress,
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. A verdict is no failure.
pub fn run(args: &VerifyReceiptArgs, watch: &Watch) -> Result<Exit, Failure> {
    let badge_file = args.export_badge.as_deref().map(file).transpose()?;
    let examined = examine(args, watch)?;
    let verdict = &examined.verdict;
    if let Some(file) = badge_file {
        let text = format!("{:#}\n", badge(verdict));
        file.replace(|out| out.write_all(text.as_bytes()))
            .map_err(|e| Failure::io(file.path(), &e))?;
    }
    let exit = Exit::of(verdict.conclusion);
    let explanation = args.explain.then(|| examined.explanation());
    let mut text = examined.verdict.to_text(&place(&args.receipt_path()));
    text.extend(examined.retimed.as_ref().map(Retimed::to_text));
    text.extend(explanation.iter().map(explained_text));
    let report = examined.into_report().with_explanation(explanation);
    show(args.print.output, &report, || text)?;
    Ok(exit)
}

/// The explanation below a verdict, as wide as a terminal, or as a page of text.
fn explained_text(explanation: &Explanation) -> String {
    const PAGE: usize = 80;
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    let width = terminal.map_or(PAGE, |(width, _)| width.0.into());
    format!("\n{}", explanation.to_text(width))
}

/// The time; 1970 on a machine whose clock is set to an earlier one.
pub fn now() -> SystemTime {
    SystemTime::now().max(SystemTime::UNIX_EPOCH)
}

/// How a verdict names the receipt.
fn place(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "standard input".into(),
        false => path.display().to_string(),
    }
}

/// What was found of a receipt.
pub struct Examined {
    /// The verdict.
    pub verdict: Verdict,
    retimed: Option<Retimed>,
    policy_sha256: Option<Digest>,
}

impl Examined {
    /// The verdict as `verify-receipt --format json` prints it.
    pub fn into_json(self) -> impl Serialize {
        self.into_report()
    }

    fn into_report(self) -> Report {
        Report::new(self.verdict, self.policy_sha256, self.retimed, now())
    }

    /// The verdict in plain sentences.
    pub fn explanation(&self) -> Explanation {
        Explanation::of(&self.verdict, self.policy_sha256)
    }
}

/// Verifies a receipt.
///
/// # Errors
/// The failure, with its exit code. A verdict is no failure.
pub fn examine(args: &VerifyReceiptArgs, watch: &Watch) -> Result<Examined, Failure> {
    examine_in(&Shared::default(), args, watch)
}

/// As [`examine`], for many receipts under one watch, with what they share.
///
/// # Errors
/// As for [`examine`].
pub fn examine_in(
    shared: &Shared,
    args: &VerifyReceiptArgs,
    watch: &Watch,
) -> Result<Examined, Failure> {
    let policy = policy(args.policy.as_deref())?;
    let bytes = read_text(&args.receipt_path(), Kind::Receipt, MAX_RECEIPT_BYTES)?;
    examine_under(policy, shared, args, &bytes, watch)
}

/// As [`examine_in`], where the receipt's bytes have been read already.
///
/// # Errors
/// As for [`examine`].
pub fn examine_bytes(
    shared: &Shared,
    args: &VerifyReceiptArgs,
    bytes: &[u8],
    watch: &Watch,
) -> Result<Examined, Failure> {
    let policy = policy(args.policy.as_deref())?;
    examine_under(policy, shared, args, bytes, watch)
}

fn examine_under(
    (policy, policy_sha256): (Policy, Option<Digest>),
    shared: &Shared,
    args: &VerifyReceiptArgs,
    bytes: &[u8],
    watch: &Watch,
) -> Result<Examined, Failure> {
    let _display = RunProgress::of(args.print, watch);
    let path = args.receipt_path();
    let mut checked = Checked::read(bytes).map_err(|e| Failure::from(e).at(&path))?;
    checked.with_challenge(args.challenge.as_ref());
    checked.with_clock(SystemTime::now());
    checked.with_tolerance(policy.tolerance(args.tolerance));
    if let (Some(bundle), Some(key)) = (&args.bundle, &args.public_key) {
        let (bundle, key) = signed(bundle, "bundle", bundle_path, key)?;
        checked.with_bundle(&bundle, &key);
    }
    if let (Some(statement), Some(key)) = (&args.challenged, &args.challenger_key) {
        let what = "challenger's statement";
        let (statement, key) = signed(statement, what, challenged_path, key)?;
        checked.with_challenger(&statement, &key);
    }
    let retimed = match checked.receipt.clone() {
        Some(receipt) => Examination {
            args,
            receipt: &receipt,
            shared,
            watch,
        }
        .run(&mut checked)?,
        None => None,
    };
    checked.with_policy(&policy);
    Ok(Examined {
        verdict: checked.verdict(),
        retimed,
        policy_sha256,
    })
}

/// The content of a file that somebody signed, and the public key to check it with.
fn signed(
    file: &Path,
    what: &str,
    beside: fn(&Path) -> PathBuf,
    key: &Path,
) -> Result<(Vec<u8>, PublicKey), Failure> {
    if is_receipt(file) {
        let own = beside(file);
        let hint = format!("name the {what}, {}", own.display());
        return Err(this_is_a_receipt(file).with_hint(hint));
    }
    let public_key = PublicKey::read(key).map_err(|e| match e {
        // Nothing that begins like a key is read again: it could be the private one.
        KeyError::TooLarge
        | KeyError::Kind {
            found: "no key", ..
        } if is_receipt(key) => {
            let hint = "name the signer's public key, such as my.key.pub";
            this_is_a_receipt(key).with_hint(hint)
        }
        e => Failure::key(key, &e),
    })?;
    let bytes = read_bounded(file, Kind::Other, MAX_BUNDLE_BYTES)?;
    Ok((bytes, public_key))
}

/// A receipt stands where a file that goes with it has to be named.
fn this_is_a_receipt(path: &Path) -> Failure {
    Failure::new(Exit::BadInput, "this is a receipt").at(path)
}

/// The policy in the file at `path`, and the digest of that file; without one, the default policy.
///
/// # Errors
/// The file cannot be read, or is no policy.
pub fn policy(path: Option<&Path>) -> Result<(Policy, Option<Digest>), Failure> {
    let Some(path) = path else {
        return Ok((Policy::default(), None));
    };
    let bytes = read_text(path, Kind::Policy, MAX_POLICY_BYTES)?;
    if is_json(&bytes) {
        let what = "this is JSON, and a policy is TOML";
        let failure = Failure::new(Exit::BadInput, what).at(path);
        return Err(failure.with_hint("name the policy"));
    }
    let policy = Policy::read(&bytes)
        .map_err(|e| Failure::new(Exit::BadInput, format_args!("{}: {e}", path.display())))?;
    Ok((policy, Some(Digest::of(&bytes))))
}
