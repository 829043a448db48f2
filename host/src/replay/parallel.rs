//! A replay by several guests at once, each of which computes one unit at a time.

use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use engine_native::PositionTrace;

use super::{
    guesses::Guesses,
    guests::Guests,
    in_order::{Computed, Residuals, enter, fuel_since},
    units::{Head, Run, Unit, heads},
};
use crate::{
    digest::Digest,
    sandbox::{Guest, InSandbox, SandboxError},
    task::{Task, boundary_digest},
};

/// The result of a unit.
pub(super) enum Done {
    Layer {
        /// Digests of the residual streams that leave the layer, `[n_positions]`.
        digests: Vec<Digest>,
        /// The residual streams that leave the layer, if the guess was wrong.
        unexpected: Option<Residuals>,
    },
    Head(Vec<Head>),
}

/// Computes the run from guesses; after a wrong guess, computes the rest in order. `guest` is the
/// first of the guests that work.
pub(super) fn compute<'a>(
    run: &Run,
    (guests, guest): (&Guests<'a>, Guest<InSandbox<'a>>),
    guesses: Guesses,
) -> Result<Computed, SandboxError> {
    let n_layers = guest.shape().n_layers as usize;
    let units = units(run.task(), n_layers, guesses.guests);
    let results = compute_units(run, (guests, guest), &units, guesses);
    join(run, guests, units, results)
}

/// A unit's result, or `None` for a layer above one whose guess was wrong.
pub(super) type UnitResult = Option<Attempt>;

/// A unit's result, with its fuel.
type Attempt = Result<(Done, Option<u64>), SandboxError>;

/// Computes `units` from guesses. `guest` is the first of the guests that work, on this thread.
pub(super) fn compute_units<'a>(
    run: &Run,
    (guests, guest): (&Guests<'a>, Guest<InSandbox<'a>>),
    units: &[Unit],
    guesses: Guesses,
) -> Vec<UnitResult> {
    let mut results: Vec<_> = units.iter().map(|_| None).collect();
    let queue = Queue {
        run,
        guests,
        units,
        next: AtomicUsize::new(0),
        last_layer: AtomicUsize::new(usize::MAX),
    };
    let n_helpers = guesses.guests.min(units.len()).saturating_sub(1);
    let done = thread::scope(|scope| {
        // Where the system gives no more threads, there are fewer guests.
        let start = |_| {
            let work = || queue.work(None, guesses.traces);
            thread::Builder::new().spawn_scoped(scope, work).ok()
        };
        let helpers: Vec<_> = (0..n_helpers).map_while(start).collect();
        let mut done = queue.work(Some(guest), guesses.traces);
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    for (i, result) in done {
        results[i] = Some(result);
    }
    results
}

/// All units, the longest first, so that the guests finish at about the same time: the head at an
/// equal share of the positions for each guest, then every layer.
fn units(task: &Task, n_layers: usize, guests: usize) -> Vec<Unit> {
    let layers = (0..n_layers).map(Unit::Layer);
    heads(task, guests).chain(layers).collect()
}

/// A queue of units, from which workers take the next one.
struct Queue<'u, 'a> {
    run: &'u Run<'u>,
    guests: &'u Guests<'a>,
    units: &'u [Unit],
    next: AtomicUsize,
    /// The lowest layer whose guess was wrong. Layers above it are not worth computing.
    last_layer: AtomicUsize,
}

impl<'a> Queue<'_, 'a> {
    fn work(
        &self,
        mut guest: Option<Guest<InSandbox<'a>>>,
        traces: &[PositionTrace],
    ) -> Vec<(usize, Attempt)> {
        let mut results = Vec::new();
        while let Some((i, unit)) = self.take() {
            let result = self.compute(&mut guest, unit, traces);
            if result.is_err() {
                // The state of a guest is undefined after an error.
                guest = None;
            }
            if let Unit::Layer(layer) = unit
                && !matches!(
                    &result,
                    Ok((
                        Done::Layer {
                            unexpected: None,
                            ..
                        },
                        _
                    ))
                )
            {
                self.last_layer.fetch_min(*layer, Ordering::Relaxed);
            }
            results.push((i, result));
        }
        results
    }

    fn take(&self) -> Option<(usize, &Unit)> {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let unit = self.units.get(i)?;
            let last = self.last_layer.load(Ordering::Relaxed);
            if !matches!(unit, Unit::Layer(layer) if *layer > last) {
                return Some((i, unit));
            }
        }
    }

    fn compute(
        &self,
        guest: &mut Option<Guest<InSandbox<'a>>>,
        unit: &Unit,
        traces: &[PositionTrace],
    ) -> Attempt {
        let run = self.run;
        let guest = match guest {
            Some(guest) => guest,
            None => guest.insert(self.guests.open()?),
        };
        let before = guest.fuel();
        let done = match unit {
            Unit::Layer(layer) => layer_from(run, guest, *layer, traces)?,
            Unit::Head(positions) => {
                let last = guest.shape().n_layers as usize - 1;
                enter(guest, traces.iter().map(|trace| trace.boundary(last)))?;
                Done::Head(run.head(guest, positions.clone())?)
            }
        };
        Ok((done, fuel_since(guest, before)))
    }
}

fn layer_from(
    run: &Run,
    guest: &mut Guest<InSandbox>,
    layer: usize,
    traces: &[PositionTrace],
) -> Result<Done, SandboxError> {
    match layer.checked_sub(1) {
        None => run.embed(guest)?,
        Some(below) => enter(guest, traces.iter().map(|trace| trace.boundary(below)))?,
    }
    let leaving = run.layer(guest, layer)?;
    let expected = traces.iter().map(|trace| trace.boundary(layer));
    let is_expected = leaving.iter().zip(expected).all(|(x, y)| same_bits(x, y));
    Ok(Done::Layer {
        digests: leaving.iter().map(|x| boundary_digest(x)).collect(),
        unexpected: (!is_expected).then_some(leaving),
    })
}

pub(super) fn same_bits(x: &[f32], y: &[f32]) -> bool {
    x.len() == y.len() && x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits())
}

/// Joins the units up to the first wrong guess, and computes the rest in order.
fn join(
    run: &Run,
    guests: &Guests,
    units: Vec<Unit>,
    results: Vec<UnitResult>,
) -> Result<Computed, SandboxError> {
    let mut computed = Computed::new();
    let (heads, layers): (Vec<_>, Vec<_>) = units
        .into_iter()
        .zip(results)
        .partition(|(unit, _)| matches!(unit, Unit::Head(_)));
    for (_, result) in layers.into_iter().chain(heads) {
        let (done, fuel) = result.expect("units are only left out above a wrong guess")?;
        computed.burn(fuel);
        match done {
            Done::Head(heads) => computed.heads.extend(heads),
            Done::Layer {
                digests,
                unexpected,
            } => {
                computed.boundaries.push(digests);
                if let Some(entering) = unexpected {
                    run.finish(&mut guests.open()?, Some(entering), &mut computed)?;
                    return Ok(computed);
                }
            }
        }
    }
    Ok(computed)
}
