//! Every forgery of the drill: nothing but its rejection is certain.

use std::{cell::Cell, ffi::OsString, path::Path};

use clap::Parser;
use host::{
    task::Challenge,
    verify::{Conclusion, Verdict},
    watch::Watch,
};
use xtask::{
    args::{Args, Command},
    commands::{
        benchmark,
        verify_receipt::{self, Shared},
    },
    exit::{Exit, Failure},
    selftest::{ANSWER, Commands, Drill, Evidence, GENUINE, read_vectors},
};

use crate::{RECALCULATED, assert_sound, never_says, process::TINY};

/// The commands of the drill, which looks at verdicts and here at their explanations.
#[derive(Default)]
struct Explained {
    shared: Shared,
    n_rejected: Cell<usize>,
    n_open: Cell<usize>,
}

fn parse(words: &str, files: &[(&str, &Path)]) -> Command {
    let words = ["xtask"].into_iter().chain(words.split_whitespace());
    let mut words: Vec<OsString> = words.map(Into::into).collect();
    for &(flag, path) in [("--model", Path::new(TINY))].iter().chain(files) {
        words.extend([flag.into(), path.into()]);
    }
    Args::try_parse_from(words).unwrap().command
}

impl Commands for Explained {
    fn benchmark(&self, receipt: &Path, key: &Path) -> Result<(), Failure> {
        let Command::Benchmark(args) = parse(GENUINE, &[("--output", receipt), ("--sign", key)])
        else {
            unreachable!("the words say benchmark")
        };
        benchmark::run(&args, &Watch::default()).map(drop)
    }

    fn answer(&self, receipt: &Path, nonce: &Challenge) -> Result<(), Failure> {
        let words = format!("{ANSWER} {nonce}");
        let Command::Benchmark(args) = parse(&words, &[("--output", receipt)]) else {
            unreachable!("the words say benchmark")
        };
        benchmark::run(&args, &Watch::default()).map(drop)
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
        let Command::VerifyReceipt(args) = parse(&words, &files) else {
            unreachable!("the words say verify-receipt")
        };
        let examined = match verify_receipt::examine_in(&self.shared, &args, &Watch::default()) {
            Err(failure) if failure.exit == Exit::BadInput => return Ok(None),
            examined => examined?,
        };
        let explanation = examined.explanation();
        let verdict = examined.verdict;
        assert_sound(verdict.conclusion.as_str(), &explanation);
        match verdict.conclusion {
            Conclusion::Accepted => {}
            Conclusion::Rejected => self.n_rejected.set(self.n_rejected.get() + 1),
            Conclusion::Unverifiable => {
                self.n_open.set(self.n_open.get() + 1);
                let is_confirmed = ["proved", "audited", "consistent"]
                    .map(|word| verdict.tokens.starts_with(word));
                if is_confirmed == [false; 3] {
                    never_says(&explanation.certain, &RECALCULATED);
                }
            }
        }
        Ok(Some(verdict))
    }
}

#[test]
fn of_a_forgery_only_its_rejection_is_certain() {
    let commands = Explained::default();
    let drill = Drill::new(&commands).unwrap();
    let folder = xtask::guest::workspace_root().join("ci/vectors");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let vectors = read_vectors(&std::fs::read_to_string(path).unwrap()).unwrap();
            for vector in &vectors {
                // Whether it is caught is for the drill to say, and one needs a machine that is not busy.
                drill.survives(vector).unwrap();
            }
        }
    }
    let (n_rejected, n_open) = (commands.n_rejected.get(), commands.n_open.get());
    assert!(n_rejected > 150, "only {n_rejected} were rejected");
    assert!(n_open > 3, "only {n_open} were unverifiable");
}
