//! An engine that remembers what it has decoded: right tokens, bit for bit, at a speed that no new
//! prompt would have.

use std::collections::HashSet;

use engine_native::Scalar;
use host::{
    cancel::Cancel,
    run::{Loaded, RunFailure},
    task::{OpBits, Recording, Runner, Task},
    verify::{Checked, Outcome, Policy},
};
use xtask::exit::Exit;

use crate::{Bench, with_kernels};

/// What it has seen, it looks up in a microsecond a step.
struct Remembering {
    inner: Box<dyn Runner>,
    seen: HashSet<Vec<u32>>,
}

impl Runner for Remembering {
    fn record(&mut self, task: &Task, cancel: &Cancel) -> Result<Recording, RunFailure> {
        let mut recording = self.inner.record(task, cancel)?;
        if !self.seen.insert(task.prompt.clone()) {
            recording.decode_ns.fill(1_000);
        }
        Ok(recording)
    }

    fn op_outputs(
        &mut self,
        task: &Task,
        position: usize,
        layer: usize,
        cancel: &Cancel,
    ) -> Result<Vec<OpBits>, RunFailure> {
        self.inner.op_outputs(task, position, layer, cancel)
    }
}

fn remembering(loaded: &Loaded) -> Box<dyn Runner> {
    Box::new(Remembering {
        inner: with_kernels(loaded, Scalar),
        seen: HashSet::new(),
    })
}

/// The warm-up does not show it the prompt, so the first repetition is slow.
#[test]
fn what_was_decoded_before_shows_in_the_receipt() {
    let bench = Bench::of_tokens(40);
    assert_eq!(bench.run(&remembering).unwrap(), Exit::Done);
    let mut checked = Checked::read(&std::fs::read(bench.receipt()).unwrap()).unwrap();
    checked.with_policy(&Policy::default());
    let verdict = checked.verdict();
    let failed = verdict.rules.iter().filter(|r| r.outcome == Outcome::Fail);
    let failed: Vec<_> = failed.map(|r| (r.rule, r.evidence.as_str())).collect();
    let [("physics_caching", evidence)] = failed[..] else {
        panic!("{failed:?}");
    };
    assert!(
        evidence.starts_with("decode step of repetition "),
        "{evidence}"
    );
}
