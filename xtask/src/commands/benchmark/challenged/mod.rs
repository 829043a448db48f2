//! `benchmark --challenge-from`: every timed run answers a nonce of somebody else, by whose clock it took no
//! longer than it took.

mod made;
mod places;

use host::{
    challenge::{check_prompt, is_challenge_statement},
    failure::RunFailure,
    receipt::{Receipt, to_json},
    run::{Loaded, Ready, Round, RunSettings, bytes_per_decoded_token},
    sandbox::Sandbox,
    watch::{Phase, Watch},
};

use self::{made::Made, places::Places};
use super::{
    settings::{Planned, warn_scalar},
    single::MakeRunner,
};
use crate::{
    args::{BenchmarkArgs, ParityMode},
    commands::{challenge::Prover, figures::Figures},
    exit::{Exit, Failure},
    http::ServerAddress,
    output::is_stdout,
    progress::RunProgress,
};

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
        figures.bytes_per_token = bytes_per_decoded_token(&engine, &task, receipts[0].ledger());
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
