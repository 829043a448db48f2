//! `selftest`: forged receipts before the verifier.

use std::{ffi::OsString, fs, path::Path};

use clap::Parser;
use host::{
    task::Challenge,
    verify::Verdict,
    watch::{Phase, Watch},
};
use serde::Serialize;

use crate::{
    args::{Args, Command, SelftestArgs},
    commands::{
        benchmark,
        verify_receipt::{self, Shared},
    },
    exit::{Exit, Failure},
    models::TINY,
    output::show,
    progress::RunProgress,
    selftest::{ANSWER, Commands, Drill, Evidence, GENUINE, Vector, read_vectors},
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code; a forgery that is not caught is none.
pub fn run(args: &SelftestArgs, watch: &Watch) -> Result<Exit, Failure> {
    let display = RunProgress::of(args.print, watch);
    let vectors = read_folder(args.folder())?;
    let model = args.model.clone().map_or_else(|| TINY.path(), Ok)?;
    watch.begin(Phase::Other("make a genuine receipt"), 0);
    let commands = OnModel {
        model: &model,
        shared: Shared::default(),
        watch: Watch::default(),
    };
    let drill = Drill::new(&commands)?;
    watch.begin(Phase::Other("forge receipts"), 0);
    let mut missed = Vec::new();
    for (vector, done) in vectors.iter().zip(1..) {
        if watch.is_stopped() {
            return Err(Failure::interrupted());
        }
        if let Some(found) = drill.survives(vector)? {
            let expected = vector.expected();
            missed.push(Missed {
                name: &vector.name,
                expected,
                found,
            });
        }
        watch.set_progress(done, vectors.len() as u64);
    }
    drop(display);
    let report = Report {
        vectors: vectors.len(),
        caught: vectors.len() - missed.len(),
        missed,
    };
    show(args.print.output, &report, || report.text())?;
    Ok(match report.missed.is_empty() {
        true => Exit::Done,
        false => Exit::Rejected,
    })
}

#[derive(Debug, Serialize)]
struct Report<'v> {
    vectors: usize,
    caught: usize,
    missed: Vec<Missed<'v>>,
}

#[derive(Debug, Serialize)]
struct Missed<'v> {
    name: &'v str,
    expected: String,
    found: String,
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        for Missed {
            name,
            expected,
            found,
        } in &self.missed
        {
            text += &format!("not caught: {name} (expected {expected}): {found}\n");
        }
        text + &format!("caught {} of {} forgeries\n", self.caught, self.vectors)
    }
}

/// The commands, on one model.
struct OnModel<'a> {
    model: &'a Path,
    shared: Shared,
    /// A watch of their own: the drill shows how far it is itself.
    watch: Watch,
}

impl Commands for OnModel<'_> {
    fn benchmark(&self, receipt: &Path, key: &Path) -> Result<(), Failure> {
        let files = [("--output", receipt), ("--sign", key)];
        let Command::Benchmark(args) = self.parse(GENUINE, &files)? else {
            unreachable!("the words say benchmark")
        };
        benchmark::run(&args, &self.watch).map(drop)
    }

    fn answer(&self, receipt: &Path, nonce: &Challenge) -> Result<(), Failure> {
        let words = format!("{ANSWER} {nonce}");
        let Command::Benchmark(args) = self.parse(&words, &[("--output", receipt)])? else {
            unreachable!("the words say benchmark")
        };
        benchmark::run(&args, &self.watch).map(drop)
    }

    fn verify(&self, evidence: &Evidence) -> Result<Option<Verdict>, Failure> {
        let words = format!("verify-receipt --quiet {}", evidence.flags);
        let mut files = vec![("--path", &*evidence.receipt)];
        files.extend(evidence.policy.as_deref().map(|path| ("--policy", path)));
        if let Some((bundle, public_key)) = &evidence.bundle {
            files.extend([("--bundle", &**bundle), ("--public-key", public_key)]);
        }
        if let Some((statement, key)) = &evidence.challenged {
            files.extend([("--challenged", &**statement), ("--challenger-key", key)]);
        }
        let Command::VerifyReceipt(args) = self.parse(&words, &files)? else {
            unreachable!("the words say verify-receipt")
        };
        match verify_receipt::examine_in(&self.shared, &args, &self.watch) {
            Ok(examined) => Ok(Some(examined.verdict)),
            Err(failure) if failure.exit == Exit::BadInput => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

impl OnModel<'_> {
    /// The command in `words`, with the model and other files.
    fn parse(&self, words: &str, files: &[(&str, &Path)]) -> Result<Command, Failure> {
        let words = ["xtask"].into_iter().chain(words.split_whitespace());
        let mut words: Vec<OsString> = words.map(Into::into).collect();
        for &(flag, path) in [("--model", self.model)].iter().chain(files) {
            words.extend([flag.into(), path.into()]);
        }
        let args = Args::try_parse_from(words).map_err(|e| {
            let text = e.to_string();
            let line = text.lines().next().unwrap_or_default();
            Failure::new(Exit::BadInput, line).about("flags of a vector")
        })?;
        Ok(args.command)
    }
}

/// The vectors of all TOML files in a folder, by file name.
fn read_folder(folder: &Path) -> Result<Vec<Vector>, Failure> {
    let failed = |e: std::io::Error| Failure::io(folder, &e);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    let mut vectors = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).map_err(|e| Failure::io(path, &e))?;
        let found = read_vectors(&text).map_err(|e| Failure::new(Exit::BadInput, e).at(path))?;
        vectors.extend(found);
    }
    if vectors.is_empty() {
        let what = "found no vectors, allowed TOML files such as receipts.toml";
        return Err(Failure::new(Exit::BadInput, what).at(folder));
    }
    Ok(vectors)
}
