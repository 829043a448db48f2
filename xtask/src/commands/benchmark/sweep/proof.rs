//! The proof of a sweep: one replay for all cells of one task.

use host::{
    failure::RunFailure,
    run::{Settled, SharedReplay, TimedModel},
    sandbox::Sandbox,
    task::Task,
};

/// A cell that was measured.
pub struct Measured {
    /// Its place in the sweep.
    pub at: usize,
    /// Its run.
    pub run: Settled,
}

/// A cell that does not agree with others, or with the reference.
pub struct Disagreement {
    /// Its place in the sweep.
    pub at: usize,
    /// With which cell; with the reference if none.
    pub with: Option<usize>,
    /// What the replay says, if it says it.
    pub failure: Option<Box<RunFailure>>,
}

/// The cells of a model, those of one task together.
pub fn groups(cells: Vec<Measured>) -> Vec<Vec<Measured>> {
    let mut groups: Vec<Vec<Measured>> = Vec::new();
    for cell in cells {
        let task = whole(cell.run.task());
        match groups
            .iter_mut()
            .find(|group| whole(group[0].run.task()) == task)
        {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups
}

/// What a replay computes of a task: it does not know where the clock started.
fn whole(task: &Task) -> Task {
    Task {
        depth: 0,
        ..task.clone()
    }
}

/// Replays the task of a group, and compares every cell with the reference.
///
/// # Errors
/// The first cell that the replay does not prove, or that it could not be made for.
pub fn prove(
    group: &[Measured],
    model: &TimedModel,
    sandbox: &Sandbox,
) -> Result<SharedReplay, Disagreement> {
    let wrong = |at, failure| Disagreement {
        at,
        with: None,
        failure,
    };
    let first = &group[0];
    let replay = SharedReplay::of(&first.run, model, sandbox);
    let replay = replay.map_err(|failure| wrong(first.at, Some(Box::new(failure))))?;
    // It was fed the first one's tokens: if that one is wrong, it says nothing about the others.
    match group.iter().find(|cell| !replay.proves(&cell.run)) {
        Some(cell) => Err(wrong(cell.at, None)),
        None => Ok(replay),
    }
}

/// Compares the cells of a group with each other, where nothing is replayed.
///
/// # Errors
/// The first cell whose transcript is not that of the first one.
pub fn agree(group: &[Measured]) -> Result<(), Disagreement> {
    let first = &group[0];
    let checksum = first.run.checksum();
    let is_other = |cell: &&Measured| checksum.is_none() || cell.run.checksum() != checksum;
    match group.iter().find(is_other) {
        Some(cell) => Err(Disagreement {
            at: cell.at,
            with: (cell.at != first.at).then_some(first.at),
            failure: None,
        }),
        None => Ok(()),
    }
}
