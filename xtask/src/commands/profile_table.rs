//! The table of `--profile`: every row's time, and the rows add up.

use host::run::{OpProfile, Profile, StepProfile};

use crate::markdown::{Align, table};

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
    let row = |name: &str, calls: String, ns: u64, [reads, macs]: [String; 2]| {
        let (time, share) = (per_step(ns) / 1e3, share(ns));
        let (time, share) = (format!("{time:.1}"), format!("{share:.1} %"));
        [name.to_owned(), calls, time, share, reads, macs]
    };
    let mut rows: Vec<_> = steps
        .ops
        .iter()
        .map(|op| {
            let calls = format!("{:.0}", per_step(op.calls));
            row(op.op.name(), calls, op.ns, rates(op))
        })
        .collect();
    for (name, ns) in [
        ("synchronisation and the rest", steps.rest_ns),
        ("total", steps.wall_ns),
    ] {
        rows.push(row(name, String::new(), ns, Default::default()));
    }
    let title = format!("{kind}, mean of {}", steps.steps);
    let columns = [
        (&title[..], Align::Left),
        ("calls", Align::Right),
        ("µs per step", Align::Right),
        ("share", Align::Right),
        ("GB/s", Align::Right),
        ("GMAC/s", Align::Right),
    ];
    let around = steps.around_products_ns();
    format!(
        "\n{}\neverything around the products with weights: {:.1} µs, {:.1} % of a {kind} step\n",
        table(columns, &rows),
        per_step(around) / 1e3,
        share(around)
    )
}

/// GB/s and GMAC/s of what reads memory or multiplies matrices: what all threads did, in the time of
/// the caller's. A byte or a multiply-accumulate a nanosecond is one.
fn rates(op: &OpProfile) -> [String; 2] {
    let rate = |n: u64| match (n, op.ns) {
        (0, _) | (_, 0) => String::new(),
        (n, ns) => format!("{:.1}", n as f64 / ns as f64),
    };
    let reads = op.bytes.filter(|_| op.is_streaming()).unwrap_or(0);
    let macs = if op.is_streaming() { op.macs } else { 0 };
    [rate(reads), rate(macs)]
}
