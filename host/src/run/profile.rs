//! Where the time of a run goes, operation by operation: one more run, which is timed inside and
//! therefore gives no speed to a receipt.

use std::sync::Arc;

use engine_native::{Engine, Ledger, Op};
use serde::Serialize;

use crate::{
    failure::RunFailure,
    receipt::LedgerRecord,
    task::Task,
    watch::{Phase, Watch},
};

/// A run, split by operation.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// The prompt, with the choice of the first token.
    pub prefill: StepProfile,
    /// All decode steps together; `None` when the prompt's choice was the only one.
    pub decode: Option<StepProfile>,
}

/// Steps of one kind, all together. The times of the operations and `rest_ns` add up to `wall_ns`.
#[derive(Debug, Clone, Serialize)]
pub struct StepProfile {
    /// Number of steps.
    pub steps: u64,
    /// Their time.
    pub wall_ns: u64,
    /// Synchronisation, copies for the transcript, and whatever else is not in a kernel.
    pub rest_ns: u64,
    /// The operations that ran, in the order of the forward pass.
    pub ops: Vec<OpProfile>,
}

/// One operation in steps of one kind.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OpProfile {
    /// Its name.
    #[serde(serialize_with = "name")]
    pub op: Op,
    /// Calls of its kernels, on all threads.
    pub calls: u64,
    /// Multiply-accumulates, on all threads.
    pub macs: u64,
    /// Bytes of weights and KV cache that were read; `None` for a prefill, where positions share them.
    pub bytes: Option<u64>,
    /// Time of the caller's thread.
    pub ns: u64,
}

fn name<S: serde::Serializer>(op: &Op, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(op.name())
}

impl OpProfile {
    /// Whether it is a product with a matrix of weights, which a step is there for.
    pub fn is_product(&self) -> bool {
        self.op.is_projection()
            || matches!(self.op, Op::Output | Op::OutputScreen | Op::OutputRefine)
    }

    /// Whether its work is to stream weights or the KV cache, so that rates say something.
    pub fn is_streaming(&self) -> bool {
        self.is_product() || matches!(self.op, Op::AttentionScores | Op::AttentionValues)
    }
}

impl StepProfile {
    /// Time of everything but the products with weights.
    pub fn around_products_ns(&self) -> u64 {
        let products = self.ops.iter().filter(|op| op.is_product());
        let ns: u64 = products.map(|op| op.ns).sum();
        self.wall_ns.saturating_sub(ns)
    }

    /// Of what was recorded between two moments of a run.
    fn between(
        (before, after): (&Ledger, &Ledger),
        (steps, wall_ns): (u64, u64),
        bytes: impl Fn(Op, u64) -> Option<u64>,
    ) -> Self {
        let ops = Op::ALL.iter().map(|&op| {
            let (before, after) = (before.total(op), after.total(op));
            let macs = after.tally.macs - before.tally.macs;
            OpProfile {
                op,
                calls: after.tally.calls - before.tally.calls,
                macs,
                bytes: bytes(op, macs),
                ns: (after.time - before.time).as_nanos() as u64,
            }
        });
        let ops: Vec<_> = ops.filter(|op| op.calls > 0).collect();
        let in_kernels: u64 = ops.iter().map(|op| op.ns).sum();
        Self {
            steps,
            wall_ns,
            // The steps' clock is around the operations' one.
            rest_ns: wall_ns.saturating_sub(in_kernels),
            ops,
        }
    }
}

impl Profile {
    /// Runs `task` once more, in a session of its own.
    ///
    /// # Errors
    /// The run failed or was interrupted.
    pub fn measure(engine: &Engine, task: &Task, watch: &Watch) -> Result<Self, RunFailure> {
        let mut session = engine.session(task.session_options())?;
        session.set_observer(Arc::new(watch.clone()));
        watch.begin(Phase::Profile, task.work(engine.model().shape()));
        // As in the timed runs, no page of the session is touched for the first time.
        session
            .generate(&task.prompt, task.n_generate)?
            .next()
            .transpose()?;
        session.set_timed(true);
        let mut run = session.generate(&task.prompt, task.n_generate)?;
        let mut step_ns = Vec::with_capacity(task.n_generate);
        let mut after_prefill = Ledger::default();
        while let Some(step) = run.next() {
            if step_ns.is_empty() {
                after_prefill = run.ledger();
            }
            step_ns.push(step?.elapsed.as_nanos() as u64);
        }
        let start = Ledger::default();
        let no_bytes = |_, _| None;
        let prefill = StepProfile::between((&start, &after_prefill), (1, step_ns[0]), no_bytes);
        let decode_ns = &step_ns[1..];
        let positions = task.prompt.len()..task.n_positions();
        let decode = (!decode_ns.is_empty()).then(|| {
            let bytes =
                |op, macs| Some(engine.bytes_read(op, task.kv_type, positions.clone(), macs));
            let steps = (decode_ns.len() as u64, decode_ns.iter().sum());
            StepProfile::between((&after_prefill, &run.ledger()), steps, bytes)
        });
        Ok(Self { prefill, decode })
    }
}

/// Mean bytes that a decode step of `task` reads, by the `ledger` of the whole run; `None` when there
/// is no such step.
pub fn bytes_per_decoded_token(
    engine: &Engine,
    task: &Task,
    ledger: &[LedgerRecord],
) -> Option<f64> {
    let positions = task.prompt.len()..task.n_positions();
    let n_steps = positions.len() as u64;
    let bytes = Op::ALL.iter().map(|&op| {
        let of_op = ledger.iter().filter(|record| record.op == op.name());
        let macs: u64 = of_op.map(|record| record.multiply_accumulates).sum();
        // One choice is the prompt's.
        let in_steps = macs / task.n_generate as u64 * n_steps;
        engine.bytes_read(op, task.kv_type, positions.clone(), in_steps)
    });
    (n_steps > 0).then(|| bytes.sum::<u64>() as f64 / n_steps as f64)
}
