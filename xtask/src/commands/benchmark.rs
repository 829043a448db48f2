//! `benchmark`: the whole path from a model file to a receipt.

use host::{
    atomic_file::AtomicFile,
    cancel::Cancel,
    environment::{Environment, Flags},
    fingerprint::default_threads,
    prompt::Prompt,
    receipt::{Receipt, to_json},
    run::{Loaded, Progress, Proved, RunFailure, RunSettings},
    sandbox::Sandbox,
    task::Runner,
};

use crate::{
    args::{BenchmarkArgs, Format, Kernel, ParityMode},
    commands::table,
    exit::{Exit, Failure},
    output::print,
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
    let receipt = match make_receipt(args, settings, cancel, runner) {
        Ok(receipt) => receipt,
        Err(failure) if failure.is_wrong_result() => return Err(retire(&output, failure)),
        Err(failure) => return Err(failure.into()),
    };
    output
        .replace(|file| file.write_all(to_json(&receipt).as_bytes()))
        .map_err(|e| Failure::io(&args.output, &e))?;
    match (args.format, args.quiet) {
        (Format::Json, _) => print(&to_json(&receipt))?,
        (Format::Human, false) => print(&table::benchmark(&receipt, output.path()))?,
        (Format::Human, true) => {}
    }
    Ok(Exit::Done)
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
            },
        },
        n_generate: args.tokens,
        kernel: args.kernel.into(),
        packing: args.packing.into(),
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
) -> Result<Receipt, RunFailure> {
    let display = RunProgress::new(args.quiet);
    let progress: Progress = &mut |phase| display.show(phase);
    let loaded = Loaded::open(settings, cancel, progress)?;
    warn_scalar(args, &loaded);
    let measured = match runner {
        None => loaded.measure(progress)?,
        Some(make) => {
            let runner = make(&loaded);
            loaded.measure_with(runner, progress)?
        }
    };
    let proved: Proved = match args.parity {
        ParityMode::Full => measured.prove(&Sandbox::new(cancel)?, progress)?,
        ParityMode::Off => measured.without_proof(),
    };
    Ok(proved.receipt())
}

/// A machine without AVX2 gets its number, and is told why it is small.
fn warn_scalar(args: &BenchmarkArgs, loaded: &Loaded) {
    let scalar = loaded.engine().isa() == engine_native::Isa::Scalar;
    if scalar && args.kernel == Kernel::Auto {
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
