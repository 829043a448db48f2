//! The table of `--profile`: every row's time, and the rows add up.

use std::fmt::Write;

use host::run::{OpProfile, Profile, StepProfile};

/// Prefill and decode, a table each.
pub fn profile(profile: &Profile) -> String {
    let mut text = steps("prefill", &profile.prefill);
    if let Some(decode) = &profile.decode {
        text += &steps("decode", decode);
    }
    text
}

fn steps(kind: &str, steps: &StepProfile) -> String {
    let per_step = |n: u64| n as f64 / steps.steps as f64;
    let share = |ns: u64| 100.0 * ns as f64 / steps.wall_ns.max(1) as f64;
    let mut text = format!(
        "\n| {kind}, mean of {} | calls | µs per step | share | GB/s | GMAC/s |\n\
         |---|---:|---:|---:|---:|---:|\n",
        steps.steps
    );
    let mut row = |name: &str, calls: String, ns: u64, rates: (String, String)| {
        let _ = writeln!(
            text,
            "| {name} | {calls} | {:.1} | {:.1} % | {} | {} |",
            per_step(ns) / 1e3,
            share(ns),
            rates.0,
            rates.1
        );
    };
    for op in &steps.ops {
        let calls = format!("{:.0}", per_step(op.calls));
        row(op.op.name(), calls, op.ns, rates(op));
    }
    row(
        "synchronisation and the rest",
        String::new(),
        steps.rest_ns,
        Default::default(),
    );
    row("total", String::new(), steps.wall_ns, Default::default());
    let around = steps.around_products_ns();
    let _ = writeln!(
        text,
        "\neverything around the products with weights: {:.1} µs, {:.1} % of a {kind} step",
        per_step(around) / 1e3,
        share(around)
    );
    text
}

/// GB/s and GMAC/s of what reads memory or multiplies matrices: what all threads did, in the time of
/// the caller's. A byte or a multiply-accumulate a nanosecond is one.
fn rates(op: &OpProfile) -> (String, String) {
    let rate = |n: u64| match (n, op.ns) {
        (0, _) | (_, 0) => String::new(),
        (n, ns) => format!("{:.1}", n as f64 / ns as f64),
    };
    let reads = op.bytes.filter(|_| op.is_streaming()).unwrap_or(0);
    (
        rate(reads),
        rate(if op.is_streaming() { op.macs } else { 0 }),
    )
}
