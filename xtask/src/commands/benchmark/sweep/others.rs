//! The cells of other engines: measured like ours, and judged by the reference. One that is rejected, or
//! whose engine fails, loses its own number and no other.

use std::{collections::HashMap, time::Instant};

use host::{
    judge::Tolerance,
    receipt::EngineModel,
    run::{TimedModel, external::Judged},
    watch::Watch,
};

use super::{
    course::Course,
    failed::Failed,
    forecast::Part,
    outcome::{Made, Outcome},
    reference::Reference,
};
use crate::{
    commands::benchmark::{
        no_number::NoNumber,
        other::{self, Other, OtherRun},
        settings::Planned,
    },
    exit::{Exit, Failure},
};

/// The cells of other engines of one model.
#[derive(Default)]
pub struct Others {
    measured: Vec<(usize, OtherRun)>,
    failed: Vec<(usize, NoNumber)>,
    /// By the place of an engine the file that it reads, or why that one cannot be judged. Each is compared
    /// with the model once.
    files: HashMap<usize, Result<Option<EngineModel>, Failure>>,
}

impl Others {
    /// Measures a cell of another engine.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn measure(
        &mut self,
        at: usize,
        planned: &Planned,
        other: &Other,
        model: &TimedModel,
        watch: &Watch,
    ) -> Result<(), Failed> {
        match self.run(planned, other, model, watch) {
            Ok(run) => self.measured.push((at, run)),
            Err(failure) if failure.exit == Exit::Interrupted => return Err(failure.into()),
            Err(failure) => self.failed.push((at, failure.into())),
        }
        Ok(())
    }

    fn run(
        &mut self,
        planned: &Planned,
        other: &Other,
        model: &TimedModel,
        watch: &Watch,
    ) -> Result<OtherRun, Failure> {
        let compared = || other::file(other, &planned.settings, model, watch);
        let file = self.files.entry(planned.cell.engine.0);
        let file = file.or_insert_with(compared).as_ref();
        let file = file.map_err(Failure::again)?.clone();
        other::measure(planned, other, file, model, watch)
    }

    /// Judges all runs. One replay is enough for those of one task and the same tokens, whichever engine
    /// chose them. `replay` is the part of the sweep that a cell's replay is.
    ///
    /// # Errors
    /// The reference failed, or Ctrl-C. No engine can cause it: what cannot be judged, such as too few tokens
    /// or an id that the vocabulary does not have, was refused when it arrived.
    pub fn judge(
        self,
        model: &TimedModel,
        tolerance: Tolerance,
        course: &mut Course,
        reference: &mut Reference,
        replay: impl Fn(usize) -> Part,
    ) -> Result<Vec<(usize, Outcome)>, Failed> {
        let failed = self.failed.into_iter();
        let mut outcomes: Vec<(usize, Outcome)> = failed
            .map(|(at, no_number)| (at, Outcome::Without(no_number)))
            .collect();
        for group in of_same_tokens(self.measured) {
            course.begin_replay();
            let (sandbox, start) = (reference.sandbox()?, Instant::now());
            let judged = other::judge(&group[0].1, model, tolerance, sandbox);
            let judged = judged.map_err(Failure::from)?;
            for (at, run) in group {
                course.forecast.done(replay(at), start.elapsed());
                outcomes.push((at, outcome(run, &judged, model)));
            }
        }
        Ok(outcomes)
    }
}

fn outcome(run: OtherRun, judged: &Judged, model: &TimedModel) -> Outcome {
    match other::receipt(&run, judged, model) {
        Ok(receipt) => Outcome::Made(Box::new(Made {
            receipt,
            reported: run.reported,
            notes: run.notes,
        })),
        Err(failure) => Outcome::Without(failure.into()),
    }
}

/// The runs of one task that have the same tokens, together.
fn of_same_tokens(runs: Vec<(usize, OtherRun)>) -> Vec<Vec<(usize, OtherRun)>> {
    let mut groups: Vec<Vec<(usize, OtherRun)>> = Vec::new();
    for (at, run) in runs {
        let is_like = |group: &&mut Vec<(usize, OtherRun)>| {
            let first = &group[0].1;
            first.task == run.task
                && first.measurement.repetitions[0].tokens == run.measurement.repetitions[0].tokens
        };
        match groups.iter_mut().find(is_like) {
            Some(group) => group.push((at, run)),
            None => groups.push(vec![(at, run)]),
        }
    }
    groups
}
