//! What the system says of a run while it is measured.

use std::path::Path;

use super::{
    affinity::allowed_cpus,
    system_state::{self, Energy},
};
use crate::receipt::{Evidence, SystemState};

/// The system when a measurement began.
#[derive(Debug)]
pub struct Observation {
    before: SystemState,
    energy: Option<Energy>,
}

const ROOT: &str = "/";

impl Observation {
    /// Looks at the system before the first timed repetition.
    pub fn begin() -> Self {
        Self {
            before: system_state::read(Path::new(ROOT)),
            energy: Energy::read(Path::new(ROOT)),
        }
    }

    /// Looks again after the last one. What the engine knows is for the caller to fill in.
    pub fn end(&self) -> Evidence {
        let energy = Energy::read(Path::new(ROOT));
        let spent = self.energy.as_ref().zip(energy.as_ref());
        Evidence {
            engine_opt_level: engine_native::OPT_LEVEL.into(),
            cpus: allowed_cpus(),
            priority: priority(),
            energy_uj: spent.and_then(|(before, after)| before.until(after)),
            before: self.before,
            after: system_state::read(Path::new(ROOT)),
            ..Evidence::default()
        }
    }
}

/// The priority as `top` shows it: 20 plus the nice value.
#[cfg(unix)]
fn priority() -> Option<u64> {
    let nice = rustix::process::getpriority_process(None).ok()?;
    u64::try_from(20 + nice).ok()
}

#[cfg(not(unix))]
fn priority() -> Option<u64> {
    None
}
