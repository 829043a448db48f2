//! Compares a native run with the replay, value by value, and finds the first operation that
//! differs.

use engine_native::{Op, PositionTrace};

use super::runner::{Recording, Runner};
use crate::{
    divergence::{Difference, Divergence},
    failure::RunFailure,
    replay::{Replay, embedded, op_outputs},
    sandbox::{ModelInput, OpBits, Sandbox},
    task::{PositionRecord, Task, boundary_digest},
    watch::Watch,
};

/// The most differing elements that a message shows.
const SHOWN: usize = 4;

/// Checks that a recording has as many tokens, positions and times as the task requires.
pub fn check_counts(task: &Task, recording: &Recording) -> Option<Divergence> {
    let count = |what, native, expected| {
        (native != expected).then_some(Divergence {
            position: 0,
            layer: None,
            op: None,
            difference: Difference::Count {
                what,
                native,
                expected,
            },
        })
    };
    count("tokens", recording.tokens.len(), task.n_generate)
        .or_else(|| count("positions", recording.traces.len(), task.n_positions()))
        .or_else(|| {
            let n = recording.decode_ns.len();
            count("decode samples", n, task.n_generate - 1)
        })
}

/// The first place, in the order of computation, at which the recording differs from the replay.
pub fn first_divergence(recording: &Recording, replay: &Replay) -> Option<Divergence> {
    let pairs = recording.traces.iter().zip(&replay.records);
    for (index, (trace, record)) in pairs.enumerate() {
        if (trace.position, trace.input) != (index, record.input) {
            return Some(in_head(index, Op::Embed, token(trace.input, record.input)));
        }
        for (layer, reference) in record.boundaries.iter().enumerate() {
            if boundary_digest(trace.boundary(layer)) != *reference {
                return Some(Divergence {
                    position: index,
                    layer: Some(layer),
                    op: None,
                    difference: elements(&[], &[]),
                });
            }
        }
        if let Some(divergence) = in_head_of(index, trace, record) {
            return Some(divergence);
        }
        if let Some(divergence) = token_list(index, trace, recording) {
            return Some(divergence);
        }
    }
    None
}

fn in_head_of(index: usize, trace: &PositionTrace, record: &PositionRecord) -> Option<Divergence> {
    let hidden = elements(&bits(&trace.hidden), &bits(&record.hidden));
    if differs(&hidden) {
        return Some(in_head(index, Op::OutputNorm, hidden));
    }
    match (trace.choice, record.choice) {
        (Some(native), Some(reference)) => {
            if native.token != reference.token {
                let difference = token(native.token, reference.token);
                return Some(in_head(index, Op::GreedyChoice, difference));
            }
            let logit = elements(&[native.logit.to_bits()], &[reference.logit.to_bits()]);
            differs(&logit).then(|| in_head(index, Op::Output, logit))
        }
        (None, None) => None,
        (native, _) => Some(Divergence {
            position: index,
            layer: None,
            op: None,
            difference: Difference::Count {
                what: "choices at one position",
                native: usize::from(native.is_some()),
                expected: usize::from(native.is_none()),
            },
        }),
    }
}

/// Checks that the list of tokens agrees with the trace.
fn token_list(index: usize, trace: &PositionTrace, recording: &Recording) -> Option<Divergence> {
    let chosen = trace.choice?.token;
    // The first position that chooses a token: every position from there on chooses one.
    let first = recording.traces.len() - recording.tokens.len();
    let listed = recording.tokens[index.checked_sub(first)?];
    (listed != chosen).then(|| in_head(index, Op::GreedyChoice, token(listed, chosen)))
}

/// Finds the operation in the layer that differs, by running both sides again.
///
/// # Errors
/// A run failed.
pub fn explain(
    divergence: Divergence,
    task: &Task,
    recording: &Recording,
    runner: &mut dyn Runner,
    (sandbox, model): (&Sandbox, ModelInput),
    watch: &Watch,
) -> Result<Divergence, RunFailure> {
    let Some(layer) = divergence.layer else {
        return Ok(divergence);
    };
    let position = divergence.position;
    let embeddings;
    // Up to this position, the inputs of this layer were found to be equal. Those of the first
    // layer are the embeddings, which are compared below.
    let entering: Vec<&[f32]> = match layer.checked_sub(1) {
        Some(below) => recording.traces[..=position]
            .iter()
            .map(|trace| trace.boundary(below))
            .collect(),
        None => {
            embeddings = embedded(sandbox, model, task, &recording.tokens)?;
            embeddings[..=position].iter().map(Vec::as_slice).collect()
        }
    };
    let mut reference = op_outputs(sandbox, model, task, layer, &entering)?;
    if layer == 0 {
        // The only operation before the first layer.
        reference.insert(0, (Op::Embed, bits(entering[position])));
    }
    let native = runner.op_outputs(task, position, layer, watch)?;
    if let Some((op, difference)) = first_differing(&native, &reference) {
        return Ok(Divergence {
            op: Some(op),
            difference,
            ..divergence
        });
    }
    let recorded = bits(recording.traces[position].boundary(layer));
    let leaving = reference.last().map_or(&[][..], |(_, bits)| bits);
    Ok(Divergence {
        difference: elements(&recorded, leaving),
        ..divergence
    })
}

fn first_differing(native: &[OpBits], reference: &[OpBits]) -> Option<(Op, Difference)> {
    reference.iter().find_map(|(op, reference)| {
        let native = native.iter().find(|(native, _)| native == op);
        let native = native.map_or(&[][..], |(_, bits)| bits);
        let difference = elements(native, reference);
        differs(&difference).then_some((*op, difference))
    })
}

fn in_head(position: usize, op: Op, difference: Difference) -> Divergence {
    Divergence {
        position,
        layer: None,
        op: Some(op),
        difference,
    }
}

fn token(native: u32, reference: u32) -> Difference {
    Difference::Token { native, reference }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn differs(difference: &Difference) -> bool {
    !matches!(difference, Difference::Elements { n_differ: 0, .. })
}

fn elements(native: &[u32], reference: &[u32]) -> Difference {
    let differing = native
        .iter()
        .zip(reference)
        .enumerate()
        .filter(|(_, (native, reference))| native != reference)
        .map(|(i, (&native, &reference))| (i, native, reference));
    let n_missing = native.len().abs_diff(reference.len());
    Difference::Elements {
        n_differ: differing.clone().count() + n_missing,
        n_elements: reference.len(),
        first: differing.take(SHOWN).collect(),
    }
}
