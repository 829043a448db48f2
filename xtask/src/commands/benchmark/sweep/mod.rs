//! A benchmark of several cells: each is measured, and one replay proves all that decode one task.
//!
//! One model at a time is in memory, and one engine: of a cell that was measured only its receipt is
//! kept. Nothing is written before all cells are proved.

mod forecast;
mod order;
mod places;
mod proof;

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use host::{
    failure::RunFailure,
    receipt::Receipt,
    run::{Loaded, NativeRunner, Runner, TimedModel},
    sandbox::Sandbox,
    watch::{Phase, Watch},
};

use super::{
    settings::{Planned, warn_scalar},
    single::MakeRunner,
};
use crate::{
    args::{BenchmarkArgs, ParityMode},
    commands::rows::{Entry, emit, markdown},
    exit::{Exit, Failure, say},
    output::note,
    progress::RunProgress,
    units,
};
use forecast::{Forecast, Kind, Part, work};
use places::Places;
use proof::{Disagreement, Measured, agree, groups, prove};

/// Runs all cells.
///
/// # Errors
/// The failure, with its exit code. No receipt is written then.
pub fn run(
    args: &BenchmarkArgs,
    planned: &[Planned],
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(), Failure> {
    if args.measurement.profile && planned.len() > 1 {
        let what = format!("found {} cells, allowed is one", planned.len());
        return Err(Failure::new(Exit::Usage, what).about("--profile"));
    }
    let places = Places::prepare(args, planned)?;
    let seed = match args.measurement.order_seed {
        Some(seed) => seed,
        None => order::fresh_seed()?,
    };
    let sweep = Sweep::new(args, planned, watch, runner)?;
    if !args.print.output.quiet {
        say(format_args!("{}", sweep.announcement(seed)));
    }
    let made = sweep.receipts(&order::shuffled(planned.len(), seed));
    let receipts = made.map_err(|failed| match failed.wrong_cell {
        Some(at) => places.retire(at, failed.failure),
        None => failed.failure,
    })?;
    let entry = |(at, planned): (usize, &Planned)| {
        let file = places.path(at).display().to_string();
        planned.entry(&receipts[at], file)
    };
    let entries: Vec<Entry> = planned.iter().enumerate().map(entry).collect();
    let entries: Vec<&Entry> = entries.iter().collect();
    let folder = places.folder().display().to_string();
    places.fill(&receipts)?.write(&entries)?;
    note(emit(&args.print.output, &entries, || {
        let proved = match args.parity {
            ParityMode::Full => "proved by a replay of each task, bit for bit",
            ParityMode::Off => "equal in all cells of a task, not replayed (--parity off)",
        };
        format!(
            "{}\ntokens:   {proved}\norder:    random (--order-seed {seed})\nreceipts: {} in {folder}\n",
            markdown(&entries),
            entries.len(),
        )
    }));
    Ok(())
}

/// A sweep, and what its cells share.
struct Sweep<'s> {
    args: &'s BenchmarkArgs,
    planned: &'s [Planned],
    works: Vec<u64>,
    watch: &'s Watch,
    runner: Option<MakeRunner<'s>>,
}

/// Why a sweep has no receipts. A wrong cell's old receipt does not stand for it any more.
struct Failed {
    failure: Failure,
    wrong_cell: Option<usize>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            wrong_cell: None,
        }
    }
}

/// What goes on while the cells are measured and proved.
struct Course {
    display: Option<RunProgress>,
    forecast: Forecast,
    n_measured: usize,
    n_replayed: usize,
    n_replays: usize,
}

impl Course {
    /// Shows which part comes now, and how long all of them will take.
    fn begin(&self, part: String) {
        let left = self.forecast.seconds().map(units::time);
        let left = left.map_or(String::new(), |left| format!(", {left} left"));
        if let Some(display) = &self.display {
            display.part(&format!("{part}{left}"));
        }
    }
}

impl<'s> Sweep<'s> {
    /// Looks at all models and tasks before anything runs.
    fn new(
        args: &'s BenchmarkArgs,
        planned: &'s [Planned],
        watch: &'s Watch,
        runner: Option<MakeRunner<'s>>,
    ) -> Result<Self, Failure> {
        for one in planned {
            one.settings.kernel.resolve().map_err(RunFailure::from)?;
        }
        let works = planned.iter().map(work).collect::<Result<_, _>>()?;
        Ok(Self {
            args,
            planned,
            works,
            watch,
            runner,
        })
    }

    /// The part that a cell's runs are.
    fn runs(&self, at: usize) -> Part {
        let cell = &self.planned[at];
        Part {
            kind: Kind::Runs {
                model: cell.cell.model.0,
                kernel: cell.cell.kernel,
                threads: cell.settings.environment.threads,
            },
            work: self.works[at],
        }
    }

    /// The part that the replay of a cell's task is.
    fn replay(&self, at: usize) -> Part {
        let model = self.planned[at].cell.model.0;
        Part {
            kind: Kind::Replay { model },
            work: self.works[at],
        }
    }

    /// Of each task the place of its first cell.
    fn tasks(&self) -> Vec<usize> {
        let task = |at: usize| {
            let cell = &self.planned[at].cell;
            (cell.model.0, cell.prompt_tokens, cell.tokens, cell.kv_type)
        };
        let all = 0..self.planned.len();
        let is_first = |at: &usize| (0..*at).all(|earlier| task(earlier) != task(*at));
        all.filter(is_first).collect()
    }

    /// The parts of the sweep.
    fn forecast(&self) -> Forecast {
        let mut parts: Vec<Part> = (0..self.planned.len()).map(|at| self.runs(at)).collect();
        if self.args.parity == ParityMode::Full {
            parts.extend(self.tasks().into_iter().map(|at| self.replay(at)));
        }
        Forecast::new(parts)
    }

    fn announcement(&self, seed: u64) -> String {
        let n_cells = self.planned.len();
        let mut text = format!("{n_cells} cells in random order (--order-seed {seed})");
        if self.args.parity == ParityMode::Full {
            let (forecast, n) = (self.forecast(), self.tasks().len());
            let plural = if n == 1 { "" } else { "s" };
            let (work, time) = (forecast.replay_work(), forecast.replay_seconds());
            text += &format!(
                "; then {n} replay{plural} of {:.2} G multiply-accumulates, about {} on a machine \
                 like that of the README",
                work as f64 / 1e9,
                units::time(time)
            );
        }
        text
    }

    /// The receipts of all cells, in the order of the command line.
    fn receipts(&self, order: &[usize]) -> Result<Vec<Receipt>, Failed> {
        let mut course = Course {
            display: RunProgress::of(self.args.print.progress(), self.watch),
            forecast: self.forecast(),
            n_measured: 0,
            n_replayed: 0,
            n_replays: self.tasks().len(),
        };
        let mut made: Vec<(usize, Receipt)> = Vec::new();
        let mut sandbox = None;
        // One model after the other, so that no two of them are in memory.
        for model in 0..=self.planned.last().map_or(0, |last| last.cell.model.0) {
            let is_own = |at: &usize| self.planned[*at].cell.model.0 == model;
            let own: Vec<usize> = order.iter().copied().filter(is_own).collect();
            made.extend(self.model_receipts(&own, &mut course, &mut sandbox)?);
        }
        made.sort_by_key(|(at, _)| *at);
        Ok(made.into_iter().map(|(_, receipt)| receipt).collect())
    }

    /// The receipts of the cells of one model, which is read once.
    fn model_receipts(
        &self,
        own: &[usize],
        course: &mut Course,
        sandbox: &mut Option<Sandbox>,
    ) -> Result<Vec<(usize, Receipt)>, Failed> {
        let settings = &self.planned[own[0]].settings;
        let model = TimedModel::open(&settings.model, settings.i2s_layout, self.watch)
            .map_err(Failure::from)?;
        let groups = groups(self.measure_all(own, &model, course)?);
        let mut made = Vec::new();
        for group in groups {
            if self.args.parity == ParityMode::Off {
                agree(&group).map_err(|wrong| self.failed(wrong, None))?;
                made.extend(group.into_iter().map(|c| (c.at, c.run.without_proof())));
                continue;
            }
            course.n_replayed += 1;
            course.begin(format!("replay {} of {}", course.n_replayed, course.n_replays));
            if sandbox.is_none() {
                self.watch.begin(Phase::Other("compile the reference"), 0);
                *sandbox = Some(Sandbox::new(self.watch).map_err(Failure::from)?);
            }
            let Some(sandbox) = sandbox.as_ref() else {
                continue;
            };
            let start = Instant::now();
            let replay = prove(&group, &model, sandbox)
                .map_err(|wrong| self.failed(wrong, Some((&model, sandbox))))?;
            course.forecast.done(self.replay(group[0].at), start.elapsed());
            let receipt = |cell: Measured| Some((cell.at, replay.receipt(cell.run)?));
            made.extend(group.into_iter().filter_map(receipt));
        }
        Ok(made)
    }

    /// Measures cells in this order. One that other work disturbs has a second try at the end.
    fn measure_all(
        &self,
        own: &[usize],
        model: &TimedModel,
        course: &mut Course,
    ) -> Result<Vec<Measured>, Failed> {
        let mut queue: Vec<(usize, bool)> = own.iter().map(|&at| (at, false)).collect();
        let (mut next, mut measured) = (0, Vec::new());
        while let Some(&(at, is_second)) = queue.get(next) {
            next += 1;
            if course.n_measured > 0 || is_second {
                self.pause()?;
            }
            let (n, of) = (course.n_measured + 1, self.planned.len());
            course.begin(format!("cell {n} of {of}, {}", self.planned[at].name));
            let start = Instant::now();
            match self.measure(at, model) {
                Ok(run) => measured.push(Measured { at, run }),
                Err(RunFailure::Disturbed(_)) if !is_second => {
                    queue.push((at, true));
                    continue;
                }
                Err(failure) => return Err(self.of_cell(at, failure)),
            }
            course.n_measured += 1;
            course.forecast.done(self.runs(at), start.elapsed());
        }
        Ok(measured)
    }

    fn measure(&self, at: usize, model: &TimedModel) -> Result<host::run::Settled, RunFailure> {
        let loaded = self.load(at, model)?;
        loaded.check_receipt_size()?;
        if self.planned.len() == 1 || at == 0 {
            warn_scalar(&self.planned[at], &loaded);
        }
        let runner = self.runner(&loaded)?;
        Ok(loaded.measure_with(runner)?.settle())
    }

    fn load(&self, at: usize, model: &TimedModel) -> Result<Loaded, RunFailure> {
        Loaded::with_model(self.planned[at].settings.clone(), model, self.watch)
    }

    fn runner(&self, loaded: &Loaded) -> Result<Box<dyn Runner>, RunFailure> {
        Ok(match self.runner {
            None => Box::new(NativeRunner::new(loaded.engine(), loaded.task())?),
            Some(make) => make(loaded),
        })
    }

    /// Waits between two cells, as long as `--delay` says.
    fn pause(&self) -> Result<(), Failure> {
        const STEP: Duration = Duration::from_millis(50);
        let mut left = Duration::from_millis(self.args.measurement.delay);
        while !left.is_zero() {
            if self.watch.is_stopped() {
                return Err(Failure::interrupted());
            }
            sleep(left.min(STEP));
            left = left.saturating_sub(STEP);
        }
        Ok(())
    }

    /// The failure of a cell, which names it.
    fn of_cell(&self, at: usize, failure: RunFailure) -> Failed {
        let is_wrong = failure.is_wrong_result();
        let is_about_another = matches!(
            failure,
            RunFailure::Interrupted | RunFailure::Model { .. } | RunFailure::Prompt(_)
        );
        let mut failure = Failure::from(failure);
        if !is_about_another {
            failure = failure.about(format_args!("cell {}", self.planned[at].name));
        }
        Failed {
            failure,
            wrong_cell: is_wrong.then_some(at),
        }
    }

    /// Why a cell has no number. Its run is made again, to find where it differs.
    fn failed(&self, wrong: Disagreement, place: Option<(&TimedModel, &Sandbox)>) -> Failed {
        let at = wrong.at;
        if let Some(with) = wrong.with {
            return Failed {
                failure: Failure::new(Exit::Rejected, self.differs_from(with))
                    .about(format_args!("cell {}", self.planned[at].name))
                    .with_hint("leave --parity off out, to see which of them is wrong"),
                wrong_cell: Some(at),
            };
        }
        match (wrong.failure, place) {
            (Some(failure), _) => self.of_cell(at, failure),
            (None, Some((model, sandbox))) => self.of_cell(at, self.explain(at, model, sandbox)),
            (None, None) => Failed {
                failure: Failure::new(Exit::Rejected, "its repetitions have other transcripts")
                    .about(format_args!("cell {}", self.planned[at].name)),
                wrong_cell: Some(at),
            },
        }
    }

    fn differs_from(&self, other: usize) -> String {
        format!(
            "its transcript is not that of cell {}, and no number of threads, kernel or packing may \
             change it",
            self.planned[other].name
        )
    }

    fn explain(&self, at: usize, model: &TimedModel, sandbox: &Sandbox) -> RunFailure {
        let again = self.load(at, model);
        let again = again.and_then(|loaded| Ok((self.runner(&loaded)?, loaded)));
        match again {
            Ok((runner, loaded)) => loaded.explain(runner, sandbox),
            Err(failure) => failure,
        }
    }
}
