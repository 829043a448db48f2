//! Two builds, or one with two settings, whose processes take turns.

use std::{collections::BTreeSet, path::PathBuf, time::Instant};

use host::{
    comparison::{Aspect, Difference, Likeness, Verdict, differences_in_turns},
    receipt::Receipt,
    task::SplitMix64,
    watch::{Phase, Watch},
};

use super::{
    callgrind,
    child::{self, Build},
    comparison::{Comparison, Made, Turns},
    folder::Folder,
};
use crate::{
    args::{CompareArgs, LongOutputArgs, OutputArgs},
    exit::{Exit, Failure},
    progress::RunProgress,
};

/// More pairs than that are not run: their interval would be no narrower for practical purposes.
const MOST_PAIRS: usize = 300;

/// Multiply-accumulates that the timed repetitions of a process have together, if there is more than one:
/// about as much time as the process takes to begin.
const PROCESS_WORK: u64 = 7_000_000_000;

/// More repetitions gain little.
const MOST_REPETITIONS: u64 = 10;

/// Runs both sides in turns.
///
/// # Errors
/// A build failed, or chose a wrong token.
pub(super) fn compare(args: &CompareArgs, watch: &Watch) -> Result<Comparison, Failure> {
    child::check(&args.args)?;
    let builds = builds(args)?;
    let folder = Folder::prepare(args.builds.output_dir.as_deref())?;
    let _display = RunProgress::of(progress(args), watch);
    watch.begin(Phase::Other("replay the first run of each build"), 0);
    let proofs = [
        builds[0].run(&["--parity", "full"], &folder.proof(0))?,
        builds[1].run(&["--parity", "full"], &folder.proof(1))?,
    ];
    check_proofs(args, &builds, &proofs)?;
    let mut work = host::comparison::compare_work(&proofs[0], &proofs[1]);
    if args.builds.callgrind {
        watch.begin(Phase::Other("count instructions"), 0);
        work.push(callgrind::count(&builds)?);
    }
    let seed = match args.builds.order_seed {
        Some(seed) => seed,
        None => u64::from(getrandom::u32().map_err(|e| Failure::new(Exit::Io, e))?),
    };
    let mut turns = InTurns::new(args, &builds, &folder, repetitions(args, &proofs));
    let started = Instant::now();
    let mut random = SplitMix64::new(seed);
    while !turns.is_over(started) {
        if watch.is_stopped() {
            return Err(Failure::interrupted());
        }
        let run = turns.n_pairs() + 1;
        watch.begin(
            Phase::Measure {
                run,
                of: MOST_PAIRS,
            },
            0,
        );
        turns.run_pair(random.next() >> 63 == 1, &proofs)?;
    }
    let differences = turns.differences();
    let across = BTreeSet::from(Aspect::ALL);
    let same = Likeness::of(&proofs[0], &in_which(&proofs));
    let mut found = Comparison::new(
        same.to_string(),
        Made {
            names: builds.each_ref().map(|build| build.name.clone()),
            sides: turns.receipts.each_ref().map(Vec::as_slice),
            across: &across,
            confidence: turns.confidence,
            max_slowdown: args.max_slowdown,
            differences,
        },
    );
    for (side, proof) in found.sides.iter_mut().zip(&proofs) {
        side.replayed = proof.parity.status == host::receipt::ParityStatus::Passed;
    }
    found.work = work;
    found.turns = Some(Turns {
        pairs: turns.n_pairs(),
        order_seed: seed,
        seconds: started.elapsed().as_secs_f64(),
        is_narrow: turns.is_narrow(),
        width: args.builds.width,
    });
    if found.verdict == Verdict::NoDifference && !turns.is_narrow() {
        found.notes.push(
            "the interval is wider than asked for; give more --time-budget, or a quieter machine"
                .to_owned(),
        );
    }
    Ok(found)
}

/// The two sides, from `--bin` and `--vary`.
fn builds(args: &CompareArgs) -> Result<[Build; 2], Failure> {
    let wrong = |what: &str, hint: &str| Err(Failure::new(Exit::Usage, what).with_hint(hint));
    let programs: [PathBuf; 2] = match (&args.builds.bin[..], &args.builds.vary) {
        ([a, b], None) => [a.clone(), b.clone()],
        ([a], Some(_)) => [a.clone(), a.clone()],
        ([], Some(_)) => {
            let own = std::env::current_exe().map_err(|e| Failure::of_io(&e).about("--vary"))?;
            [own.clone(), own]
        }
        ([_, _], Some(_)) => {
            return wrong(
                "found two --bin and --vary, allowed one difference at a time",
                "leave one of them out",
            );
        }
        ([], None) => {
            return wrong(
                "found nothing to compare",
                "name two receipts, --bin A --bin B, or --vary 'FLAG=X|Y'",
            );
        }
        (bins, _) => {
            let what = format!(
                "found {} --bin, allowed two, or one with --vary",
                bins.len()
            );
            return wrong(&what, "name two builds of bitreceipt");
        }
    };
    let names = match &args.builds.vary {
        Some(vary) => vary
            .values
            .each_ref()
            .map(|value| format!("{} {value}", vary.flag)),
        None => programs.each_ref().map(|path| path.display().to_string()),
    };
    let side = |i: usize| {
        let mut words = args.args.clone();
        if let Some(vary) = &args.builds.vary {
            words.extend([vary.flag.clone().into(), vary.values[i].clone().into()]);
        }
        if let Some(model) = &args.builds.model {
            words.extend(["--model".into(), model.into()]);
        }
        Build {
            name: names[i].clone(),
            program: programs[i].clone(),
            args: words,
        }
    };
    Ok([side(0), side(1)])
}

/// The aspects in which the sides differ, which is what is compared.
fn in_which(proofs: &[Receipt; 2]) -> BTreeSet<Aspect> {
    let differs = |aspect: &Aspect| aspect.of(&proofs[0]) != aspect.of(&proofs[1]);
    Aspect::ALL.into_iter().filter(differs).collect()
}

/// Both builds must have run the same task, unless another one was asked for.
fn check_proofs(
    args: &CompareArgs,
    builds: &[Build; 2],
    proofs: &[Receipt; 2],
) -> Result<(), Failure> {
    let told = args.across();
    let differing = in_which(proofs);
    let is_told = |aspect: &Aspect| told.contains(aspect) || args.builds.vary.is_some();
    if let Some(aspect) = differing.iter().find(|aspect| !is_told(aspect)) {
        let [old, new] = proofs.each_ref().map(|proof| aspect.of(proof));
        let what = format!(
            "other {}: found {new}, the first build has {old}",
            aspect.plural()
        );
        let hint = format!("--across {} compares them all the same", aspect.name());
        return Err(Failure::new(Exit::Usage, what)
            .about(&builds[1].name)
            .with_hint(hint));
    }
    let is_comparable = !differing.contains(&Aspect::Model) && !differing.contains(&Aspect::Task);
    if is_comparable && proofs[0].parity.checksum != proofs[1].parity.checksum {
        let what =
            "other tokens or values than the first build, although each agrees with its reference";
        return Err(Failure::new(Exit::Rejected, what).about(&builds[1].name));
    }
    Ok(())
}

/// How many repetitions a process has, unless the arguments say it.
fn repetitions(args: &CompareArgs, proofs: &[Receipt; 2]) -> Option<String> {
    let is_said = |arg: &std::ffi::OsString| {
        let word = arg.to_string_lossy();
        word.starts_with("--repetitions") || (word.starts_with("-r") && !word.starts_with("--"))
    };
    if args.args.iter().any(is_said) {
        return None;
    }
    let work = proofs.each_ref().map(|proof| {
        let macs = proof.ledger().iter().map(|line| line.multiply_accumulates);
        macs.fold(0u64, u64::saturating_add).max(1)
    });
    let count = PROCESS_WORK / work[0].max(work[1]);
    Some(count.clamp(1, MOST_REPETITIONS).to_string())
}

fn progress(args: &CompareArgs) -> LongOutputArgs {
    LongOutputArgs {
        output: OutputArgs {
            quiet: args.print.quiet,
            ..OutputArgs::default()
        },
        progress: args.print.progress,
    }
}

/// The runs so far.
struct InTurns<'a> {
    args: &'a CompareArgs,
    builds: &'a [Build; 2],
    folder: &'a Folder,
    repetitions: Option<String>,
    confidence: f64,
    receipts: [Vec<Receipt>; 2],
}

impl<'a> InTurns<'a> {
    fn new(
        args: &'a CompareArgs,
        builds: &'a [Build; 2],
        folder: &'a Folder,
        repetitions: Option<String>,
    ) -> Self {
        Self {
            args,
            builds,
            folder,
            repetitions,
            confidence: f64::from(args.confidence) / 1000.0,
            receipts: [Vec::new(), Vec::new()],
        }
    }

    fn n_pairs(&self) -> usize {
        self.receipts[1].len()
    }

    /// Runs each build once, the second one first if `is_second_first`.
    fn run_pair(&mut self, is_second_first: bool, proofs: &[Receipt; 2]) -> Result<(), Failure> {
        let order = if is_second_first { [1, 0] } else { [0, 1] };
        let pair = self.n_pairs() + 1;
        let mut words = vec!["--parity", "off"];
        if let Some(repetitions) = &self.repetitions {
            words.extend(["--repetitions", repetitions]);
        }
        for side in order {
            let receipt = self.builds[side].run(&words, &self.folder.run(side, pair))?;
            let proof = &proofs[side];
            if (receipt.parity.checksum, &receipt.tokens) != (proof.parity.checksum, &proof.tokens)
            {
                let what =
                    format!("run {pair}: other tokens or values than the run that was replayed");
                return Err(Failure::new(Exit::Rejected, what).about(&self.builds[side].name));
            }
            self.receipts[side].push(receipt);
        }
        Ok(())
    }

    fn differences(&self) -> Vec<Difference> {
        let [old, new] = &self.receipts;
        differences_in_turns(old, new, self.confidence)
    }

    /// Whether the interval is as narrow as asked for. Where it lies plays no part in that.
    fn is_narrow(&self) -> bool {
        let first = self.differences().into_iter().next();
        let width = first.and_then(|difference| difference.width());
        width.is_some_and(|width| width <= self.args.builds.width)
    }

    fn is_over(&self, started: Instant) -> bool {
        self.n_pairs() >= MOST_PAIRS
            || (self.n_pairs() > 0 && started.elapsed() >= self.args.builds.time_budget)
            || self.is_narrow()
    }
}
