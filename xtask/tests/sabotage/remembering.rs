//! An engine that remembers what it has decoded: right tokens, bit for bit, at a speed that no new
//! prompt would have.

use host::{
    run::Recording,
    verify::{Checked, Outcome, Policy},
};
use xtask::exit::Exit;

use crate::{
    Bench,
    recordings::{Run, edited},
};

/// The warm-up does not show it the prompt, so the first repetition is slow.
#[test]
fn what_was_decoded_before_shows_in_the_receipt() {
    // What it has seen, it looks up in a microsecond a step.
    let remembering = edited(|run: Run, r: &mut Recording| {
        if run.is_repeated {
            r.decode_ns.fill(1_000);
        }
    });
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
