//! From arguments to the settings of runs.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::{Duration, SystemTime},
};

use host::{
    input::Prompt,
    machine::{Environment, Flags, default_threads},
    receipt::Receipt,
    run::{Loaded, RunSettings},
};

use super::{cell::Cell, no_number::NoNumber};
use crate::{
    args::{BenchmarkArgs, Kernel},
    commands::{
        rows::{Entry, WithoutNumber},
        threads,
    },
    exit::{Exit, Failure, say},
};

/// A cell, and what its run needs.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What it is of.
    pub cell: Cell,
    /// The settings of its run.
    pub settings: RunSettings,
    /// Its name, which no other cell of the sweep has.
    pub name: String,
}

impl Planned {
    /// The receipt of its run at `file`, as rows show it.
    pub fn entry(&self, receipt: &Receipt, file: String) -> Entry {
        Entry {
            receipt: receipt.clone(),
            file,
            packing: Some(self.cell.packing_word()),
            reported: Vec::new(),
        }
    }

    /// Its row where its engine has no number.
    pub fn without_number(&self, found: &NoNumber) -> WithoutNumber {
        let name = self.cell.model.1.file_name().unwrap_or_default();
        let n_prompt = match &self.settings.prompt {
            Prompt::Seeded { count, .. } => Some(*count),
            Prompt::Ids(ids) => Some(ids.len()),
            Prompt::Text(_) => None,
        };
        WithoutNumber {
            model: name.to_string_lossy().into_owned(),
            engine: self.cell.engine_name().to_owned(),
            threads: self.settings.environment.threads as u64,
            n_prompt: n_prompt.map(|n| n as u64),
            n_tokens: self.settings.n_generate as u64,
            tokens_are: found.tokens_are,
            why: found.row.clone(),
        }
    }
}

/// The settings of all cells.
///
/// # Errors
/// A variable or a flag has a value that is not allowed, two cells have one name, or the clock is wrong.
pub fn plan(args: &BenchmarkArgs, cells: Vec<Cell>) -> Result<Vec<Planned>, Failure> {
    check_clock()?;
    let stems = stems(&cells);
    let planned = cells.into_iter().map(|cell| {
        let settings = settings(args, &cell)?;
        let prompt = match &settings.prompt {
            Prompt::Seeded { .. } => format!("p{}", cell.prompt_tokens),
            Prompt::Ids(ids) => format!("ids{}", ids.len()),
            Prompt::Text(_) => "text".to_owned(),
        };
        let name = cell.name(&stems[&cell.model.0], &prompt, settings.environment.threads);
        Ok(Planned {
            cell,
            settings,
            name,
        })
    });
    let planned = planned.collect::<Result<Vec<_>, Failure>>()?;
    check_names(&planned)?;
    Ok(planned)
}

/// Refuses two cells of one name, whose receipts would be one file: an engine may be called as a kernel is, and
/// the place of a model may stand in the name of another one's file.
fn check_names(planned: &[Planned]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    match planned.iter().find(|one| !seen.insert(&one.name)) {
        None => Ok(()),
        Some(one) => {
            let what = format!("found two cells that are called {}", one.name);
            let hint = "give the engine another name with NAME=COMMAND, or the model's file";
            Err(Failure::new(Exit::Usage, what).with_hint(hint))
        }
    }
}

/// A word for each model, by its place: its file's name, and its place where several have that name.
fn stems(cells: &[Cell]) -> HashMap<usize, String> {
    let stem = |path: &Path| {
        let stem = path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    };
    let all: HashMap<usize, String> = cells
        .iter()
        .map(|cell| (cell.model.0, stem(&cell.model.1)))
        .collect();
    let is_alone = |name: &String| all.values().filter(|other| *other == name).count() == 1;
    let named = |(&i, name): (&usize, &String)| match is_alone(name) {
        true => (i, name.clone()),
        false => (i, format!("{name}-{}", i + 1)),
    };
    all.iter().map(named).collect()
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

fn settings(args: &BenchmarkArgs, cell: &Cell) -> Result<RunSettings, Failure> {
    let prompt = &args.prompt;
    let flags = Flags {
        deterministic: args.deterministic,
        seed: prompt.seed,
        threads: cell.threads,
    };
    let environment = Environment::resolve(flags, variable, default_threads())?;
    let asked_by = match cell.threads {
        Some(_) => "--threads",
        None => "RAYON_NUM_THREADS",
    };
    threads::check(environment.threads, asked_by)?;
    Ok(RunSettings {
        model: cell.model.1.clone(),
        i2s_layout: args.engine.i2s_layout.into(),
        prompt: match (&prompt.prompt, &prompt.prompt_ids) {
            (Some(text), _) => Prompt::Text(text.clone()),
            (None, Some(ids)) => Prompt::Ids(ids.clone()),
            (None, None) => Prompt::Seeded {
                seed: environment.seed,
                count: cell.prompt_tokens + cell.depth,
                challenge: prompt.challenge.clone(),
            },
        },
        depth: cell.depth,
        n_generate: cell.tokens,
        kernel: cell.kernel.into(),
        packing: cell.packing.into(),
        screening: args.engine.screen.into(),
        kv_type: cell.kv_type.into(),
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

/// A machine without fast kernels gets its number, and is told why it is small.
pub fn warn_scalar(planned: &Planned, loaded: &Loaded) {
    let scalar = loaded.engine().isa() == engine_native::Isa::Scalar;
    if scalar && planned.cell.kernel == Kernel::Auto {
        let why = match cfg!(target_arch = "x86_64") {
            true => "this CPU has no AVX2".to_owned(),
            false => format!("there are no faster ones for {}", std::env::consts::ARCH),
        };
        say(format_args!("warning: running the scalar kernels: {why}"));
    }
}
