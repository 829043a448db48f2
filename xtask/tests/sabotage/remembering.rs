//! What the verifier would refuse of right tokens: an engine that remembers what it has decoded, at a
//! speed that no new prompt would have, and a run that other work disturbed.

use host::{receipt::Receipt, run::Recording};
use xtask::exit::Exit;

use crate::{
    Bench, OLD_RECEIPT,
    recordings::{Run, edited},
};

impl Bench {
    fn receipt_of(&self, edit: impl Fn(Run, &mut Recording) + Clone + 'static) -> Receipt {
        assert_eq!(self.run(&edited(edit)).unwrap(), Exit::Done);
        serde_json::from_slice(&std::fs::read(self.receipt()).unwrap()).unwrap()
    }

    /// A line with these parts, and the old receipt where it was.
    fn assert_unwritten(
        &self,
        edit: impl Fn(Run, &mut Recording) + Clone + 'static,
        parts: &[&str],
    ) {
        let failure = self.run(&edited(edit)).expect_err("nothing is written");
        assert_eq!(failure.exit, Exit::Rejected);
        let message = failure.error.to_string();
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
        let old = std::fs::read_to_string(self.receipt()).unwrap();
        assert_eq!(old, OLD_RECEIPT, "{message}");
    }
}

/// Times of a fast machine that nothing disturbs, so that the test depends on none.
fn quiet(r: &mut Recording) {
    r.prefill_ns = 600_000;
    r.decode_ns.fill(100_000);
}

/// Neither warm-up shows it the prompt, so the first repetition is slow, and in the second measurement
/// the control run is.
#[test]
fn an_engine_that_remembers_has_no_number() {
    // What it has seen, it looks up in an eighth of the time.
    let remembering = |run: Run, r: &mut Recording| {
        quiet(r);
        if run.is_repeated {
            r.decode_ns.fill(12_500);
        }
    };
    let refused = "a verifier would reject the times of two measurements (physics_caching: ";
    Bench::of_tokens(40).assert_unwritten(
        remembering,
        &[refused, "decode step of repetition ", "in the control run"],
    );
}

/// One that only looks up tokens is faster than any machine.
#[test]
fn an_engine_that_looks_up_is_faster_than_any_machine() {
    let looked_up = |run: Run, r: &mut Recording| {
        quiet(r);
        if run.is_repeated {
            r.decode_ns.fill(1_000);
        }
    };
    Bench::of_tokens(40)
        .assert_unwritten(looked_up, &["would reject the receipt (physics_decode: "]);
}

/// Other programs had the cores during the first repetition: everything is measured again, once, and
/// the receipt says so.
#[test]
fn a_disturbed_measurement_is_made_again() {
    let disturbed = |run: Run, r: &mut Recording| {
        quiet(r);
        // The warm-up, then the first of three repetitions.
        if run.index == 1 {
            r.decode_ns.fill(300_000);
        }
    };
    let bench = Bench::of_tokens(40);
    let receipt = bench.receipt_of(disturbed);
    assert_eq!(receipt.run.attempts, Some(2));
    let discarded = receipt.samples.discarded.unwrap();
    let [discarded] = &discarded[..] else {
        panic!("{discarded:?}");
    };
    let because =
        "physics_caching: decode step of repetition 2: 3.00 times as fast as in repetition 0";
    assert!(discarded.because.starts_with(because), "{discarded:?}");
    assert_eq!(discarded.decode_ns[0], [300_000; 39]);
    assert_eq!(discarded.control_decode_ns, [100_000; 39]);
    assert_eq!(discarded.prefill_ns.len(), 3);
    assert_eq!(receipt.samples.decode_ns, [[100_000; 39]; 3]);

    // Disturbed again, it ends.
    let always = |run: Run, r: &mut Recording| {
        quiet(r);
        // And the control run, after three repetitions.
        if [1, 4].contains(&run.index) {
            r.decode_ns.fill(300_000);
        }
    };
    let parts = ["physics_caching", "run again when the machine is quiet"];
    Bench::of_tokens(40).assert_unwritten(always, &parts);
}

/// An engine's own times against those of the system.
#[test]
fn steps_that_take_longer_than_the_run() {
    let slow = |_: Run, r: &mut Recording| r.prefill_ns = 3_600_000_000_000;
    let parts = [
        "would reject the receipt (witness_times: ",
        "its steps take 36",
    ];
    Bench::new().assert_unwritten(slow, &parts);
}

#[test]
fn a_quiet_measurement_is_made_once() {
    let receipt = Bench::of_tokens(40).receipt_of(|_, r| quiet(r));
    assert_eq!(receipt.run.attempts, Some(1));
    assert_eq!(receipt.samples.discarded, Some(vec![]));
    let witness = receipt.samples.witness.unwrap();
    assert_eq!(witness.len(), 3);
}
