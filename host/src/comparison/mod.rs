//! Compares the runs of two programs: their tokens, their work, and only then their times.
//!
//! # Which figure of a process
//! Other work on the machine only adds time, and not evenly: a step of 40 µs that loses its core takes
//! some milliseconds. So a process's figure is taken from its undisturbed steps: [`step_ns`], the mean
//! over all positions of the lower quartile of the steps of 16 neighbouring positions, in all repetitions.
//!
//! The standard deviations of the log-ratio of neighbouring processes, in recorded traces of the tiny
//! model (see `xtask/tests/compare/traces.rs`; ten repetitions of 127 steps a process):
//!
//! | figure of a process | quiet | second core kept busy | beside builds | two threads, quiet | two threads | two threads, one core busy |
//! |---|---:|---:|---:|---:|---:|---:|
//! | lower quartile of neighbours | 1.0 % | 1.6 % | 1.3 % | 1.0 % | 3.9 % | 1.7 % |
//! | smallest step | 1.1 % | 2.0 % | 1.5 % | 1.2 % | 4.6 % | 2.3 % |
//! | 5th percentile | 1.1 % | 2.0 % | 1.4 % | 1.1 % | 3.9 % | 2.2 % |
//! | 25th percentile | 1.8 % | 2.1 % | 1.5 % | 1.7 % | 4.2 % | 2.4 % |
//! | median | 2.7 % | 2.1 % | 1.6 % | 2.5 % | 4.7 % | 2.4 % |
//! | mean | 3.0 % | 21.0 % | 26.6 % | 2.8 % | 24.7 % | 30.2 % |
//!
//! The smallest step and the low percentiles are also those of the first positions: a program that becomes
//! slow at depth has the same ones. The lower quartile of neighbours counts every position. It does not see
//! what slows down fewer than three quarters of the steps; the receipts' own rates, which are means, do.
//!
//! # Which interval
//! Processes take turns in pairs; chance decides which of a pair goes first. If both are the same program,
//! the sign of each pair's log-ratio is therefore a coin, whatever the noise and its drift are, and the
//! interval of Wilcoxon's signed ranks ([`in_turns`]) holds exactly. Bootstrap intervals of the mean or the
//! median are too narrow for ten or twenty pairs: with 99.9 % asked for, 1.4 % of comparisons of equal
//! programs found a difference, in the first of these traces.
//!
//! More pairs are run until the interval is as narrow as was asked for, or the budget is spent. Its
//! *width* ends the comparison, never its place: stopping as soon as it excludes 1 would find a
//! difference in the end, wherever there is none. `xtask/tests/compare/traces.rs` repeats this with recorded
//! traces, with the rule for stopping.
//!
//! # Receipts of different times
//! Receipts that did not take turns ([`apart`]) have a problem that more samples do not solve: within
//! minutes, the figure of one program changed by up to 10 % in the traces with one thread, and by up to half
//! with two, although the repetitions of a process agreed with each other: of two receipts of ten repetitions,
//! minutes apart, up to 64 % would have been found different with 99.9 % confidence. So a drift is allowed
//! for, and only what lies beyond it is a verdict.

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
