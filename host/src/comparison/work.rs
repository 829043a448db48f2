//! Work before time: figures without noise. If one of them differs, the programs do not do the same, and
//! the times are no surprise.

use serde::Serialize;

use crate::{receipt::Receipt, verify::LeastWork};

/// A figure of work on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Work {
    /// What is counted.
    pub what: &'static str,
    /// Its number on each side, old and new; `None` where it was not counted.
    pub counts: [Option<u64>; 2],
    /// Whether both sides have the same number; `None` where one has none.
    pub is_equal: Option<bool>,
}

/// Counts of instructions that differ by less than this share are equal. Two counts of one build under callgrind
/// differed by up to 40,000: by 0.02 % of the smallest runs, and of others by less.
const SAME_INSTRUCTIONS: f64 = 1e-3;

impl Work {
    /// Instructions of each side. No count of them is exact: addresses and the digits of times that a process
    /// prints change it a little, so that those that differ by less than 0.1 % are equal.
    pub fn of_instructions(what: &'static str, counts: [Option<u64>; 2]) -> Self {
        let is_near = |(old, new): (u64, u64)| {
            old.abs_diff(new) as f64 <= SAME_INSTRUCTIONS * old.max(new) as f64
        };
        Self {
            what,
            counts,
            is_equal: counts[0].zip(counts[1]).map(is_near),
        }
    }

    fn new(
        what: &'static str,
        receipts: [&Receipt; 2],
        of: impl Fn(&Receipt) -> Option<u64>,
    ) -> Self {
        let counts = receipts.map(of);
        Self {
            what,
            counts,
            is_equal: counts[0].zip(counts[1]).map(|(old, new)| old == new),
        }
    }
}

/// The work of a run on each side. Receipts of one side do the same work, so one of each is enough.
///
/// Another engine has no ledger, so that its work is not known.
///
/// - The ledger's multiply-accumulates and kernel calls are the writer's count of the run itself. They
///   see a skipped operation or another order of work, and not how fast a kernel is.
/// - The shape's multiply-accumulates and bytes are derived from the model and the task. They see no
///   program at all: only another model, depth or cache type. A program that reads weights twice has the
///   same number.
/// - Instructions are counted by the CPU, where the system permits that, or by callgrind with one thread and
///   the kernels of AVX2. They see more work and other kernels, and not how long an instruction waits for
///   memory.
/// - Fuel is the sandbox's, so that it sees the reference and the task, and never the engine.
pub fn compare_work(old: &Receipt, new: &Receipt) -> Vec<Work> {
    let sides = [old, new];
    let of_shape = |pick: fn(LeastWork) -> f64| {
        move |r: &Receipt| Some(pick(LeastWork::of_decode(r)?).round() as u64)
    };
    vec![
        Work::new("multiply-accumulates, ledger", sides, |r| {
            ledger(r, |line| line.multiply_accumulates)
        }),
        Work::new("kernel calls, ledger", sides, |r| {
            ledger(r, |line| line.calls)
        }),
        Work::new(
            "multiply-accumulates of decoding, shape",
            sides,
            of_shape(|work| work.macs),
        ),
        Work::new(
            "bytes of decoding at least, shape",
            sides,
            // Of the output matrix, the ledger says how much of it had to be read.
            |r| {
                r.kernel_ledger
                    .as_ref()
                    .and_then(|_| of_shape(|work| work.bytes)(r))
            },
        ),
        Work::of_instructions("instructions of a repetition, CPU", sides.map(instructions)),
        Work::new("fuel of the replay, sandbox", sides, |r| r.parity.fuel),
    ]
}

fn ledger(r: &Receipt, count: fn(&crate::receipt::LedgerRecord) -> u64) -> Option<u64> {
    let mut lines = r.kernel_ledger.as_ref()?.iter().map(count);
    lines.try_fold(0u64, u64::checked_add)
}

/// The fewest of all repetitions: what comes on top is not the run's.
fn instructions(r: &Receipt) -> Option<u64> {
    let witnesses = r.samples.witness.iter().flatten();
    let counts = witnesses.map(|witness| witness.instructions);
    counts.collect::<Option<Vec<u64>>>()?.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::Work;

    #[test]
    fn instructions_are_never_counted_to_the_last_one() {
        let is_equal = |counts| Work::of_instructions("instructions", counts).is_equal;
        assert_eq!(is_equal([Some(290_405_676), Some(290_411_817)]), Some(true));
        assert_eq!(is_equal([Some(999_000), Some(1_000_000)]), Some(true));
        assert_eq!(is_equal([Some(998_999), Some(1_000_000)]), Some(false));
        assert_eq!(is_equal([Some(0), Some(0)]), Some(true));
        assert_eq!(is_equal([None, Some(1)]), None);
    }
}
