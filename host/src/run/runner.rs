//! The engine under test: runs and times a task, and records evidence.

use std::{sync::Arc, time::Duration};

use engine_native::{Engine, Ledger, OpOutput, PositionTrace, RunError, Session};

use crate::{failure::RunFailure, sandbox::OpBits, task::Task, watch::Watch};

/// A timed native run, with the evidence that was recorded at the same time.
#[derive(Debug)]
pub struct Recording {
    /// The tokens that the engine chose.
    pub tokens: Vec<u32>,
    /// One trace for each position that was fed.
    pub traces: Vec<PositionTrace>,
    /// Time of feeding the prompt up to the task's depth, before the prefill; `None` without a depth.
    pub depth_ns: Option<u64>,
    /// Time of the prefill step, which ends when the first token is chosen.
    pub prefill_ns: u64,
    /// Time of each decode step, `[n_generate − 1]`.
    pub decode_ns: Vec<u64>,
    /// The kernels that ran.
    pub ledger: Ledger,
}

/// An engine under test: [`NativeRunner`], or a sabotaged one in tests.
pub trait Runner {
    /// Runs and times the task once.
    ///
    /// # Errors
    /// The run failed or was interrupted.
    fn record(&mut self, task: &Task, watch: &Watch) -> Result<Recording, RunFailure>;

    /// As [`Runner::record`], but each step's traces go to `take` as soon as its token is chosen, and the
    /// recording has none.
    ///
    /// # Errors
    /// As for [`Runner::record`].
    fn record_to(
        &mut self,
        task: &Task,
        watch: &Watch,
        take: &mut dyn FnMut(Vec<PositionTrace>),
    ) -> Result<Recording, RunFailure> {
        let mut recording = self.record(task, watch)?;
        take(std::mem::take(&mut recording.traces));
        Ok(recording)
    }

    /// Runs the task again without timing it, and returns the outputs of every operation of `layer`
    /// at `position`.
    ///
    /// # Errors
    /// The run failed or was interrupted.
    fn op_outputs(
        &mut self,
        task: &Task,
        position: usize,
        layer: usize,
        watch: &Watch,
    ) -> Result<Vec<OpBits>, RunFailure>;
}

/// The native engine, with a session that fits one task.
pub struct NativeRunner {
    session: Session,
}

impl NativeRunner {
    /// Makes a session of `engine` for `task`.
    ///
    /// # Errors
    /// The task does not fit the model.
    pub fn new(engine: &Engine, task: &Task) -> Result<Self, RunError> {
        let shape = engine.model().shape();
        shape.check_run(&task.prompt, task.n_generate)?;
        let session = engine.session(task.session_options())?;
        Ok(Self { session })
    }
}

impl Runner for NativeRunner {
    fn record(&mut self, task: &Task, watch: &Watch) -> Result<Recording, RunFailure> {
        let mut traces = Vec::with_capacity(task.n_positions());
        let recording = self.record_to(task, watch, &mut |step| traces.extend(step))?;
        Ok(Recording {
            traces,
            ..recording
        })
    }

    fn record_to(
        &mut self,
        task: &Task,
        watch: &Watch,
        take: &mut dyn FnMut(Vec<PositionTrace>),
    ) -> Result<Recording, RunFailure> {
        self.session.set_observer(Arc::new(watch.clone()));
        let mut step_ns = Vec::with_capacity(task.n_generate);
        let mut tokens = Vec::with_capacity(task.n_generate);
        let mut run = self.session.generate(&task.prompt, task.n_generate)?;
        let depth_ns = match task.depth {
            0 => None,
            depth => Some(nanoseconds(run.feed_ahead(depth)?)),
        };
        for step in run {
            let step = step?;
            let elapsed = step.elapsed;
            #[cfg(feature = "slow-step")]
            let elapsed = slow_step::stretch(elapsed);
            step_ns.push(nanoseconds(elapsed));
            tokens.push(step.choice.token);
            take(step.positions);
        }
        let decode_ns = step_ns.split_off(1);
        Ok(Recording {
            tokens,
            traces: Vec::new(),
            depth_ns,
            prefill_ns: step_ns[0],
            decode_ns,
            ledger: self.session.ledger(),
        })
    }

    fn op_outputs(
        &mut self,
        task: &Task,
        position: usize,
        layer: usize,
        watch: &Watch,
    ) -> Result<Vec<OpBits>, RunFailure> {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.session.set_probe(Box::new(move |point, output| {
            if (point.position, point.layer) == (position, layer) {
                // Sending cannot fail: the receiver outlives the session's run.
                let _ = sender.send((point.op, bits(output)));
            }
        }));
        let ran = self.run_to(task, position, watch);
        self.session.clear_probe();
        ran.map(|()| receiver.try_iter().collect())
    }
}

/// A coarse clock may measure 0 ns, of which no rate can be computed.
fn nanoseconds(elapsed: Duration) -> u64 {
    (elapsed.as_nanos() as u64).max(1)
}

impl NativeRunner {
    /// Runs the task until `position` has been fed.
    fn run_to(&mut self, task: &Task, position: usize, watch: &Watch) -> Result<(), RunFailure> {
        self.session.set_observer(Arc::new(watch.clone()));
        for step in self.session.generate(&task.prompt, task.n_generate)? {
            let fed = step?.positions;
            if fed.iter().any(|trace| trace.position == position) {
                break;
            }
        }
        Ok(())
    }
}

/// A slowdown of known size, by which comparisons are tested. No release has it.
#[cfg(feature = "slow-step")]
mod slow_step {
    use std::time::{Duration, Instant};

    /// Spins for as many percent of a step as the variable `SLOW_STEP_PERCENT` said at build time, and
    /// returns the time of both.
    pub(super) fn stretch(step: Duration) -> Duration {
        let percent = option_env!("SLOW_STEP_PERCENT").and_then(|text| text.parse().ok());
        let more = step * percent.unwrap_or(0) / 100;
        let start = Instant::now();
        while start.elapsed() < more {
            std::hint::spin_loop();
        }
        step + start.elapsed()
    }
}

fn bits(output: OpOutput) -> Vec<u32> {
    match output {
        OpOutput::F32(x) => x.iter().map(|x| x.to_bits()).collect(),
        OpOutput::I8(x) => x.iter().map(|x| u32::from(x.cast_unsigned())).collect(),
    }
}
