//! `benchmark`: the whole path from a model file to a receipt.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use host::{
    failure::RunFailure,
    files::AtomicFile,
    input::Prompt,
    machine::{Environment, Flags, default_threads},
    receipt::{Receipt, to_json},
    run::{Loaded, Proved, RunSettings, Runner, bytes_per_decoded_token},
    sandbox::Sandbox,
    watch::{Phase, Watch},
};
use serde_json::json;

use crate::{
    args::{BenchmarkArgs, Format, Kernel, ParityMode},
    commands::{
        figures::Figures, ours::is_our_receipt, profile_table, sign::Bundle, table, threads,
    },
    exit::{Exit, Failure, say},
    hints::is_receipt,
    models::default_model,
    output::{file, is_stdout, note, print, print_json, spares_model},
    progress::RunProgress,
};

/// An engine to run instead of the native one.
pub type MakeRunner<'a> = &'a dyn Fn(&Loaded) -> Box<dyn Runner>;

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No receipt is written then.
pub fn run(args: &BenchmarkArgs, watch: &Watch) -> Result<Exit, Failure> {
    run_with(args, watch, None)
}

/// As [`run`], with another engine: tests show that a wrong one gets no receipt.
///
/// # Errors
/// As for [`run`].
pub fn run_with(
    args: &BenchmarkArgs,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<Exit, Failure> {
    let model = match args.model.named() {
        // Before the output is: a receipt may lie where this one would go.
        Some(path) if is_receipt(path) => {
            return Err(
                Failure::new(Exit::BadInput, "this is a receipt, not a model")
                    .at(path)
                    .with_hint("name a .gguf file"),
            );
        }
        Some(path) => path.to_owned(),
        None => default_model()?,
    };
    let settings = settings(args, model.clone())?;
    match is_stdout(&args.output) {
        true => print_receipt(args, settings, watch, runner)?,
        false => write_receipt(args, settings, &model, watch, runner)?,
    }
    Ok(Exit::Done)
}

/// A receipt on standard output, and nothing beside it.
fn print_receipt(
    args: &BenchmarkArgs,
    settings: RunSettings,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(), Failure> {
    if args.sign.is_some() {
        let what = "found --output -: a bundle needs a file that it stands beside";
        return Err(Failure::new(Exit::Usage, what)
            .about("--sign")
            .with_hint("name a file for the receipt"));
    }
    let (receipt, _) = make_receipt(args, settings, watch, runner)?;
    print(&to_json(&receipt))
}

fn write_receipt(
    args: &BenchmarkArgs,
    settings: RunSettings,
    model: &Path,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(), Failure> {
    let output = spares_model(file(&args.output)?, model)?;
    let bundle = Bundle::prepare(args, model, &output)?;
    let (receipt, figures) = match make_receipt(args, settings, watch, runner) {
        Ok(made) => made,
        Err(failure) if failure.is_wrong_result() => {
            return Err(bundle.retire_with(retire(&output, failure)));
        }
        Err(failure) => return Err(failure.into()),
    };
    let json = to_json(&receipt);
    let staged = output
        .stage(|out| out.write_all(json.as_bytes()))
        .map_err(|e| Failure::io(&args.output, &e))?;
    let signed = bundle.finish(&receipt, json.as_bytes(), staged)?;
    note(show(args, &receipt, &figures, output.path(), &signed));
    Ok(())
}

fn show(
    args: &BenchmarkArgs,
    receipt: &Receipt,
    figures: &Figures,
    path: &Path,
    signed: &str,
) -> Result<(), Failure> {
    match (args.print.output.format, &figures.profile) {
        (Format::Json, None) => print(&to_json(receipt)),
        (Format::Json, Some(profile)) => print_json(&json!({
            "receipt": receipt,
            "profile": profile,
        })),
        (Format::Human, _) if args.print.output.quiet => Ok(()),
        (Format::Human, profile) => {
            let mut text = table::benchmark(receipt, figures, path) + signed;
            text += &profile
                .as_ref()
                .map_or_else(String::new, profile_table::profile);
            print(&text)
        }
    }
}

/// Verifiers refuse dates before the ternary models of today, and no receipt has one after 9999.
fn check_clock() -> Result<(), Failure> {
    const OCTOBER_2024: Duration = Duration::from_secs(1_727_740_800);
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    if since_1970.is_ok_and(|since| (OCTOBER_2024..YEAR_10000).contains(&since)) {
        return Ok(());
    }
    let what =
        "the clock of this machine shows no date from October 2024 to 9999, and a receipt has one";
    Err(Failure::new(Exit::Usage, what).with_hint("set the clock"))
}

fn settings(args: &BenchmarkArgs, model: PathBuf) -> Result<RunSettings, Failure> {
    check_clock()?;
    let prompt = &args.prompt;
    let flags = Flags {
        deterministic: args.deterministic,
        seed: prompt.seed,
        threads: args.engine.threads,
    };
    let environment = Environment::resolve(flags, variable, default_threads())?;
    let asked_by = match args.engine.threads {
        Some(_) => "--threads",
        None => "RAYON_NUM_THREADS",
    };
    threads::check(environment.threads, asked_by)?;
    let depth = prompt.depth.unwrap_or(0);
    Ok(RunSettings {
        model,
        i2s_layout: args.engine.i2s_layout.into(),
        prompt: match (&prompt.prompt, &prompt.prompt_ids) {
            (Some(text), _) => Prompt::Text(text.clone()),
            (None, Some(ids)) => Prompt::Ids(ids.clone()),
            (None, None) => Prompt::Seeded {
                seed: environment.seed,
                count: prompt.prompt_tokens + depth,
                challenge: prompt.challenge.clone(),
            },
        },
        depth,
        n_generate: prompt.tokens,
        kernel: args.engine.kernel.into(),
        packing: args.engine.packing.into(),
        screening: args.engine.screen.into(),
        kv_type: args.engine.kv_type.into(),
        warmup: args.measurement.warmup,
        repetitions: args.measurement.repetitions,
        time_budget: args.measurement.time_budget,
        pin: args.measurement.pin,
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
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(Receipt, Figures), RunFailure> {
    let _display = RunProgress::of(args.print, watch);
    let loaded = Loaded::open(settings, watch)?;
    loaded.check_receipt_size()?;
    warn_scalar(args, &loaded);
    let (engine, task) = (loaded.engine().clone(), loaded.task().clone());
    let measured = match runner {
        None => loaded.measure()?,
        Some(make) => {
            let runner = make(&loaded);
            loaded.measure_with(runner)?
        }
    };
    let mut figures = Figures::measure(args, &engine, &task, watch)?;
    let proved: Proved = match args.parity {
        ParityMode::Full => {
            watch.begin(Phase::Other("compile the reference"), 0);
            measured.prove(&Sandbox::new(watch)?)?
        }
        ParityMode::Off => measured.without_proof(),
    };
    let receipt = proved.receipt();
    figures.bytes_per_token = bytes_per_decoded_token(&engine, &task, &receipt.kernel_ledger);
    Ok((receipt, figures))
}

/// A machine without fast kernels gets its number, and is told why it is small.
fn warn_scalar(args: &BenchmarkArgs, loaded: &Loaded) {
    let scalar = loaded.engine().isa() == engine_native::Isa::Scalar;
    if scalar && args.engine.kernel == Kernel::Auto {
        let why = match cfg!(target_arch = "x86_64") {
            true => "this CPU has no AVX2".to_owned(),
            false => format!("there are no faster ones for {}", std::env::consts::ARCH),
        };
        say(format_args!("warning: running the scalar kernels: {why}"));
    }
}

/// A wrong run leaves no receipt at the output's path, not even an old one.
fn retire(output: &AtomicFile, failure: RunFailure) -> Failure {
    let old = match is_our_receipt(output.target()) {
        true => output.retire(),
        false if output.target().exists() => {
            let kept = " (no receipt written; what is there is no receipt, and stays)";
            return Failure::from(failure).and(kept);
        }
        false => Ok(None),
    };
    let retired = match old {
        Ok(None) => "no receipt written".to_owned(),
        Ok(Some(stale)) => format!("no receipt written; the old one is now {}", stale.display()),
        Err(e) => format!("no receipt written; the old one could not be renamed: {e}"),
    };
    Failure::from(failure).and(format_args!(" ({retired})"))
}
