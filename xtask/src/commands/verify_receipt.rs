//! `verify-receipt`: believes nothing that can be derived.

use std::{cell::OnceCell, num::NonZeroUsize, path::Path, time::SystemTime};

use host::{
    attest::{KeyError, MAX_BUNDLE_BYTES, PublicKey, bundle_path},
    digest::Digest,
    examine::{Retimed, Selection, audit_receipt, find_model, open_model, replay_receipt, retime},
    input::HashedModel,
    machine::{MemoryNeed, default_threads},
    receipt::{MAX_RECEIPT_BYTES, Receipt},
    sandbox::Sandbox,
    verify::{Checked, MAX_POLICY_BYTES, Policy, SimpleVerificationResult, Verdict},
    watch::{Phase, Watch},
};
use serde::Serialize;

use crate::{
    args::VerifyReceiptArgs,
    commands::allowance::{self, Deadline},
    exit::{Exit, Failure},
    hints::{Kind, is_json, is_receipt},
    input::{MOST_UNASKED_BYTES, read_bounded, read_text},
    models,
    output::show,
    progress::RunProgress,
};

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    result: SimpleVerificationResult,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    retimed: Option<Retimed>,
}

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. A verdict is no failure.
pub fn run(args: &VerifyReceiptArgs, watch: &Watch) -> Result<Exit, Failure> {
    let Examined {
        verdict,
        retimed,
        policy_sha256,
    } = examine(args, watch)?;
    let exit = Exit::of(verdict.conclusion);
    let text = verdict.to_text(&place(&args.receipt_path()))
        + &retimed.as_ref().map_or(String::new(), retimed_text);
    let report = Report {
        result: SimpleVerificationResult::new(&verdict, policy_sha256, now()),
        verdict,
        retimed,
    };
    show(args.print.output, &report, || text)?;
    Ok(exit)
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

fn retimed_text(r: &Retimed) -> String {
    let mut text = format!(
        "retimed: {} tokens/s in the receipt, {} here on {}",
        r.receipt_tokens_per_sec, r.here_tokens_per_sec, r.here_host,
    );
    if r.here_threads != r.receipt_threads {
        text += &format!(
            " with {} threads of the receipt's {}: this machine has no more",
            r.here_threads, r.receipt_threads
        );
    }
    text + "\n"
}

/// What was found of a receipt.
pub struct Examined {
    /// The verdict.
    pub verdict: Verdict,
    retimed: Option<Retimed>,
    policy_sha256: Option<Digest>,
}

/// Verifies a receipt.
///
/// # Errors
/// The failure, with its exit code. A verdict is no failure.
pub fn examine(args: &VerifyReceiptArgs, watch: &Watch) -> Result<Examined, Failure> {
    examine_in(&OnceCell::new(), args, watch)
}

/// As [`examine`], for many receipts under one watch: the sandbox is compiled for the first that
/// needs it.
///
/// # Errors
/// As for [`examine`].
pub fn examine_in(
    sandbox: &OnceCell<Sandbox>,
    args: &VerifyReceiptArgs,
    watch: &Watch,
) -> Result<Examined, Failure> {
    let bytes = read_text(&args.receipt_path(), Kind::Receipt, MAX_RECEIPT_BYTES)?;
    examine_bytes(sandbox, args, &bytes, watch)
}

/// As [`examine_in`], where the receipt's bytes have been read already.
///
/// # Errors
/// As for [`examine`].
pub fn examine_bytes(
    sandbox: &OnceCell<Sandbox>,
    args: &VerifyReceiptArgs,
    bytes: &[u8],
    watch: &Watch,
) -> Result<Examined, Failure> {
    let _display = RunProgress::of(args.print, watch);
    let path = args.receipt_path();
    let (policy, policy_sha256) = policy(args)?;
    let mut checked = Checked::read(bytes).map_err(|e| Failure::from(e).at(&path))?;
    checked.with_challenge(args.challenge.as_ref());
    checked.with_clock(SystemTime::now());
    if let (Some(bundle), Some(key)) = (&args.bundle, &args.public_key) {
        if is_receipt(bundle) {
            let own = bundle_path(bundle);
            let hint = format!("name the bundle, {}", own.display());
            return Err(this_is_a_receipt(bundle).with_hint(hint));
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
        let bundle = read_bounded(bundle, Kind::Other, MAX_BUNDLE_BYTES)?;
        checked.with_bundle(&bundle, &public_key);
    }
    let retimed = match checked.receipt.clone() {
        Some(receipt) => Examination {
            args,
            receipt: &receipt,
            sandbox,
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

/// A receipt stands where a file that goes with it has to be named.
fn this_is_a_receipt(path: &Path) -> Failure {
    Failure::new(Exit::BadInput, "this is a receipt").at(path)
}

/// The policy, and the digest of its file if it has one.
fn policy(args: &VerifyReceiptArgs) -> Result<(Policy, Option<Digest>), Failure> {
    let Some(path) = &args.policy else {
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

/// Why there is no replay if none is wanted.
const LEFT_OUT: &str = "left out because of --no-replay; verify again without it";

/// What needs the model: a replay or an audit, and the run on this machine.
struct Examination<'a> {
    args: &'a VerifyReceiptArgs,
    receipt: &'a Receipt,
    sandbox: &'a OnceCell<Sandbox>,
    watch: &'a Watch,
}

impl Examination<'_> {
    /// Does what is wanted and allowed.
    fn run(&self, checked: &mut Checked) -> Result<Option<Retimed>, Failure> {
        let allowance = &self.args.allowance;
        let is_whole = self.args.sample.is_none() && self.args.layers.is_none();
        if !self.args.no_replay
            && let Err(why) = allowance::check(allowance, self.receipt, self.guests(), is_whole)
        {
            checked.without_replay(why);
            return Ok(None);
        }
        let deadline = allowance.max_seconds.map(|seconds| {
            Deadline::start(seconds, self.watch)
                .map_err(|e| Failure::of_io(&e).about("--max-seconds"))
        });
        let deadline = deadline.transpose()?;
        match self.work(checked) {
            Err(failure)
                if failure.exit == Exit::Interrupted
                    && deadline.as_ref().is_some_and(Deadline::is_over) =>
            {
                let why = "stopped: the time of --max-seconds is over; pass a larger one, or audit a \
                           part with --sample";
                checked.without_replay(why);
                Ok(None)
            }
            done => done,
        }
    }

    fn guests(&self) -> NonZeroUsize {
        self.args.jobs.unwrap_or_else(default_threads)
    }

    fn work(&self, checked: &mut Checked) -> Result<Option<Retimed>, Failure> {
        let is_needed = !self.args.no_replay || self.args.retime || self.args.model.is_some();
        let found = match is_needed {
            true => self.model(checked)?,
            false => Err(String::new()),
        };
        match &found {
            _ if self.args.no_replay => checked.without_replay(LEFT_OUT),
            Ok(found) => self.replay(checked, found)?,
            Err(why) => checked.without_replay(why),
        }
        if !self.args.retime {
            return Ok(None);
        }
        let not_run = |why: &str| format!("not run: {why}");
        match found {
            Err(_) => checked.without_retime(&not_run("the model of the receipt is not here")),
            Ok(_) if checked.is_rejected() => {
                checked.without_retime(&not_run("the receipt is rejected"));
            }
            Ok(found) => {
                let retimed = retime(self.receipt, &found, self.watch)?;
                checked.with_retime(retimed.same_tokens, retimed.speed());
                return Ok(Some(retimed));
            }
        }
        Ok(None)
    }

    /// The receipt's model, or why there is none. A model that is here and cannot be used is no reason
    /// for having no verdict: the receipt's sender may have put it there.
    fn model(&self, checked: &mut Checked) -> Result<Result<HashedModel, String>, Failure> {
        if let Some(bytes) = self
            .args
            .model
            .as_deref()
            .and_then(|path| self.other_size(path))
        {
            let of_receipt = self.receipt.model.file_bytes;
            let sizes = format!("it has {bytes} bytes, the receipt's has {of_receipt}");
            return Ok(Err(format!("{}; {sizes}", self.missing())));
        }
        let found = match &self.args.model {
            Some(path) => Some(open_model(self.receipt, path, self.watch)?),
            None => match self.find_model() {
                // A limit of this machine says nothing about the receipt.
                Err(failure) if !matches!(failure.exit, Exit::Interrupted | Exit::Usage) => {
                    return Ok(Err(failure.to_string()));
                }
                found => found?,
            },
        };
        if let Some(found) = &found {
            checked.with_model(&found.facts());
        }
        let found = found.filter(|found| found.sha256 == self.receipt.model.sha256);
        Ok(found.ok_or_else(|| self.missing()))
    }

    /// The size of a large file that is not that of the receipt's model: it is not read only to find
    /// another digest.
    fn other_size(&self, path: &Path) -> Option<u64> {
        let bytes = path.metadata().ok()?.len();
        let is_other = bytes != self.receipt.model.file_bytes;
        (is_other && bytes > MOST_UNASKED_BYTES).then_some(bytes)
    }

    /// Why there is nothing to replay.
    fn missing(&self) -> String {
        let model = &self.receipt.model;
        match self.args.model {
            Some(ref other) => format!(
                "{} is not the receipt's model; name that model with --model, or leave --model out \
                 to look for it",
                other.display()
            ),
            None => {
                let how = match models::how_to_get(model.sha256) {
                    Some(how) => format!("; to get it: {how}"),
                    None => ", and is none of the known models; ask the writer for the file, then \
                             name it with --model"
                        .into(),
                };
                let (name, sha256) = (&model.file_name, model.sha256);
                format!("model {name} (sha256 {sha256}) is not here{how}")
            }
        }
    }

    fn find_model(&self) -> Result<Option<HashedModel>, Failure> {
        let path = self.args.receipt_path();
        let folders = models::folders(path.parent().unwrap_or(Path::new("")));
        if let Some(found) = find_model(self.receipt, &folders, self.watch)? {
            return Ok(Some(found));
        }
        let Some(embedded) = models::embedded(self.receipt.model.sha256)? else {
            return Ok(None);
        };
        Ok(Some(open_model(self.receipt, &embedded, self.watch)?))
    }

    fn replay(&self, checked: &mut Checked, found: &HashedModel) -> Result<(), Failure> {
        if let Some(task) = self.receipt.task() {
            MemoryNeed::to_replay(&found.model, task.n_positions()).check()?;
        }
        let sandbox = self.sandbox()?;
        let guests = self.guests();
        let (receipt, model) = (self.receipt, &found.model);
        match self.selection()? {
            None => {
                let replay = replay_receipt(receipt, sandbox, model, guests)?;
                checked.with_replay(replay);
            }
            Some(units) => {
                let finding = audit_receipt(receipt, sandbox, model, &units, guests)?;
                checked.with_audit(finding);
            }
        }
        Ok(())
    }

    fn sandbox(&self) -> Result<&Sandbox, Failure> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(sandbox);
        }
        self.watch.begin(Phase::Other("compile the reference"), 0);
        let sandbox = Sandbox::new(self.watch)?;
        Ok(self.sandbox.get_or_init(|| sandbox))
    }

    /// What is replayed, if not everything. The receipt has been read by now.
    fn selection(&self) -> Result<Option<Selection>, Failure> {
        if let Some(layers) = &self.args.layers {
            return Ok(Some(Selection::Layers(layers.clone())));
        }
        let Some(per_mille) = self.args.sample else {
            return Ok(None);
        };
        Ok(Some(Selection::Share {
            per_mille,
            is_fresh: self.args.nonce.is_none(),
            nonce: match self.args.nonce {
                Some(nonce) => nonce,
                None => fresh_nonce()?,
            },
        }))
    }
}

fn fresh_nonce() -> Result<Digest, Failure> {
    let mut nonce = Digest([0; 32]);
    getrandom::fill(&mut nonce.0).map_err(|e| {
        let line = format!("the system gives no random numbers: {e}");
        Failure::new(Exit::Io, line)
    })?;
    Ok(nonce)
}
