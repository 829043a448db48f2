//! Runs one case on two sets of kernels and compares everything that they produce.

use std::fmt;

use engine_native::{Isa, KernelChoice, Kernels, Ledger, NonFinite, Op, Recorder, Scalar, Tally};

use crate::fence::{Edge, at_edge};

/// The bits that a kernel computed, or its error.
pub type Output = Result<Vec<u32>, NonFinite>;

/// A check of a set of kernels against the scalar ones.
pub type Check = fn(&dyn Kernels) -> Result<(), Mismatch>;

/// Where a set of kernels differs from the scalar ones.
#[derive(Debug)]
pub struct Mismatch(pub String);

/// Everything that one call produces.
#[derive(Debug, PartialEq)]
struct Outcome {
    output: Output,
    /// What it recorded, under the kernel's name without the ISA.
    recorded: Vec<(String, Tally)>,
}

/// Checks that `candidate` produces the same as the scalar kernels in `case`, which calls one
/// kernel.
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

/// Runs `check` on the kernels of `isa`, with margins around the operands and with inaccessible memory
/// directly before and behind them; skips it if this CPU does not have the ISA.
pub fn assert_passes(isa: Isa, check: Check) {
    match KernelChoice::Only(isa).resolve() {
        Err(reason) => println!("skipped: {reason}"),
        Ok(kernels) => {
            let at_the_fence = |edge| at_edge(edge, || check(&*kernels));
            let results = [
                check(&*kernels),
                at_the_fence(Edge::End),
                at_the_fence(Edge::Start),
            ];
            for result in results {
                if let Err(Mismatch(difference)) = result {
                    panic!("{difference}");
                }
            }
        }
    }
}

/// The bits of `x`, with one value for all NaNs: neither Rust nor the contract specifies the bits
/// of a computed NaN.
pub fn bits(x: &f32) -> u32 {
    if x.is_nan() {
        f32::NAN.to_bits()
    } else {
        x.to_bits()
    }
}

/// An error about a computed value, with [`bits`] applied. Errors about an input keep its bits.
pub fn computed(e: NonFinite) -> NonFinite {
    NonFinite {
        bits: bits(&f32::from_bits(e.bits)),
        ..e
    }
}

fn observe(kernels: &dyn Kernels, case: impl Fn(&dyn Kernels, &mut Recorder) -> Output) -> Outcome {
    let mut ledger = Ledger::default();
    let output = case(kernels, ledger.op(Op::Embed));
    // Under its own ISA or its base's.
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
