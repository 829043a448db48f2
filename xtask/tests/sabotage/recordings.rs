//! Runs that say something else of themselves.

use engine_native::{Choice, Scalar};
use host::{
    failure::RunFailure,
    run::{Loaded, Recording, Runner},
    sandbox::OpBits,
    task::Task,
    watch::Watch,
};
use xtask::exit::Exit;

use crate::{Bench, with_kernels};

/// The right engine, whose recordings are edited before anybody sees them.
struct Edited<F> {
    inner: Box<dyn Runner>,
    /// Of the runs so far.
    prompts: Vec<Vec<u32>>,
    edit: F,
}

/// A run of an [`Edited`] engine.
pub struct Run {
    /// 0 is the warm-up, 1 to 3 are timed.
    pub index: usize,
    /// Whether its prompt was run before.
    pub is_repeated: bool,
}

impl<F: Fn(Run, &mut Recording)> Runner for Edited<F> {
    fn record(&mut self, task: &Task, watch: &Watch) -> Result<Recording, RunFailure> {
        let mut recording = self.inner.record(task, watch)?;
        let run = Run {
            index: self.prompts.len(),
            is_repeated: self.prompts.contains(&task.prompt),
        };
        self.prompts.push(task.prompt.clone());
        (self.edit)(run, &mut recording);
        Ok(recording)
    }

    fn op_outputs(
        &mut self,
        task: &Task,
        position: usize,
        layer: usize,
        watch: &Watch,
    ) -> Result<Vec<OpBits>, RunFailure> {
        self.inner.op_outputs(task, position, layer, watch)
    }
}

/// Makes an engine whose recordings `edit` edits.
pub fn edited<F: Fn(Run, &mut Recording) + Clone + 'static>(
    edit: F,
) -> impl Fn(&Loaded) -> Box<dyn Runner> {
    move |loaded| {
        Box::new(Edited {
            inner: with_kernels(loaded, Scalar),
            prompts: Vec::new(),
            edit: edit.clone(),
        })
    }
}

fn flip_lowest_bit(x: &mut f32) {
    *x = f32::from_bits(x.to_bits() ^ 1);
}

#[test]
fn one_ulp_in_a_hidden_state() {
    Bench::new().assert_refused(
        &edited(|_, r| flip_lowest_bit(&mut r.traces[11].hidden[3])),
        &["position 11, op output_norm: 1 of 256 elements differ; [3] native"],
    );
}

#[test]
fn one_ulp_in_a_residual_stream() {
    Bench::new().assert_refused(
        &edited(|_, r| flip_lowest_bit(&mut r.traces[4].boundaries[2 * 256 + 9])),
        &[
            "position 4, layer 2, op unknown",
            "1 of 256 elements differ; [9] native",
        ],
    );
}

#[test]
fn one_ulp_in_a_logit() {
    Bench::new().assert_refused(
        &edited(|_, r| flip_lowest_bit(&mut r.traces[7].choice.as_mut().unwrap().logit)),
        &["position 7, op output: 1 of 1 elements differ"],
    );
}

#[test]
fn a_constant_output_engine() {
    let constant = |_: Run, r: &mut Recording| {
        r.tokens.fill(7);
        for (i, trace) in r.traces.iter_mut().enumerate() {
            if i > 5 {
                trace.input = 7;
            }
            if let Some(choice) = &mut trace.choice {
                *choice = Choice {
                    token: 7,
                    ..*choice
                };
            }
        }
    };
    Bench::new().assert_refused(
        &edited(constant),
        &["position 5, op greedy_choice: native chose token 7, reference"],
    );
}

#[test]
fn a_token_list_that_is_not_what_was_decoded() {
    Bench::new().assert_refused(
        &edited(|_, r| *r.tokens.last_mut().unwrap() ^= 1),
        &["position 13, op greedy_choice"],
    );
}

#[test]
fn a_count_off_by_one() {
    let short = |_: Run, r: &mut Recording| r.tokens.truncate(8);
    Bench::new().assert_refused(&edited(short), &["tokens: native has 8, the task has 9"]);
    let short = |_: Run, r: &mut Recording| r.traces.truncate(13);
    Bench::new().assert_refused(
        &edited(short),
        &["positions: native has 13, the task has 14"],
    );
    let short = |_: Run, r: &mut Recording| r.decode_ns.truncate(7);
    Bench::new().assert_refused(
        &edited(short),
        &["decode samples: native has 7, the task has 8"],
    );
}

#[test]
fn a_count_off_by_one_names_its_repetition() {
    let third = |run: Run, r: &mut Recording| {
        if run.index == 3 {
            r.tokens.truncate(8);
        }
    };
    Bench::new().assert_refused(&edited(third), &["repetition 2: tokens: native has 8"]);
}

#[test]
fn every_timed_repetition_counts() {
    let second = |run: Run, r: &mut Recording| {
        if run.index == 2 {
            flip_lowest_bit(&mut r.traces[0].hidden[0]);
        }
    };
    Bench::new().assert_refused(
        &edited(second),
        &["repetition 1", "position 0, op output_norm"],
    );
}

#[test]
fn the_warm_up_is_not_evidence() {
    let warm_up = |run: Run, r: &mut Recording| {
        if run.index == 0 {
            flip_lowest_bit(&mut r.traces[0].hidden[0]);
        }
    };
    assert_eq!(Bench::new().run(&edited(warm_up)).unwrap(), Exit::Done);
}
