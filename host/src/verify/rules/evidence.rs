//! Rules on what the system says of a run. Nobody else can know it: it must only be possible.

use super::found::{equal, within};
use crate::{
    receipt::{Evidence, Receipt, SystemState},
    verify::outcome::Rule,
};

pub(super) const RULES: &[Rule] = &[("evidence", evidence)];

/// The most CPUs of a machine.
const MOST_CPUS: usize = 8192;

/// The largest load average: every process that a system can have waits.
const MOST_LOAD: f64 = 4_194_304.0;

/// Levels at which this project's engine can be built.
const LEVELS: [&str; 6] = ["0", "1", "2", "3", "s", "z"];

fn evidence(r: &Receipt) -> Result<(), String> {
    let Some(evidence) = &r.evidence else {
        // Of an older schema.
        return Ok(());
    };
    let Evidence {
        engine_opt_level: level,
        priority,
        repetitions,
        ..
    } = evidence;
    let (levels, allowed) = match r.is_external() {
        true => (&["unknown"][..], "unknown"),
        false => (&LEVELS[..], "0 to 3, s or z"),
    };
    if !levels.contains(&&level[..]) {
        return Err(format!(
            "engine_opt_level: found {level:.16?}, allowed {allowed}"
        ));
    }
    within("priority", priority.unwrap_or_default(), 0..=39)?;
    equal(&(repetitions.len() as u64), &r.run.repetitions)
        .map_err(|e| format!("repetitions: {e}"))?;
    cpus(evidence, r.run.threads)?;
    for SystemState { load_average, .. } in [&evidence.before, &evidence.after] {
        if load_average.is_some_and(|load| !(0.0..=MOST_LOAD).contains(&load)) {
            return Err(format!(
                "load_average: found {}, allowed 0 to {MOST_LOAD}",
                load_average.unwrap_or_default()
            ));
        }
    }
    Ok(())
}

fn cpus(evidence: &Evidence, threads: u64) -> Result<(), String> {
    let Some(cpus) = &evidence.cpus else {
        return match evidence.pinned {
            true => Err("cpus: found null, but pinned".into()),
            false => Ok(()),
        };
    };
    let is_ascending = cpus.windows(2).all(|pair| pair[0] < pair[1]);
    if cpus.is_empty() || cpus.len() > MOST_CPUS || !is_ascending {
        return Err("cpus: found no ascending list of CPUs".into());
    }
    match evidence.pinned {
        true => equal(&(cpus.len() as u64), &threads).map_err(|e| format!("cpus, pinned: {e}")),
        false => Ok(()),
    }
}
