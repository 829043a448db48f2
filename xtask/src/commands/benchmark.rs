//! `benchmark`: the whole path from a model file to a receipt.

use std::{path::Path, time::Duration};

use engine_native::Engine;
use host::{
    cancel::Cancel,
    failure::RunFailure,
    files::AtomicFile,
    input::Prompt,
    machine::{Environment, Flags, default_threads},
    receipt::{Receipt, to_json},
    run::{Loaded, Profile, Progress, Proved, RunSettings, Runner, bytes_per_decoded_token},
    sandbox::Sandbox,
    task::Task,
};
use serde_json::json;

use crate::{
    args::{BenchmarkArgs, Format, Kernel, ParityMode},
    commands::{profile_table, sign::Bundle, table},
    exit::{Exit, Failure},
    output::{print, print_json},
    progress::RunProgress,
};

/// An engine to run instead of the native one.
pub type MakeRunner<'a> = &'a dyn Fn(&Loaded) -> Box<dyn Runner>;

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No receipt is written then.
pub fn run(args: &BenchmarkArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    run_with(args, cancel, None)
}

/// As [`run`], with another engine: tests show that a wrong one gets no receipt.
///
/// # Errors
/// As for [`run`].
pub fn run_with(
    args: &BenchmarkArgs,
    cancel: &Cancel,
    runner: Option<MakeRunner>,
) -> Result<Exit, Failure> {
    let settings = settings(args)?;
    let output = AtomicFile::beside_input(&args.output, &args.model)
        .map_err(|e| Failure::io(&args.output, &e))?;
    let bundle = Bundle::prepare(args, &output)?;
    let (receipt, figures) = match make_receipt(args, settings, cancel, runner) {
        Ok(made) => made,
        Err(failure) if failure.is_wrong_result() => {
            return Err(bundle.retire_with(retire(&output, failure)));
        }
        Err(failure) => return Err(failure.into()),
    };
    let file = to_json(&receipt);
    output
        .replace(|out| out.write_all(file.as_bytes()))
        .map_err(|e| Failure::io(&args.output, &e))?;
    let signed = bundle.finish(&receipt, file.as_bytes())?;
    show(args, &receipt, &figures, output.path(), &signed)?;
    Ok(Exit::Done)
}

/// What is printed beside the receipt and stands in none: nobody could check it.
#[derive(Debug, Default)]
pub struct Figures {
    /// Mean bytes that a decoded token reads.
    pub bytes_per_token: Option<f64>,
    /// Bytes of weights that were arranged for decoding, beside the file's own.
    pub arranged_bytes: u64,
    /// Bytes a second that as many threads read; `None` when the weights may lie in a cache.
    pub read_bandwidth: Option<f64>,
    /// `--profile`
    pub profile: Option<Profile>,
}

fn show(
    args: &BenchmarkArgs,
    receipt: &Receipt,
    figures: &Figures,
    path: &Path,
    signed: &str,
) -> Result<(), Failure> {
    match (args.format, &figures.profile) {
        (Format::Json, None) => print(&to_json(receipt)),
        (Format::Json, Some(profile)) => print_json(&json!({
            "receipt": receipt,
            "profile": profile,
        })),
        (Format::Human, _) if args.quiet => Ok(()),
        (Format::Human, profile) => {
            let mut text = table::benchmark(receipt, figures, path) + signed;
            text += &profile
                .as_ref()
                .map_or_else(String::new, profile_table::profile);
            print(&text)
        }
    }
}

fn settings(args: &BenchmarkArgs) -> Result<RunSettings, Failure> {
    let flags = Flags {
        deterministic: args.deterministic,
        seed: args.seed,
        threads: args.threads,
    };
    let environment = Environment::resolve(flags, variable, default_threads())?;
    Ok(RunSettings {
        model: args.model.clone(),
        i2s_layout: args.i2s_layout.into(),
        prompt: match (&args.prompt, &args.prompt_ids) {
            (Some(text), _) => Prompt::Text(text.clone()),
            (None, Some(ids)) => Prompt::Ids(ids.clone()),
            (None, None) => Prompt::Seeded {
                seed: environment.seed,
                count: args.prompt_tokens,
                challenge: args.challenge.clone(),
            },
        },
        n_generate: args.tokens,
        kernel: args.engine.kernel.into(),
        packing: args.engine.packing.into(),
        screening: args.engine.screen.into(),
        kv_type: args.kv_type.into(),
        warmup: args.warmup,
        repetitions: args.repetitions,
        environment,
    })
}

/// A variable's value; one that is not Unicode reads as something that no parser accepts.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn make_receipt(
    args: &BenchmarkArgs,
    settings: RunSettings,
    cancel: &Cancel,
    runner: Option<MakeRunner>,
) -> Result<(Receipt, Figures), RunFailure> {
    let display = RunProgress::new(args.quiet);
    let progress: Progress = &mut |phase| display.show(phase);
    let loaded = Loaded::open(settings, cancel, progress)?;
    loaded.check_receipt_size()?;
    warn_scalar(args, &loaded);
    let (engine, task) = (loaded.engine().clone(), loaded.task().clone());
    let measured = match runner {
        None => loaded.measure(progress)?,
        Some(make) => {
            let runner = make(&loaded);
            loaded.measure_with(runner, progress)?
        }
    };
    let mut figures = figures(args, &engine, &task, cancel)?;
    let proved: Proved = match args.parity {
        ParityMode::Full => measured.prove(&Sandbox::new(cancel)?, progress)?,
        ParityMode::Off => measured.without_proof(),
    };
    let receipt = proved.receipt();
    figures.bytes_per_token = bytes_per_decoded_token(&engine, &task, &receipt.kernel_ledger);
    Ok((receipt, figures))
}

/// Bandwidth is measured for so long, right after the timed runs.
const BANDWIDTH_BUDGET: Duration = Duration::from_millis(150);

fn figures(
    args: &BenchmarkArgs,
    engine: &Engine,
    task: &Task,
    cancel: &Cancel,
) -> Result<Figures, RunFailure> {
    let is_shown = args.format == Format::Human && !args.quiet;
    let mut figures = Figures {
        arranged_bytes: engine.packed_bytes(),
        ..Figures::default()
    };
    if is_shown {
        figures.read_bandwidth = engine.read_bandwidth(BANDWIDTH_BUDGET)?;
    }
    if args.profile && (is_shown || args.format == Format::Json) {
        figures.profile = Some(Profile::measure(engine, task, cancel)?);
    }
    Ok(figures)
}

/// A machine without AVX2 gets its number, and is told why it is small.
fn warn_scalar(args: &BenchmarkArgs, loaded: &Loaded) {
    let scalar = loaded.engine().isa() == engine_native::Isa::Scalar;
    if scalar && args.engine.kernel == Kernel::Auto {
        eprintln!("warning: this CPU has no AVX2; running the scalar kernels");
    }
}

/// A wrong run leaves no receipt at the output's path, not even an old one.
fn retire(output: &AtomicFile, failure: RunFailure) -> Failure {
    let retired = match output.retire() {
        Ok(None) => "no receipt written".to_owned(),
        Ok(Some(stale)) => format!("no receipt written; the old one is now {}", stale.display()),
        Err(e) => format!("no receipt written; the old one could not be renamed: {e}"),
    };
    let mut failure = Failure::from(failure);
    failure.error = anyhow::anyhow!("{} ({retired})", failure.error);
    failure
}
