//! Rules on the second witness of each repetition, and on measurements that were not used. Whoever
//! invents times has to invent these as well, and make all of them agree.

use super::{
    derived,
    found::{equal, within},
};
use crate::{
    receipt::{Receipt, Witness},
    verify::outcome::Rule,
};

pub(super) const RULES: &[Rule] = &[
    ("attempts", attempts),
    ("witness_times", times),
    ("witness_counters", counters),
];

/// The measurement is started again at most once.
const MOST_ATTEMPTS: u64 = 2;

/// The most bytes of a reason for discarding a measurement.
const LONGEST_REASON: u64 = 2000;

/// What a clock of CPU time may be wrong by: the system's tick, on every thread.
pub(in crate::verify) const CPU_CLOCK_TICK_NS: u64 = 10_000_000;

/// The highest clock frequency in cycles per nanosecond, with room above the 6.2 GHz that exist.
const CYCLES_PER_NS: u128 = 8;

/// More instructions than any CPU completes in a cycle.
const INSTRUCTIONS_PER_CYCLE: u128 = 16;

/// The most multiply-accumulates of one instruction: a product of two AMX tiles.
const MACS_PER_INSTRUCTION: u128 = 16 * 16 * 64;

/// More instructions than any kernel takes for a multiply-accumulate, scalar ones included.
const INSTRUCTIONS_PER_MAC: u128 = 100;

/// Instructions between the kernels, for each position: hand-overs, records, waiting in a loop.
const INSTRUCTIONS_PER_POSITION: u128 = 100_000_000;

fn attempts(r: &Receipt) -> Result<(), String> {
    let (Some(attempts), Some(discarded)) = (r.run.attempts, &r.samples.discarded) else {
        // Older schemas have neither.
        return Ok(());
    };
    within("attempts", attempts, 1..=MOST_ATTEMPTS)?;
    equal(&(discarded.len() as u64), &(attempts - 1)).map_err(|e| format!("discarded: {e}"))?;
    for one in discarded {
        let (because, steps) = (one.because.len() as u64, r.run.tokens.saturating_sub(1));
        within("bytes of because", because, 1..=LONGEST_REASON)?;
        // No other rule lets a measurement be made again.
        if !one.because.starts_with("physics_caching: ") {
            return Err("because: allowed is what physics_caching found".into());
        }
        equal(&one.prefill_ns.len(), &one.decode_ns.len())?;
        within(
            "repetitions",
            one.prefill_ns.len() as u64,
            1..=r.run.repetitions,
        )?;
        for decode_ns in one.decode_ns.iter().chain([&one.control_decode_ns]) {
            equal(&(decode_ns.len() as u64), &steps)?;
        }
        let mut times = one.prefill_ns.iter().chain(one.decode_ns.iter().flatten());
        let control = [one.control_prefill_ns]
            .into_iter()
            .chain(one.control_decode_ns.clone());
        if times.any(|&ns| ns == 0) || control.into_iter().any(|ns| ns == 0) {
            return Err("discarded: found a time of 0 ns".into());
        }
    }
    Ok(())
}

/// The witness of each repetition, with its number and the time of its steps.
fn witnessed(r: &Receipt) -> Result<impl Iterator<Item = (usize, &Witness, u64)>, String> {
    let found = r.samples.witness.iter().flatten();
    let times = derived::times(r).ok_or("the times overflow")?;
    Ok(found
        .zip(times)
        .map(|(w, times)| (times.repetition, w, times.total_ns)))
}

fn times(r: &Receipt) -> Result<(), String> {
    if let Some(found) = &r.samples.witness {
        equal(&(found.len() as u64), &r.run.repetitions)?;
    }
    let threads = u128::from(r.run.threads);
    for (i, witness, total_ns) in witnessed(r)? {
        let wall_ns = witness.wall_ns;
        if wall_ns < total_ns {
            return Err(format!(
                "repetition {i}: found {wall_ns} ns, its steps take {total_ns} ns"
            ));
        }
        let most = threads * (u128::from(wall_ns) + u128::from(CPU_CLOCK_TICK_NS));
        if witness.cpu_ns.is_some_and(|ns| u128::from(ns) > most) {
            return Err(format!(
                "repetition {i}: found {} ns of CPU time, {threads} threads have at most {most} ns",
                witness.cpu_ns.unwrap_or_default()
            ));
        }
    }
    Ok(())
}

fn counters(r: &Receipt) -> Result<(), String> {
    let ledger = r.ledger().iter();
    let macs: u128 = ledger.map(|e| u128::from(e.multiply_accumulates)).sum();
    let positions = u128::from(r.n_positions().unwrap_or_default());
    let instructions = macs / MACS_PER_INSTRUCTION
        ..=macs * INSTRUCTIONS_PER_MAC + positions * INSTRUCTIONS_PER_POSITION;
    for (i, witness, _) in witnessed(r)? {
        let wide = |n: Option<u64>| n.map(u128::from);
        let (cpu_ns, cycles) = (wide(witness.cpu_ns), wide(witness.cycles));
        let refused = |what: &str, found: u128, why: String| {
            Err(format!("repetition {i}: {what}: found {found}, {why}"))
        };
        if let Some(found) = wide(witness.instructions) {
            if !instructions.contains(&found) {
                let (least, most) = instructions.into_inner();
                let why = format!("the ledger's work takes {least} to {most}");
                return refused("instructions", found, why);
            }
            if let Some(cycles) = cycles.filter(|n| found > n * INSTRUCTIONS_PER_CYCLE) {
                return refused("instructions", found, format!("in only {cycles} cycles"));
            }
        }
        let tick_ns = u128::from(CPU_CLOCK_TICK_NS) * u128::from(r.run.threads);
        if let (Some(cycles), Some(ns)) = (cycles, cpu_ns)
            && cycles > (ns + tick_ns) * CYCLES_PER_NS
        {
            return refused("cycles", cycles, format!("in only {ns} ns of CPU time"));
        }
    }
    Ok(())
}
