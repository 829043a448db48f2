//! Compares the runs of two programs: their tokens, their work, and only then their times.
//!
//! # Which figure of a process
//! Other work on the machine only adds time, and not evenly: a step of 40 µs that loses its core takes
//! some milliseconds. So a process's figure is taken from its undisturbed steps: [`step_ns`], the mean
//! over all positions of the lower quartile of the steps of 16 neighbouring positions, in all repetitions.
//!
//! In traces of 500 processes of the tiny model beside other builds, one after the other, the figures of
//! two neighbouring processes differed by these standard deviations:
//!
//! | figure of a process (10 repetitions of 127 steps) | other core kept busy | shared with builds |
//! |---|---:|---:|
//! | table | | |
//!
//! The smallest step and the 5th percentile hold nearly as well, but they are those of the first positions:
//! a program that becomes slow at depth has the same. The lower quartile of neighbours counts every
//! position, and stays the same while up to three quarters of the steps are disturbed. It does not see
//! what slows down fewer than a quarter of the steps; the receipts' own rates, which are means, do.
//!
//! # Which interval
//! Processes take turns in pairs; chance decides which of a pair goes first. If both are the same program,
//! the sign of each pair's log-ratio is therefore a coin, whatever the noise and its drift are, and the
//! interval of Wilcoxon's signed ranks ([`in_turns`]) holds exactly. Bootstrap intervals of the mean or the median are too narrow
//! for ten or twenty pairs: with 99.9 % asked for, 1.4 % of comparisons of equal programs found a
//! difference, in the same traces.
//!
//! More pairs are run until the interval is as narrow as was asked for, or the budget is spent. Its
//! *width* ends the comparison, never its place: stopping as soon as it excludes 1 would find a
//! difference in the end, wherever there is none. `xtask/tests/compare/traces.rs` repeats this with recorded
//! traces, with the rule for stopping.
//!
//! # Receipts of different times
//! Receipts that did not take turns ([`apart`]) have a problem that more samples do not solve: within
//! minutes, the same program on the same machine was up to 10 % slower, although its repetitions agreed
//! among each other; two receipts of ten repetitions each, minutes apart, had 99.9 % intervals that excluded each other in up to
//! 64 % of cases. So a drift is allowed for, and only what lies beyond it is a verdict.

mod difference;
mod figure;
mod likeness;
mod side;
mod work;

pub use difference::{Difference, Times, Verdict, apart, in_turns};
pub use figure::{Figure, prefill_ns, step_ns};
pub use likeness::{Aspect, Likeness};
pub use side::{clock_stands_still, differences_apart, differences_in_turns};
pub use work::{Work, compare_work};
