//! `verify-receipt`: believes nothing that can be derived.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use host::{
    cancel::Cancel,
    environment::Environment,
    model_file::HashedModel,
    prompt::Prompt,
    receipt::{MAX_RECEIPT_BYTES, Receipt, parse_kernel_name, parse_kv_type_name},
    run::{Loaded, RunFailure, RunSettings},
    sandbox::Sandbox,
    verify::{Checked, Conclusion, Verdict, find_model},
};
use serde::Serialize;

use crate::{
    args::{Format, VerifyReceiptArgs},
    commands::table,
    exit::{Exit, Failure},
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
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    retimed: Option<Retimed>,
}

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. A verdict is no failure.
pub fn run(args: &VerifyReceiptArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let bytes = read_bounded(&args.path)?;
    let mut checked = Checked::read(&bytes).map_err(|e| {
        let failure = Failure::from(e);
        Failure::new(
            failure.exit,
            format_args!("{}: {}", args.path.display(), failure.error),
        )
    })?;
    checked.with_challenge(args.challenge.as_ref());
    let retimed = match checked.receipt.clone() {
        Some(receipt) => check_model(args, &receipt, &mut checked, cancel)?,
        None => None,
    };
    let verdict = checked.verdict();
    let exit = match verdict.conclusion {
        Conclusion::Accepted => Exit::Done,
        Conclusion::Rejected => Exit::Rejected,
        Conclusion::Unverifiable => Exit::Unverifiable,
    };
    match args.format {
        Format::Json => print_json(&Report { verdict, retimed })?,
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

fn read_bounded(path: &Path) -> Result<Vec<u8>, Failure> {
    let io = |e: std::io::Error| Failure::io(path, &e);
    // Before opening: that alone would wait for ever on a pipe.
    if !fs::metadata(path).map_err(io)?.is_file() {
        return Err(Failure::new(
            Exit::Io,
            format_args!("{}: is not a regular file", path.display()),
        ));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    // One byte more than allowed is enough to see that there are too many.
    file.take(MAX_RECEIPT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    Ok(bytes)
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
        checked.with_replay(&sandbox, (&found.model).into(), &mut progress)?;
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
