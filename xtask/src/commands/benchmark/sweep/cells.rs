//! The cells of a sweep, measured and proved.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use host::{
    failure::RunFailure,
    run::{Loaded, NativeRunner, Runner, Settled, TimedModel},
    sandbox::Sandbox,
    watch::Watch,
};

use super::{
    course::Course,
    failed::Failed,
    others::Others,
    outcome::Outcome,
    parts::Parts,
    proof::{Measured, agree, groups, prove},
    reference::Reference,
};
use crate::{
    args::{BenchmarkArgs, Kernel, ParityMode},
    commands::benchmark::{
        other::tolerance,
        settings::{Planned, warn_scalar},
        single::MakeRunner,
    },
    exit::Failure,
    progress::RunProgress,
};

/// A sweep, and what its cells share.
pub struct Sweep<'s> {
    args: &'s BenchmarkArgs,
    planned: &'s [Planned],
    parts: Parts<'s>,
    watch: &'s Watch,
    runner: Option<MakeRunner<'s>>,
}

impl<'s> Sweep<'s> {
    /// Looks at all models and tasks before anything runs.
    ///
    /// # Errors
    /// A file is no model, a task does not fit it, or this CPU does not have the kernels.
    pub fn new(
        args: &'s BenchmarkArgs,
        planned: &'s [Planned],
        watch: &'s Watch,
        runner: Option<MakeRunner<'s>>,
    ) -> Result<Self, Failure> {
        for one in planned {
            one.settings.kernel.resolve().map_err(RunFailure::from)?;
        }
        Ok(Self {
            args,
            planned,
            parts: Parts::of(planned, args.parity)?,
            watch,
            runner,
        })
    }

    /// What is to be done, and how much of it.
    pub fn announcement(&self, seed: u64) -> String {
        self.parts.announcement(seed)
    }

    /// What becomes of all cells, in the order of the command line. They are measured in `order`.
    ///
    /// # Errors
    /// A cell of our engine failed, or is wrong. One of another engine only loses its own number.
    pub fn outcomes(&self, order: &[usize]) -> Result<Vec<Outcome>, Failed> {
        let mut course = Course {
            display: RunProgress::of(self.args.print.progress(), self.watch),
            forecast: self.parts.forecast(),
            n_measured: 0,
            n_replayed: 0,
            n_replays: self.parts.n_tasks(),
        };
        let mut made: Vec<(usize, Outcome)> = Vec::new();
        let mut reference = Reference::new(self.watch);
        // One model after the other, so that no two of them are in memory.
        for model in 0..=self.planned.last().map_or(0, |last| last.cell.model.0) {
            let is_own = |at: &usize| self.planned[*at].cell.model.0 == model;
            let own: Vec<usize> = order.iter().copied().filter(is_own).collect();
            made.extend(self.outcomes_of_model(&own, &mut course, &mut reference)?);
        }
        made.sort_by_key(|(at, _)| *at);
        Ok(made.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// What becomes of the cells of one model, which is read once.
    fn outcomes_of_model(
        &self,
        own: &[usize],
        course: &mut Course,
        reference: &mut Reference,
    ) -> Result<Vec<(usize, Outcome)>, Failed> {
        let settings = &self.planned[own[0]].settings;
        let model = TimedModel::open(&settings.model, settings.i2s_layout, self.watch)
            .map_err(Failure::from)?;
        let mut others = Others::default();
        let ours = self.measure_all(own, &model, course, &mut others)?;
        let mut made = self.prove_ours(groups(ours), &model, course, reference)?;
        let (tolerance, replay) = (tolerance(self.args), |at| self.parts.replay(at));
        made.extend(others.judge(&model, tolerance, course, reference, replay)?);
        Ok(made)
    }

    /// The receipts of our cells, those of one task together.
    fn prove_ours(
        &self,
        groups: Vec<Vec<Measured>>,
        model: &TimedModel,
        course: &mut Course,
        reference: &mut Reference,
    ) -> Result<Vec<(usize, Outcome)>, Failed> {
        let mut made = Vec::new();
        for group in groups {
            if self.args.parity == ParityMode::Off {
                agree(&group).map_err(|wrong| Failed::unreplayed(self.planned, &wrong))?;
                made.extend(
                    group
                        .into_iter()
                        .map(|c| (c.at, c.run.without_proof().into())),
                );
                continue;
            }
            course.begin_replay();
            let sandbox = reference.sandbox()?;
            let start = Instant::now();
            let replay = prove(&group, model, sandbox).map_err(|wrong| {
                let explained = wrong.failure.map(|failure| *failure);
                let failure = explained.unwrap_or_else(|| self.explain(wrong.at, model, sandbox));
                Failed::of_cell(self.planned, wrong.at, failure)
            })?;
            course
                .forecast
                .done(self.parts.replay(group[0].at), start.elapsed());
            let receipt = |cell: Measured| {
                let receipt = replay.receipt(cell.run);
                let receipt = receipt.expect("it proves every cell of its group");
                (cell.at, receipt.into())
            };
            made.extend(group.into_iter().map(receipt));
        }
        Ok(made)
    }

    /// Measures cells in this order. One that other work disturbs has a second try at the end. Those of
    /// other engines go to `others`.
    fn measure_all(
        &self,
        own: &[usize],
        model: &TimedModel,
        course: &mut Course,
        others: &mut Others,
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
            if let Some(other) = &self.planned[at].cell.engine.1 {
                others.measure(at, &self.planned[at], other, model, self.watch)?;
                course.n_measured += 1;
                course.forecast.done(self.parts.runs(at), start.elapsed());
                continue;
            }
            match self.measure(at, model) {
                Ok(run) => measured.push(Measured { at, run }),
                Err(RunFailure::Disturbed(_)) if !is_second => {
                    queue.push((at, true));
                    continue;
                }
                Err(failure) => return Err(Failed::of_cell(self.planned, at, failure)),
            }
            course.n_measured += 1;
            course.forecast.done(self.parts.runs(at), start.elapsed());
        }
        Ok(measured)
    }

    fn measure(&self, at: usize, model: &TimedModel) -> Result<Settled, RunFailure> {
        let loaded = self.load(at, model)?;
        loaded.check_receipt_size()?;
        let is_auto = |planned: &Planned| planned.cell.kernel == Kernel::Auto;
        if self.planned.iter().position(is_auto) == Some(at) {
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

    /// Why a cell has no number: its run is made again, to find where it differs.
    fn explain(&self, at: usize, model: &TimedModel, sandbox: &Sandbox) -> RunFailure {
        let again = self.load(at, model);
        let again = again.and_then(|loaded| Ok((self.runner(&loaded)?, loaded)));
        match again {
            Ok((runner, loaded)) => loaded.explain(runner, sandbox),
            Err(failure) => failure,
        }
    }
}
