//! `verify-receipt`: believes nothing that can be derived.

use host::{
    attest::{MAX_BUNDLE_BYTES, PublicKey},
    cancel::Cancel,
    digest::Digest,
    environment::Environment,
    fingerprint::default_threads,
    model_file::HashedModel,
    prompt::Prompt,
    receipt::{MAX_RECEIPT_BYTES, Receipt, parse_kernel_name, parse_kv_type_name},
    run::{Loaded, RunFailure, RunSettings},
    sandbox::Sandbox,
    verify::{
        Checked, MAX_POLICY_BYTES, Policy, Selection, SimpleVerificationResult, Verdict, find_model,
    },
};
use serde::Serialize;

use crate::{
    args::{Format, VerifyReceiptArgs},
    commands::table,
    exit::{Exit, Failure},
    input::read_bounded,
    output::{print, print_json},
    progress::RunProgress,
};

/// Speeds beside each other; neither proves the other.
#[derive(Debug, Serialize)]
struct Retimed {
    receipt_tokens_per_sec: f64,
    here_tokens_per_sec: f64,
    here_host: String,
    same_tokens: bool,
}

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
pub fn run(args: &VerifyReceiptArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let Examined {
        verdict,
        retimed,
        policy_sha256,
    } = examine(args, cancel)?;
    let exit = Exit::of(verdict.conclusion);
    match args.format {
        Format::Json => print_json(&Report {
            result: SimpleVerificationResult::of(&verdict, policy_sha256),
            verdict,
            retimed,
        })?,
        Format::Human => {
            print(&table::verdict(&verdict, &args.path))?;
            if let Some(r) = retimed {
                print(&format!(
                    "retimed: {} tokens/s in the receipt, {} here on {}\n",
                    r.receipt_tokens_per_sec, r.here_tokens_per_sec, r.here_host,
                ))?;
            }
        }
    }
    Ok(exit)
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
pub fn examine(args: &VerifyReceiptArgs, cancel: &Cancel) -> Result<Examined, Failure> {
    let (policy, policy_sha256) = policy(args)?;
    let bytes = read_bounded(&args.path, MAX_RECEIPT_BYTES)?;
    let mut checked = Checked::read(&bytes).map_err(|e| {
        let failure = Failure::from(e);
        Failure::new(
            failure.exit,
            format_args!("{}: {}", args.path.display(), failure.error),
        )
    })?;
    checked.with_challenge(args.challenge.as_ref());
    if let (Some(bundle), Some(key)) = (&args.bundle, &args.public_key) {
        let public_key = PublicKey::read(key).map_err(|e| Failure::key(key, &e))?;
        checked.with_bundle(&read_bounded(bundle, MAX_BUNDLE_BYTES)?, &public_key);
    }
    let retimed = match checked.receipt.clone() {
        Some(receipt) => check_model(args, &receipt, &mut checked, cancel)?,
        None => None,
    };
    checked.with_policy(&policy);
    Ok(Examined {
        verdict: checked.verdict(),
        retimed,
        policy_sha256,
    })
}

/// The policy, and the digest of its file if it has one.
fn policy(args: &VerifyReceiptArgs) -> Result<(Policy, Option<Digest>), Failure> {
    let Some(path) = &args.policy else {
        return Ok((Policy::default(), None));
    };
    let bytes = read_bounded(path, MAX_POLICY_BYTES)?;
    let policy = Policy::read(&bytes)
        .map_err(|e| Failure::new(Exit::BadInput, format_args!("{}: {e}", path.display())))?;
    Ok((policy, Some(Digest::of(&bytes))))
}

fn check_model(
    args: &VerifyReceiptArgs,
    receipt: &Receipt,
    checked: &mut Checked,
    cancel: &Cancel,
) -> Result<Option<Retimed>, Failure> {
    let found = find_model(receipt, &args.path, args.model.as_deref(), cancel)?;
    let Some(found) = found else {
        if args.check_parity || args.retime {
            checked.without_replay(format!(
                "model {} not found in models/ or beside the receipt; name it with --model",
                receipt.model.file_name
            ));
        }
        return Ok(None);
    };
    checked.with_model(&found);
    if found.sha256 != receipt.model.sha256 {
        if args.check_parity {
            checked.without_replay("the model of the receipt is not here".into());
        }
        if args.retime {
            checked.without_retime("not run: the model of the receipt is not here");
        }
        return Ok(None);
    }
    if args.check_parity {
        let display = RunProgress::new(false);
        let mut progress = |done, of| display.replay(done, of);
        let sandbox = Sandbox::new(cancel)?;
        let guests = args.jobs.unwrap_or_else(default_threads);
        let model = &found.model;
        match selection(args)? {
            None => checked.with_replay(&sandbox, model, guests, &mut progress)?,
            Some(selection) => {
                checked.with_audit(&sandbox, model, &selection, guests, &mut progress)?;
            }
        }
    }
    if !args.retime {
        return Ok(None);
    }
    if checked.is_rejected() {
        checked.without_retime("not run: the receipt is rejected");
        return Ok(None);
    }
    let retimed = retime(receipt, &found, cancel)?;
    checked.with_retime(retimed.same_tokens);
    Ok(Some(retimed))
}

/// What is replayed, if not everything. The receipt has been read by now.
fn selection(args: &VerifyReceiptArgs) -> Result<Option<Selection>, Failure> {
    if let Some(layers) = &args.layers {
        return Ok(Some(Selection::Layers(layers.clone())));
    }
    let Some(per_mille) = args.sample else {
        return Ok(None);
    };
    let nonce = match args.nonce {
        Some(nonce) => nonce,
        None => fresh_nonce()?,
    };
    Ok(Some(Selection::Share { per_mille, nonce }))
}

fn fresh_nonce() -> Result<Digest, Failure> {
    let mut nonce = Digest([0; 32]);
    getrandom::fill(&mut nonce.0).map_err(|e| {
        let line = format!("the system gives no random numbers: {e}");
        Failure::new(Exit::Io, line)
    })?;
    Ok(nonce)
}

/// Runs the receipt's task on the native engine of this machine.
fn retime(receipt: &Receipt, found: &HashedModel, cancel: &Cancel) -> Result<Retimed, RunFailure> {
    let run = &receipt.run;
    let settings = RunSettings {
        model: found.path.clone(),
        i2s_layout: found.model.i2s_layout().unwrap_or_default(),
        prompt: Prompt::Ids(run.prompt_ids.clone()),
        n_generate: run.tokens as usize,
        // What ran there, where this CPU has it.
        kernel: parse_kernel_name(&run.kernel)
            .filter(|kernel| kernel.resolve().is_ok())
            .unwrap_or_default(),
        packing: engine_native::Packing::default(),
        screening: engine_native::Screening::default(),
        // Only a receipt whose settings were understood is retimed.
        kv_type: parse_kv_type_name(&run.kv_type).unwrap_or_default(),
        warmup: 1,
        repetitions: Some(run.repetitions as usize),
        environment: Environment {
            deterministic: receipt.environment.BITNET_DETERMINISTIC == "1",
            seed: receipt.environment.BITNET_SEED.parse().unwrap_or_default(),
            threads: run.threads as usize,
        },
    };
    let display = RunProgress::new(false);
    let progress = &mut |phase| display.show(phase);
    let loaded = Loaded::open(settings, cancel, progress)?;
    let here = loaded.measure(progress)?.without_proof().receipt();
    Ok(Retimed {
        receipt_tokens_per_sec: receipt.tokens_per_sec,
        here_tokens_per_sec: here.tokens_per_sec,
        same_tokens: here.tokens == receipt.tokens,
        here_host: here.host.cpu_model,
    })
}
