//! `benchmark --challenge-from`: every timed run answers a nonce of somebody else, by whose clock it took no
//! longer than it took.

use std::path::{Path, PathBuf};

use host::{
    attest::challenged_path,
    challenge::{check_prompt, is_challenge_statement},
    failure::RunFailure,
    files::{AtomicFile, Staged},
    receipt::{Receipt, per_second, to_json},
    run::{Loaded, Ready, Round, RunSettings, bytes_per_decoded_token},
    sandbox::Sandbox,
    watch::{Phase, Watch},
};

use super::{
    settings::{Planned, warn_scalar},
    single::{MakeRunner, retire, show},
};
use crate::{
    args::{BenchmarkArgs, ParityMode},
    commands::{
        challenge::Prover, figures::Figures, ours::is_our_statement, rows::Exports, sign::Bundle,
    },
    exit::{Exit, Failure},
    http::ServerAddress,
    output::{file, is_stdout, note, spares_model},
    progress::RunProgress,
    units::counted,
};

/// The statement's name in a folder of all rounds.
const STATEMENT: &str = "challenged.dsse.json";

/// Runs one cell in rounds.
///
/// # Errors
/// The failure, with its exit code. No receipt is written then.
pub fn run(
    args: &BenchmarkArgs,
    planned: &[Planned],
    server: &ServerAddress,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(), Failure> {
    let usage = |what: String, hint: &str| {
        let failure = Failure::new(Exit::Usage, what).about("--challenge-from");
        Err(failure.with_hint(hint))
    };
    let [planned] = planned else {
        let what = format!("found {} cells, allowed is one", planned.len());
        return usage(what, "name one model, one number of threads and so on");
    };
    if args.output_dir.is_none() && is_stdout(&args.output()) {
        let what = "found --output -: a statement needs a file that it stands beside".into();
        return usage(what, "name a file for the receipt");
    }
    let is_stopped = || watch.is_stopped();
    let (prover, n_rounds) = Prover::greet(server, &is_stopped)?;
    let places = Places::prepare(args, planned, n_rounds)?;
    let proving = Proving {
        args,
        planned,
        prover,
        watch,
    };
    let made = match proving.run(n_rounds, runner) {
        Ok(made) => made,
        Err(Ended::Run(failure)) if failure.is_wrong_result() => {
            return Err(places.retire_with(failure.into()));
        }
        Err(Ended::Run(failure)) => return Err(failure.into()),
        Err(Ended::Other(failure)) => return Err(failure),
    };
    places.fill(args, planned, &made)
}

/// Why there are no receipts.
enum Ended {
    Run(RunFailure),
    Other(Failure),
}

impl From<RunFailure> for Ended {
    fn from(failure: RunFailure) -> Self {
        Self::Run(failure)
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// All rounds, in their order.
struct Made {
    receipts: Vec<Receipt>,
    /// Nanoseconds by the challenger's clock.
    answered_after_ns: Vec<u64>,
    statement: Vec<u8>,
    figures: Figures,
}

impl Made {
    /// The place of the tightest round.
    fn tightest(&self) -> usize {
        let times = self.answered_after_ns.iter().zip(0..);
        times.min().map_or(0, |(_, place)| place)
    }

    fn text(&self, statement: &Path) -> String {
        let place = self.tightest();
        let (ns, tokens) = (
            self.answered_after_ns[place],
            self.receipts[place].tokens_generated,
        );
        format!(
            "challenged: at least {:.1} tokens/s, by the challenger's clock: prefill and decode within {:.3} ms, \
             a round trip included; the tightest of {}\n\
             statement: {}\n",
            per_second(tokens, ns.max(1)).unwrap_or(0.0),
            ns as f64 / 1e6,
            counted(self.receipts.len() as u64, "round"),
            statement.display()
        )
    }
}

struct Proving<'a> {
    args: &'a BenchmarkArgs,
    planned: &'a Planned,
    prover: Prover<'a>,
    watch: &'a Watch,
}

impl Proving<'_> {
    fn run(mut self, n_rounds: usize, runner: Option<MakeRunner>) -> Result<Made, Ended> {
        let (args, planned, watch) = (self.args, self.planned, self.watch);
        let _display = RunProgress::of(args.print.progress(), watch);
        let settings = RunSettings {
            repetitions: Some(1),
            ..planned.settings.clone()
        };
        let loaded = Loaded::open(settings, watch)?;
        loaded.check_receipt_size()?;
        warn_scalar(planned, &loaded);
        let (engine, task) = (loaded.engine().clone(), loaded.task().clone());
        let n_vocab = engine.model().shape().n_vocab;
        check_prompt(task.prompt.len() as u64, n_vocab).map_err(|why| {
            let failure = Failure::new(Exit::Usage, why).about("--prompt-tokens");
            failure.with_hint("ask for more")
        })?;
        // Nothing that can be done before a nonce is left for later.
        let ready = match runner {
            None => loaded.ready()?,
            Some(make) => {
                let runner = make(&loaded);
                loaded.ready_with(runner)?
            }
        };
        let (ready, rounds, answered_after_ns) = self.rounds(ready, n_rounds)?;
        let mut figures = Figures::measure(args, &engine, &task, watch)?;
        let receipts = self.receipts(ready, rounds)?;
        for (receipt, round) in receipts.iter().zip(1..) {
            self.prover.receipt(round, to_json(receipt).as_bytes())?;
        }
        watch.begin(Phase::Other("wait for the challenger's statement"), 0);
        let statement = self.prover.statement(watch)?;
        if !is_challenge_statement(&statement) {
            let what = "what the challenger signed is no challenger's statement";
            return Err(Failure::new(Exit::BadInput, what).into());
        }
        figures.bytes_per_token =
            bytes_per_decoded_token(&engine, &task, &receipts[0].kernel_ledger);
        Ok(Made {
            receipts,
            answered_after_ns,
            statement,
            figures,
        })
    }

    /// Answers all nonces, one right after the other.
    fn rounds(
        &mut self,
        mut ready: Ready,
        n_rounds: usize,
    ) -> Result<(Ready, Vec<Round>, Vec<u64>), Ended> {
        let prover = &mut self.prover;
        let terms = ready.terms().ok_or_else(|| {
            let what = "the prompt does not follow from a seed";
            Failure::new(Exit::Usage, what).about("--challenge-from")
        })?;
        if prover.open(&terms)? != n_rounds {
            let what = "the challenger has changed the number of rounds; try again";
            return Err(Failure::new(Exit::Io, what).into());
        }
        let (mut rounds, mut times) = (Vec::new(), Vec::new());
        for run in 1..=n_rounds {
            let prover = std::cell::RefCell::new(&mut *prover);
            let ask = || Ok::<_, Ended>(prover.borrow_mut().nonce()?.nonce);
            let round = ready.round((run, n_rounds), ask, |answer| {
                times.push(prover.borrow_mut().answer(run, answer)?);
                Ok(())
            })?;
            rounds.push(round);
        }
        Ok((ready, rounds, times))
    }

    /// Makes the receipt of each round, after its replay.
    fn receipts(&self, mut ready: Ready, rounds: Vec<Round>) -> Result<Vec<Receipt>, Ended> {
        let sandbox = match self.args.parity {
            ParityMode::Full => {
                self.watch.begin(Phase::Other("compile the reference"), 0);
                Some(Sandbox::new(self.watch).map_err(RunFailure::from)?)
            }
            ParityMode::Off => None,
        };
        let mut receipts = Vec::new();
        for round in rounds {
            let measured = ready.measured(round)?;
            let proved = match &sandbox {
                Some(sandbox) => measured.prove(sandbox)?,
                None => measured.without_proof(),
            };
            receipts.push(proved.receipt());
            ready = proved.ready();
        }
        Ok(receipts)
    }
}

/// Where receipts and statement go: those of all rounds, or that of the tightest.
struct Places {
    receipts: Vec<(AtomicFile, Bundle)>,
    keeps_all: bool,
    statement: AtomicFile,
    exports: Exports,
}

impl Places {
    fn prepare(args: &BenchmarkArgs, planned: &Planned, n_rounds: usize) -> Result<Self, Failure> {
        let model = &planned.cell.model.1;
        let (paths, statement): (Vec<PathBuf>, PathBuf) = match &args.output_dir {
            Some(folder) => {
                super::sweep::make(folder)?;
                let path = |round| folder.join(format!("round-{round}.json"));
                ((1..=n_rounds).map(path).collect(), folder.join(STATEMENT))
            }
            None => (vec![args.output()], challenged_path(&args.output())),
        };
        let place = |path: PathBuf| {
            let file = spares_model(file(&path)?, model)?;
            let bundle = Bundle::prepare(args, model, &file)?;
            Ok((file, bundle))
        };
        let receipts: Vec<_> = paths
            .into_iter()
            .map(place)
            .collect::<Result<_, Failure>>()?;
        let statement = spares_model(file(&statement)?, model)?;
        if let Some(key) = &args.sign {
            statement
                .spares("key", key)
                .map_err(|e| Failure::io(statement.path(), &e))?;
        }
        if statement.target().exists() && !is_our_statement(statement.target()) {
            let what = "exists, and is no challenger's statement";
            return Err(Failure::new(Exit::Io, what)
                .at(statement.path())
                .with_hint("move it away, or name another place with --output"));
        }
        let taken: Vec<&AtomicFile> = receipts.iter().map(|(file, _)| file).collect();
        let exports = Exports::prepare(&args.print.output.exports, &[model], &taken)?;
        Ok(Self {
            receipts,
            keeps_all: args.output_dir.is_some(),
            statement,
            exports,
        })
    }

    /// Puts everything in its place, and shows the tightest round. The statement comes last: an older one
    /// beside a new receipt is not about it, and verifiers say so.
    fn fill(self, args: &BenchmarkArgs, planned: &Planned, made: &Made) -> Result<(), Failure> {
        let tightest = made.tightest();
        let kept: Vec<&Receipt> = match self.keeps_all {
            true => made.receipts.iter().collect(),
            false => vec![&made.receipts[tightest]],
        };
        let shown = if self.keeps_all { tightest } else { 0 };
        let statement = stage(&self.statement, &made.statement)?;
        let texts: Vec<String> = kept.iter().map(|receipt| to_json(receipt)).collect();
        let files: Vec<AtomicFile>;
        let bundles: Vec<Bundle>;
        (files, bundles) = self.receipts.into_iter().unzip();
        let staged = files.iter().zip(&texts);
        let staged = staged.map(|(file, text)| stage(file, text.as_bytes()));
        let staged: Vec<Staged> = staged.collect::<Result<_, Failure>>()?;
        let mut signed = Vec::new();
        for (((bundle, receipt), text), staged) in
            bundles.into_iter().zip(&kept).zip(&texts).zip(staged)
        {
            signed.push(bundle.finish(receipt, text.as_bytes(), staged)?);
        }
        let path = self.statement.path();
        statement.commit().map_err(|e| Failure::io(path, &e))?;
        let paths = files.iter().map(|file| file.path().display().to_string());
        let entries = kept.iter().zip(paths);
        let entries: Vec<_> = entries
            .map(|(receipt, path)| planned.entry(receipt, path))
            .collect();
        self.exports.write(&entries.iter().collect::<Vec<_>>())?;
        let more = made.text(path) + &signed[shown];
        let place = files[shown].path();
        note(show(args, &entries[shown], &made.figures, place, &more));
        Ok(())
    }

    /// A wrong run leaves no receipt in any place.
    fn retire_with(&self, failure: Failure) -> Failure {
        let places = self.receipts.iter();
        places.fold(failure, |failure, (file, bundle)| {
            bundle.retire_with(retire(file, failure))
        })
    }
}

fn stage<'f>(file: &'f AtomicFile, bytes: &[u8]) -> Result<Staged<'f>, Failure> {
    file.stage(|out| out.write_all(bytes))
        .map_err(|e| Failure::io(file.path(), &e))
}
