//! How often a comparison is wrong: comparisons drawn from recorded traces, with the rule that ends them.
//!
//! `traces.txt` has a line for each process of a trace, one after the other: the trace, and in nanoseconds
//! the step by [`step_ns`](host::comparison::step_ns), the smallest step, the 5th, 25th and 50th percentile
//! of all steps, their mean, and the prefill by [`prefill_ns`](host::comparison::prefill_ns). Each process
//! had ten repetitions of 128 tokens of the tiny model after a prompt of 16. Recorded in November 2026 on a
//! virtual machine with two cores of an AMD EPYC (family 26): `quiet` with nothing else running; the others
//! beside compilers and fuzzers, `spin` with the second core kept busy by a loop, `builds` without, `nice` at
//! low priority itself. `two_threads` and its like have two threads instead of one.

use host::{
    comparison::{Difference, Figure, Times, Verdict, in_turns},
    task::SplitMix64,
};

const TRACES: [&str; 7] = [
    "quiet",
    "spin",
    "builds",
    "nice",
    "two_threads_quiet",
    "two_threads",
    "two_threads_spin",
];
const FIGURES: [&str; 7] = [
    "quartile of neighbours",
    "smallest step",
    "5th percentile",
    "25th percentile",
    "median",
    "mean",
    "prefill",
];

/// What the command has by default.
const CONFIDENCE: f64 = 0.999;
const WIDTH: f64 = 0.03;
const MOST_PAIRS: usize = 300;

/// Of each process in a trace, the figure of this index.
fn trace(name: &str, figure: usize) -> Vec<f64> {
    let lines = include_str!("traces.txt").lines();
    let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    let of_trace = words.filter(|words| words[0] == name);
    of_trace
        .map(|words| words[1 + figure].parse().unwrap())
        .collect()
}

fn times(ns: Vec<f64>) -> Times {
    Times {
        figure: Figure::Decode,
        tokens: 1.0,
        ns,
    }
}

/// A comparison with a program that takes `slowdown` times as long. It begins anywhere in the trace and
/// takes neighbours as pairs, in the order that chance decides, until the interval is narrow.
fn compare(trace: &[f64], slowdown: f64, random: &mut SplitMix64) -> Difference {
    let start = (random.next() % trace.len() as u64) as usize;
    let (mut old, mut new) = (times(Vec::new()), times(Vec::new()));
    loop {
        let place = start + 2 * old.ns.len();
        let pair = [trace[place % trace.len()], trace[(place + 1) % trace.len()]];
        let second_first = (random.next() >> 63) as usize;
        old.ns.push(pair[second_first]);
        new.ns.push(pair[1 - second_first] * slowdown);
        let found = in_turns(&old, &new, CONFIDENCE).unwrap();
        let is_narrow = found.width().is_some_and(|width| width <= WIDTH);
        if is_narrow || old.ns.len() == MOST_PAIRS {
            return found;
        }
    }
}

/// How many of `n` comparisons end with each verdict: slower, faster.
fn verdicts(trace: &[f64], slowdown: f64, n: usize) -> [usize; 2] {
    let mut random = SplitMix64::new(17);
    let mut counts = [0, 0];
    for _ in 0..n {
        match compare(trace, slowdown, &mut random).verdict {
            Verdict::Slower => counts[0] += 1,
            Verdict::Faster => counts[1] += 1,
            Verdict::NoDifference => {}
        }
    }
    counts
}

/// At most four alarms in 1,000: with a confidence of 95 %, fewer than 1 in 100 comparisons of equal
/// programs find a difference.
#[test]
fn equal_programs_are_found_equal() {
    for name in TRACES {
        let alarms: usize = verdicts(&trace(name, 0), 1.0, 1000).iter().sum();
        println!("{name}: {alarms} of 1,000 comparisons of equal programs find a difference");
        assert!(alarms <= 4, "{name}: {alarms}");
    }
}

/// 5 % is found 95 times in 100, with room for chance, and never the wrong way round.
#[test]
fn five_percent_are_found() {
    for name in TRACES {
        let trace = trace(name, 0);
        for (slowdown, least) in [(1.02, 80), (1.03, 95), (1.05, 98)] {
            let [slower, faster] = verdicts(&trace, slowdown, 100);
            println!("{name}, {slowdown}: {slower} of 100 are found");
            assert!(slower >= least, "{name}, {slowdown}: {slower}");
            assert_eq!(faster, 0, "{name}, {slowdown}");
        }
    }
}

/// Prefills are shorter and noisier. They end no comparison, but have a verdict of the same kind.
#[test]
fn equal_prefills_are_found_equal() {
    for name in TRACES {
        let (steps, prefills) = (trace(name, 0), trace(name, 6));
        let mut random = SplitMix64::new(23);
        let alarms = (0..1000).filter(|_| {
            let n = compare(&steps, 1.0, &mut random).samples[0];
            let start = (random.next() % prefills.len() as u64) as usize;
            let side = |random: &mut SplitMix64| {
                let pairs = (0..n).map(|i| {
                    let place = start + 2 * i;
                    let first = (random.next() >> 63) as usize;
                    let at = |which: usize| prefills[(place + which) % prefills.len()];
                    (at(first), at(1 - first))
                });
                pairs.unzip()
            };
            let (old, new): (Vec<f64>, Vec<f64>) = side(&mut random);
            let found = in_turns(&times(old), &times(new), CONFIDENCE).unwrap();
            found.verdict != Verdict::NoDifference
        });
        let alarms = alarms.count();
        println!("{name}: {alarms} of 1,000 prefills of equal programs are found different");
        assert!(alarms <= 4, "{name}: {alarms}");
    }
}

/// Why the quartile of neighbours is the figure of a process: among those that count every position, it
/// differs least between neighbouring processes.
#[test]
fn the_figure_of_a_process_holds() {
    for name in TRACES {
        let deviations: Vec<f64> = (0..FIGURES.len())
            .map(|figure| deviation(&trace(name, figure)))
            .collect();
        for (figure, deviation) in FIGURES.iter().zip(&deviations) {
            println!("{name}: {figure}: {:.1} %", 100.0 * deviation);
        }
        let [ours, _, _, quartile, median, mean, _] = deviations[..] else {
            unreachable!()
        };
        assert!(ours < quartile && ours < median, "{name}: {deviations:?}");
        // Where nothing else runs, a mean is less bad.
        let factor = if name.ends_with("quiet") { 2.0 } else { 4.0 };
        assert!(factor * ours < mean, "{name}: {deviations:?}");
    }
}

/// The standard deviation of the log-ratios of neighbouring processes.
fn deviation(trace: &[f64]) -> f64 {
    let ratios = trace.chunks_exact(2).map(|pair| (pair[0] / pair[1]).ln());
    let squares: Vec<f64> = ratios.map(|x| x * x).collect();
    (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
}
