//! What the receipt says of its machine.

use host::{
    plain::plain,
    receipt::{Evidence, SystemState},
};
use maud::{Markup, html};

use super::{subject::Subject, text::number};
use crate::units;

/// A line of the list.
type Line = (&'static str, String);

/// The machine, the build, and how quiet the run was.
pub fn machine(subject: &Subject) -> Markup {
    let (claim, receipt) = (&subject.summary.claimed, &subject.receipt);
    let model = &subject.summary.model;
    let mut lines: Vec<Line> = vec![
        ("CPU", claim.cpu.clone()),
        (
            "Cores",
            format!("{} ({} logical)", claim.physical_cores, claim.logical_cores),
        ),
        ("Memory", units::bytes(receipt.host.memory_bytes)),
        (
            "System",
            format!("{}, {}", claim.os, plain(&receipt.host.kernel, 120)),
        ),
        ("Features", plain(&receipt.host.cpu_features.join(" "), 400)),
        (
            "Model",
            format!("{}, {}", model.file_name, units::bytes(model.file_bytes)),
        ),
        ("KV cache", claim.kv_type.clone()),
        ("Build", format!("{}, {}", claim.build, claim.profile)),
    ];
    if let Some(hypervisor) = claim.hardware.as_ref().and_then(|h| h.hypervisor.clone()) {
        lines.insert(3, ("Hypervisor", hypervisor));
    }
    if let Some(governor) = &receipt.host.governor {
        lines.push(("Governor", plain(governor, 120)));
    }
    if let Some(evidence) = &receipt.evidence {
        lines.extend(quiet(evidence));
    }
    html! {
        dl { @for (name, value) in &lines { dt { (name) } dd { (value) } } }
    }
}

/// What the system said before and after the run, as far as it says anything.
fn quiet(evidence: &Evidence) -> Vec<Line> {
    let both = |value: &dyn Fn(&SystemState) -> Option<f64>, unit: &str| {
        let (before, after) = (value(&evidence.before)?, value(&evidence.after)?);
        Some(format!(
            "{} before, {} after{unit}",
            number(before),
            number(after)
        ))
    };
    let scaled = |n: Option<u64>, length: f64| Some(n? as f64 / length);
    let bandwidth = scaled(evidence.read_bandwidth, 1e9);
    let energy = scaled(evidence.energy_uj, 1e6);
    let pinned = match evidence.pinned {
        true => "threads bound to CPUs",
        false => "not bound to CPUs",
    };
    let lines = [
        (
            "Read bandwidth",
            bandwidth.map(|gb| format!("{} GB/s, measured", number(gb))),
        ),
        ("Threads", Some(pinned.to_owned())),
        ("Load average", both(&|s| s.load_average, "")),
        ("Frequency", both(&|s| scaled(s.frequency_khz, 1e6), " GHz")),
        (
            "Temperature",
            both(&|s| scaled(s.temperature_mc, 1e3), " °C"),
        ),
        (
            "Energy",
            energy.map(|joules| format!("{} J, all packages", number(joules))),
        ),
    ];
    let lines = lines.into_iter();
    lines
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
