//! Runs one case on two sets of kernels and compares all that a kernel leaves behind.

use std::fmt;

use engine_native::{Isa, KernelChoice, Kernels, Ledger, NonFinite, Op, Recorder, Scalar, Tally};

/// Bits of what a kernel computed, or its error.
pub type Output = Result<Vec<u32>, NonFinite>;

/// A check of a set of kernels against the scalar ones.
pub type Check = fn(&dyn Kernels) -> Result<(), Mismatch>;

/// Where a set of kernels differs from the scalar ones.
#[derive(Debug)]
pub struct Mismatch(pub String);

/// All that one call leaves behind.
#[derive(Debug, PartialEq)]
struct Outcome {
    output: Output,
    /// What was recorded, under the kernel's name without its ISA.
    recorded: Vec<(String, Tally)>,
}

/// Passes if `candidate` does the same as the scalar kernels in `case`, which calls one kernel.
pub fn compare(
    candidate: &dyn Kernels,
    what: impl fmt::Display,
    case: impl Fn(&dyn Kernels, &mut Recorder) -> Output,
) -> Result<(), Mismatch> {
    let (expected, found) = (observe(&Scalar, &case), observe(candidate, &case));
    if expected == found {
        return Ok(());
    }
    let difference = describe(&expected, &found);
    Err(Mismatch(format!("{what}: {difference}")))
}

/// Runs `check` on the kernels of `isa`, or says that this CPU cannot.
pub fn assert_passes(isa: Isa, check: Check) {
    match KernelChoice::Only(isa).resolve() {
        Err(reason) => println!("skipped: {reason}"),
        Ok(kernels) => {
            if let Err(Mismatch(difference)) = check(&*kernels) {
                panic!("{difference}");
            }
        }
    }
}

/// NaN is one value here: neither Rust nor the contract says which bits arithmetic gives it.
pub fn bits(x: &f32) -> u32 {
    if x.is_nan() {
        f32::NAN.to_bits()
    } else {
        x.to_bits()
    }
}

/// An error over a computed value, as [`bits`] has it. Errors over an input keep its very bits.
pub fn computed(e: NonFinite) -> NonFinite {
    NonFinite {
        bits: bits(&f32::from_bits(e.bits)),
        ..e
    }
}

fn observe(kernels: &dyn Kernels, case: impl Fn(&dyn Kernels, &mut Recorder) -> Output) -> Outcome {
    let mut ledger = Ledger::default();
    let output = case(kernels, ledger.op(Op::Embed));
    // Its own, or its base's.
    let name = |id: String| {
        let mut names = Isa::ALL.iter().filter_map(|isa| {
            let name = id.strip_suffix(isa.as_str())?.strip_suffix('_')?;
            Some(name.to_owned())
        });
        names.next().unwrap_or(id.clone())
    };
    let entries = ledger.entries().into_iter();
    Outcome {
        output,
        recorded: entries.map(|e| (name(e.kernel), e.tally)).collect(),
    }
}

fn describe(expected: &Outcome, found: &Outcome) -> String {
    let (Ok(a), Ok(b)) = (&expected.output, &found.output) else {
        let brief = |o: &Output| o.as_ref().map(|_| "a result").map_err(|e| *e);
        let (a, b) = (brief(&expected.output), brief(&found.output));
        return format!("expected {a:x?}, found {b:x?}");
    };
    match a.iter().zip(b).position(|(a, b)| a != b) {
        None => format!(
            "expected {:?}, found {:?}",
            expected.recorded, found.recorded
        ),
        Some(i) => format!("element {i}: expected {:#010x}, found {:#010x}", a[i], b[i]),
    }
}
