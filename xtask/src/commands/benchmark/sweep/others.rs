//! The cells of other engines: measured like ours, and judged by the reference. One that is rejected, or
//! whose engine fails, loses its own number and no other.

use std::{collections::HashMap, sync::Arc, time::Instant};

use host::{
    receipt::EngineModel,
    run::{TimedModel, external::Judged},
};

use super::{
    cells::Sweep,
    course::Course,
    failed::Failed,
    outcome::{Made, Outcome},
    reference::Reference,
};
use crate::{
    commands::benchmark::{
        no_number::NoNumber,
        other::{self, Other, OtherRun},
    },
    exit::{Exit, Failure},
};

/// The cells of other engines of one model.
#[derive(Default)]
pub struct Others {
    measured: Vec<(usize, OtherRun)>,
    failed: Vec<(usize, NoNumber)>,
    /// By the place of an engine the file that it reads, which is compared with the model once.
    files: HashMap<usize, Option<EngineModel>>,
}

impl Sweep<'_> {
    /// Measures a cell of another engine.
    ///
    /// # Errors
    /// Ctrl-C.
    pub(super) fn measure_other(
        &self,
        at: usize,
        other: &Arc<Other>,
        model: &TimedModel,
        others: &mut Others,
    ) -> Result<(), Failed> {
        match self.run_other(at, other, model, &mut others.files) {
            Ok(run) => others.measured.push((at, run)),
            Err(failure) if failure.exit == Exit::Interrupted => return Err(failure.into()),
            Err(failure) => others.failed.push((at, failure.into())),
        }
        Ok(())
    }

    fn run_other(
        &self,
        at: usize,
        other: &Other,
        model: &TimedModel,
        files: &mut HashMap<usize, Option<EngineModel>>,
    ) -> Result<OtherRun, Failure> {
        let planned = &self.planned[at];
        let engine = planned.cell.engine.0;
        let file = match files.get(&engine) {
            Some(file) => file.clone(),
            None => {
                let file = other::file(other, &planned.settings, model, self.watch)?;
                files.insert(engine, file.clone());
                file
            }
        };
        other::measure(planned, other, file, model, self.watch)
    }

    /// Judges all runs. One replay is enough for those of one task and the same tokens, whichever engine
    /// chose them.
    ///
    /// # Errors
    /// The reference cannot be started, or Ctrl-C.
    pub(super) fn judge_others(
        &self,
        others: Others,
        model: &TimedModel,
        course: &mut Course,
        reference: &mut Reference,
    ) -> Result<Vec<(usize, Outcome)>, Failed> {
        let failed = others.failed.into_iter();
        let mut outcomes: Vec<(usize, Outcome)> = failed
            .map(|(at, no_number)| (at, Outcome::Without(no_number)))
            .collect();
        for group in of_same_tokens(others.measured) {
            course.begin_replay();
            let (sandbox, start) = (reference.sandbox()?, Instant::now());
            let tolerance = other::tolerance(self.args);
            let judged = other::judge(&group[0].1, model, tolerance, sandbox);
            let judged = judged.map_err(Failure::from)?;
            for (at, run) in group {
                course.forecast.done(self.replay(at), start.elapsed());
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
