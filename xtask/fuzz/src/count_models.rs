//! Compares both sides over generated models, and counts: `count_models N [--seed S]`; `--only I` compares
//! one of them. With `--inputs FOLDER` it compares nothing, but writes the bytes that make the fuzz target
//! `differential` generate these models; with `--files FOLDER`, the models (of many, only the small ones).

use std::{
    collections::BTreeMap,
    env, fs, panic,
    path::{Path, PathBuf},
    process::ExitCode,
};

use bitreceipt_fuzz::{
    choices::Noise,
    differential::{Agreement, compare, file_of},
};

/// Bytes of choices for a model: more than it takes.
const CHOICES: usize = 2048;

/// Most bytes of a file that a fuzzer starts from.
const SMALL: usize = 20_000;

const USAGE: &str =
    "usage: count_models N [--seed S] [--only I] [--inputs FOLDER] [--files FOLDER]";

struct Args {
    n_models: u64,
    seed: u64,
    only: Option<u64>,
    inputs: Option<String>,
    files: Option<String>,
}

impl Args {
    fn parse() -> Option<Self> {
        let mut args = env::args().skip(1);
        let mut parsed = Self {
            n_models: args.next()?.parse().ok()?,
            seed: 0,
            only: None,
            inputs: None,
            files: None,
        };
        while let Some(flag) = args.next() {
            match flag.as_str() {
                "--seed" => parsed.seed = args.next()?.parse().ok()?,
                "--only" => parsed.only = Some(args.next()?.parse().ok()?),
                "--inputs" => parsed.inputs = Some(args.next()?),
                "--files" => parsed.files = Some(args.next()?),
                _ => return None,
            }
        }
        Some(parsed)
    }
}

fn main() -> ExitCode {
    let Some(args) = Args::parse() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let indices = match args.only {
        Some(index) => index..index + 1,
        None => 0..args.n_models,
    };
    if args.inputs.is_some() || args.files.is_some() {
        indices.for_each(|index| write(&args, index));
        return ExitCode::SUCCESS;
    }
    let mut counts = BTreeMap::new();
    let mut failures = 0u64;
    for index in indices {
        let choices = choices(args.seed, index);
        match panic::catch_unwind(|| compare(&choices)) {
            Ok(Ok(agreement)) => *counts.entry(agreement).or_insert(0) += 1,
            Ok(Err(how)) => {
                failures += 1;
                println!("seed {}, model {index}: {how}", args.seed);
            }
            Err(_) => {
                failures += 1;
                println!("seed {}, model {index}: panicked", args.seed);
            }
        }
        if (index + 1) % 1000 == 0 {
            eprintln!("{} models, {failures} disagreements", index + 1);
        }
    }
    report(args.seed, &counts, failures);
    match failures {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// What decides on a model; the fuzz target takes the same bytes.
fn choices(seed: u64, index: u64) -> Vec<u8> {
    let start = Noise::new(seed).bits();
    Noise::new(start.wrapping_add(index)).bytes(CHOICES)
}

fn write(args: &Args, index: u64) {
    let choices = choices(args.seed, index);
    let name = format!("{}-{index}", args.seed);
    if let Some(folder) = &args.inputs {
        put(Path::new(folder).join(&name), &choices);
    }
    if let Some(folder) = &args.files {
        let file = file_of(&choices);
        if args.only.is_some() || file.len() <= SMALL {
            put(Path::new(folder).join(format!("{name}.gguf")), &file);
        }
    }
}

fn put(path: PathBuf, bytes: &[u8]) {
    if let Err(error) = fs::write(&path, bytes) {
        eprintln!("{}: {error}", path.display());
        std::process::exit(5);
    }
}

fn report(seed: u64, counts: &BTreeMap<Agreement, u64>, failures: u64) {
    let count = |agreement| counts.get(&agreement).copied().unwrap_or(0);
    println!(
        "seed = {seed}, models = {}, equal = {}, refused by both = {}, not finite on both sides = {}, \
         disagreements = {failures}",
        counts.values().sum::<u64>() + failures,
        count(Agreement::Equal),
        count(Agreement::BothRefuse),
        count(Agreement::BothNonFinite),
    );
}
