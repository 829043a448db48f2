//! Profiles a run: the time of each operation. It takes a run of its own, because timing the
//! operations slows it down; its speed does not go into a receipt.

use std::sync::Arc;

use engine_native::{Engine, Ledger, Op};
use serde::Serialize;

use crate::{
    failure::RunFailure,
    receipt::LedgerRecord,
    task::Task,
    watch::{Phase, Watch},
};

/// The times of a run by operation.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// The prefill, with the choice of the first token.
    pub prefill: StepProfile,
    /// All decode steps together; `None` if there are none.
    pub decode: Option<StepProfile>,
}

/// All steps of one kind together. The times of the operations and `rest_ns` add up to `wall_ns`.
#[derive(Debug, Clone, Serialize)]
pub struct StepProfile {
    /// Number of steps.
    pub steps: u64,
    /// Time of the steps.
    pub wall_ns: u64,
    /// Time outside of kernels: synchronisation, copies for the transcript, and the rest.
    pub rest_ns: u64,
    /// The operations that ran, in the order of the forward pass.
    pub ops: Vec<OpProfile>,
}

/// One operation in all steps of one kind.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OpProfile {
    /// The operation.
    #[serde(serialize_with = "name")]
    pub op: Op,
    /// Kernel calls on all threads.
    pub calls: u64,
    /// Multiply-accumulates on all threads.
    pub macs: u64,
    /// Bytes of weights and KV cache that were read; `None` for a prefill, where positions share
    /// them.
    pub bytes: Option<u64>,
    /// Time on the calling thread.
    pub ns: u64,
}

fn name<S: serde::Serializer>(op: &Op, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(op.name())
}

impl OpProfile {
    /// Whether the operation multiplies with a weight matrix: the main work of a step.
    pub fn is_product(&self) -> bool {
        self.op.is_projection()
            || matches!(self.op, Op::Output | Op::OutputScreen | Op::OutputRefine)
    }

    /// Whether the operation mainly reads weights or the KV cache, so that read rates are
    /// meaningful.
    pub fn is_streaming(&self) -> bool {
        self.is_product() || matches!(self.op, Op::AttentionScores | Op::AttentionValues)
    }
}

impl StepProfile {
    /// Time of everything except products with weight matrices.
    pub fn around_products_ns(&self) -> u64 {
        let products = self.ops.iter().filter(|op| op.is_product());
        let ns: u64 = products.map(|op| op.ns).sum();
        self.wall_ns.saturating_sub(ns)
    }

    /// The profile of the steps between two ledgers of a run.
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
            // Steps are timed from the outside, so their time includes that of all operations.
            rest_ns: wall_ns.saturating_sub(in_kernels),
            ops,
        }
    }
}

impl Profile {
    /// Runs `task` in a new session and times its operations.
    ///
    /// # Errors
    /// The run failed or was interrupted.
    pub fn measure(engine: &Engine, task: &Task, watch: &Watch) -> Result<Self, RunFailure> {
        let mut session = engine.session(task.session_options())?;
        session.set_observer(Arc::new(watch.clone()));
        watch.begin(Phase::Profile, task.work(engine.model().shape()));
        // An untimed run first, so that all pages of the session are mapped, as in the timed runs.
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

/// The mean number of bytes that a decode step of `task` reads, according to the `ledger` of the
/// whole run. `None` if there are no decode steps.
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
        // The first choice belongs to the prefill.
        let in_steps = macs / task.n_generate as u64 * n_steps;
        engine.bytes_read(op, task.kv_type, positions.clone(), in_steps)
    });
    (n_steps > 0).then(|| bytes.sum::<u64>() as f64 / n_steps as f64)
}
