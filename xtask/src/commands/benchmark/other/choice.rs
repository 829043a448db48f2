//! Which engines are measured, and what they cannot be asked for.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    args::{BenchmarkArgs, Kernel, OURS, ParityMode, Screen, WeightPacking, numbers},
    commands::adapters,
    engines::{Adapters, EngineSpec, Place, check},
    exit::{Exit, Failure},
    kv_name::KvName,
};

/// An engine that is not ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// How it is started, or where it is.
    pub spec: EngineSpec,
    /// The file that it reads, if that is not the model.
    pub model: Option<PathBuf>,
    /// How long it may take to start, and be silent.
    pub patience: Duration,
}

impl Other {
    /// What it is called: no other engine of the run is called so.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Whether it takes the number of threads from us.
    fn takes_threads(&self) -> bool {
        matches!(&self.spec.place, Place::Command(command) if command.contains("{threads}"))
    }
}

/// The engines, in the order of the command line; none stands for ours.
///
/// # Errors
/// A word means no engine, two have one name, or something is asked for that they cannot do.
pub fn chosen(args: &BenchmarkArgs) -> Result<Vec<Option<Arc<Other>>>, Failure> {
    let others = &args.others;
    let adapters = adapters::known(others.engine_adapters.as_deref())?;
    let mut engines = Vec::new();
    let by_word = others.engines.iter().map(|word| ("--engine", word.clone()));
    let commands = others.engine_command.iter();
    let by_command = commands.map(|command| ("--engine-command", as_command(command)));
    for (flag, word) in by_word.chain(by_command) {
        engines.push(match word == OURS {
            true => None,
            false => Some(Other {
                spec: parse(flag, &word, &adapters)?,
                model: None,
                patience: others.engine_timeout,
            }),
        });
    }
    if engines.is_empty() {
        engines.push(None);
    }
    check_names(&engines)?;
    for other in engines.iter().flatten() {
        check(&other.spec)?;
    }
    give_files(args, &mut engines)?;
    check_arguments(args, &engines)?;
    Ok(engines.into_iter().map(|one| one.map(Arc::new)).collect())
}

/// A single word is a command here, and never the name of an adapter.
fn as_command(command: &str) -> String {
    match command.contains(['=', '/', ' ']) {
        true => command.to_owned(),
        false => format!("{command}={command}"),
    }
}

fn parse(flag: &str, word: &str, adapters: &Adapters) -> Result<EngineSpec, Failure> {
    let wrong = |what: String| Failure::new(Exit::Usage, what).about(flag);
    let spec = EngineSpec::parse(word, adapters).map_err(|cause| wrong(cause.to_string()))?;
    match spec.name == OURS {
        true => Err(
            wrong(format!("found {OURS:?}, which is this engine's name"))
                .with_hint("give the other engine another name"),
        ),
        false => Ok(spec),
    }
}

/// Two of one name could not be told apart in a table, nor by the names of their receipts.
fn check_names(engines: &[Option<Other>]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for engine in engines {
        let name = engine.as_ref().map_or(OURS, Other::name);
        if !seen.insert(name) {
            return Err(Failure::new(Exit::Usage, format!("found {name} twice"))
                .about("--engine")
                .with_hint("name each once, or give it another name with NAME=COMMAND"));
        }
    }
    Ok(())
}

/// Gives each file of `--engine-model` to its engine.
fn give_files(args: &BenchmarkArgs, engines: &mut [Option<Other>]) -> Result<(), Failure> {
    let mut others: Vec<&mut Other> = engines.iter_mut().flatten().collect();
    for file in &args.others.engine_model {
        let wrong = |what: String| Failure::new(Exit::Usage, what).about("--engine-model");
        let known: Vec<&str> = others.iter().map(|other| other.name()).collect();
        let at = match &file.name {
            None if others.len() == 1 => 0,
            None => {
                let what = format!("found no name before the file, and {} engines", known.len());
                return Err(wrong(what).with_hint("give NAME=FILE, with the name of an --engine"));
            }
            Some(name) => known
                .iter()
                .position(|known| known == name)
                .ok_or_else(|| {
                    let known = known.join(", ");
                    wrong(format!("found {name}, allowed the other engines: {known}"))
                })?,
        };
        if others[at].model.replace(file.path.clone()).is_some() {
            let what = format!("found two files for {}, allowed is one", others[at].name());
            return Err(wrong(what));
        }
    }
    Ok(())
}

/// Refuses what another engine cannot do, and what would be without effect.
fn check_arguments(args: &BenchmarkArgs, engines: &[Option<Other>]) -> Result<(), Failure> {
    let refused = |flag: &str, what: &str, hint: &str| {
        let failure = Failure::new(Exit::Usage, what).about(flag);
        Err(failure.with_hint(hint))
    };
    let others: Vec<&Other> = engines.iter().flatten().collect();
    let Some(first) = others.first() else {
        return match args.others.tolerance {
            Some(_) => refused(
                "--tolerance",
                "our own engine is judged bit for bit",
                "leave it out, or name another --engine",
            ),
            None => Ok(()),
        };
    };
    let name = first.name();
    if args.parity == ParityMode::Off {
        let what =
            format!("found off with the engine {name}, whose tokens nobody knows to be right");
        return refused("--parity", &what, "leave it out: no verdict, no number");
    }
    let measurement = &args.measurement;
    let is_deep = numbers(&args.prompt.depth).iter().any(|&depth| depth > 0);
    for (flag, is_given) in [
        ("--depth", is_deep),
        ("--pin", measurement.pin),
        ("--profile", measurement.profile),
        ("--challenge-from", args.challenge_from.is_some()),
    ] {
        if is_given {
            let what = format!("the engine {name} cannot be asked for it, only ours");
            return refused(flag, &what, "leave it out, or measure ours alone");
        }
    }
    let engine = &args.engine;
    let is_alone = others.len() == engines.len();
    for (flag, is_given) in [
        ("--kernel", engine.kernel != [Kernel::Auto]),
        ("--packing", engine.packing != [WeightPacking::Auto]),
        ("--screen", engine.screen != Screen::Auto),
        ("--kv-type", engine.kv_type != [KvName::F16]),
    ] {
        if is_alone && is_given {
            let what = format!("it is of our engine, which is not measured beside {name}");
            return refused(flag, &what, "leave it out, or add --engine ours");
        }
    }
    let threads = numbers(&engine.threads).len();
    match others.iter().find(|other| !other.takes_threads()) {
        Some(fixed) if threads == 0 => {
            let what = format!(
                "found none for {}, which is not started with {{threads}}",
                fixed.name()
            );
            refused("--threads", &what, "name with -t how many threads it has")
        }
        Some(fixed) if threads > 1 => {
            let what = format!(
                "found {threads} numbers for {}, which is not started with {{threads}}",
                fixed.name()
            );
            refused("--threads", &what, "name the one that it has")
        }
        _ => Ok(()),
    }
}
