//! Estimates the memory that a run needs, so that a run without enough memory is refused early.

use std::{num::NonZeroUsize, path::Path};

use engine_native::{
    Engine, EngineOptions, I2sLayout, Kernels, Layer, Model, ModelSource, Projection,
    SessionOptions,
};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::{cgroup, limits::Room};
use crate::guest::MEMORY_LIMIT;

/// The run needs more memory than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what}: the run needs about {:.2} GB, available {:.2} GB; {}",
    *needed as f64 / 1e9, *available as f64 / 1e9, advice(what)
)]
#[allow(missing_docs)]
pub struct MemoryError {
    pub what: &'static str,
    pub needed: u64,
    pub available: u64,
}

fn advice(what: &str) -> &'static str {
    match what.contains("ulimit") {
        true => "raise this limit or run fewer positions",
        false => "free some memory or run fewer positions",
    }
}

/// Bytes that a run needs, apart from small allocations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryNeed {
    /// The model file, which is read into memory.
    pub file: u64,
    /// Weights that are packed at load.
    pub packed: u64,
    /// KV cache, activations and traces of the native engine.
    pub session: u64,
    /// The reference's memory in the sandbox.
    pub replay: u64,
    /// How much of all this is allocated already.
    pub held: u64,
}

/// The part of the memory that depends on the engine.
#[derive(Debug, Clone, Copy)]
pub struct EngineNeed {
    /// Threads of the engine; each has its own buffers.
    pub n_threads: usize,
    /// Bytes of the engine's own copy of the weights.
    pub arranged: u64,
}

impl EngineNeed {
    /// The memory of an engine with `kernels` and `options`.
    pub fn of(model: &Model, kernels: &dyn Kernels, options: &EngineOptions) -> Self {
        Self {
            n_threads: options.n_threads,
            arranged: Engine::bytes_to_pack(model, kernels, options),
        }
    }
}

/// Bytes that a guest needs for any model: a range of the file, a chunk of the output matrix, and
/// the module's code.
const GUEST_ROOM: u64 = 32 << 20;

impl MemoryNeed {
    /// The memory that loading the model needs.
    pub fn to_load(source: &ModelSource, i2s_layout: I2sLayout) -> Self {
        Self {
            file: source.file_len(),
            packed: source.bytes_to_pack(i2s_layout),
            ..Self::default()
        }
    }

    /// The memory that a native run and its replay need, with that of the model, which is loaded.
    pub fn to_run(model: &Model, options: &SessionOptions, engine: EngineNeed) -> Self {
        let (file, packed) = (model.file_bytes().len() as u64, model.packed_at_load());
        Self {
            file,
            packed: packed.saturating_add(engine.arranged),
            held: file.saturating_add(packed),
            session: options.bytes_needed(model.description(), engine.n_threads),
            replay: replay(model, options.n_positions as u64),
        }
    }

    /// The memory that a replay of a loaded model needs.
    pub fn to_replay(model: &Model, n_positions: usize) -> Self {
        let file = model.file_bytes().len() as u64;
        Self {
            file,
            held: file,
            replay: replay(model, n_positions as u64),
            ..Self::default()
        }
    }

    /// The sum of all parts.
    pub fn total(&self) -> u64 {
        let parts = [self.file, self.packed, self.session, self.replay];
        parts.into_iter().fold(0, u64::saturating_add)
    }

    /// Checks that this machine, the limits of this process and the sandbox leave enough memory.
    ///
    /// # Errors
    /// One of them leaves less.
    pub fn check(&self) -> Result<(), MemoryError> {
        self.check_against(available())?;
        self.check_room(Room::now())
    }

    fn check_against(&self, (what, available): (&'static str, u64)) -> Result<(), MemoryError> {
        // What is held is not available any more, but it is there for this run.
        let available = available.saturating_add(self.held);
        if self.total() > available {
            return Err(MemoryError {
                what,
                needed: self.total(),
                available,
            });
        }
        if self.replay > MEMORY_LIMIT as u64 {
            return Err(MemoryError {
                what: "memory of the sandbox",
                needed: self.replay,
                available: MEMORY_LIMIT as u64,
            });
        }
        Ok(())
    }

    fn check_room(&self, room: Room) -> Result<(), MemoryError> {
        let own = self.total().saturating_sub(self.held);
        for (what, available) in room.named() {
            let needed = own.saturating_add(ROOM_BESIDE);
            if needed > available {
                return Err(MemoryError {
                    what,
                    needed,
                    available,
                });
            }
        }
        Ok(())
    }
}

/// Bytes that threads and many small allocations take under a limit of the process.
const ROOM_BESIDE: u64 = 64 << 20;

/// Bytes of a guest: the largest layer, its KV cache in f32, and two vectors per position.
fn replay(model: &Model, n_positions: u64) -> u64 {
    let shape = model.shape();
    let packed = |projection: &Projection| match projection {
        Projection::OneScale(matrix) => matrix.packed(model.file_bytes()).len() as u64,
        // Two bits for each weight, and an f32 for each 64.
        Projection::Grouped(matrix) => (matrix.n_rows * matrix.n_cols) as u64 / 16 * 5,
    };
    let layer = |layer: &Layer| layer.projections().map(packed).iter().sum();
    let largest: u64 = model.layers().iter().map(layer).max().unwrap_or(0);
    let kv_dim = shape.n_kv_heads.saturating_mul(shape.head_dim);
    let per_position = shape.n_embd.saturating_add(kv_dim).saturating_mul(8);
    let positions = per_position.saturating_mul(n_positions);
    largest.saturating_add(positions).saturating_add(GUEST_ROOM)
}

/// How many guests can replay `n_positions` at once in the memory that is free now: at least 1, at
/// most `wanted`.
pub fn guests_that_fit(model: &Model, n_positions: usize, wanted: NonZeroUsize) -> usize {
    let each = replay(model, n_positions as u64).max(1);
    let rooms = Room::now().named().map(|(_, room)| {
        let each = each.saturating_mul(2).saturating_add(ROOM_BESIDE);
        room.saturating_sub(ROOM_BESIDE) / each
    });
    let fitting = rooms.fold(available_memory() / each, u64::min);
    let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
    wanted.get().min(fitting).max(1)
}

/// Bytes of memory that are available without swapping. Caches that the system can drop count as
/// free; the limits of control groups count, too. `u64::MAX` if the
/// system does not tell, so that nothing is refused.
pub fn available_memory() -> u64 {
    available().1
}

/// As [`available_memory`], with what has the least.
fn available() -> (&'static str, u64) {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(memory).map(|system| system.available_memory());
    // Without `/proc`, nothing seems to be there.
    let system = system.ok().filter(|&available| available > 0);
    let system = ("memory", system.unwrap_or(u64::MAX));
    let groups = cgroup::available(Path::new("/")).unwrap_or(u64::MAX);
    match groups < system.1 {
        true => ("memory of the control group", groups),
        false => system,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: MemoryNeed = MemoryNeed {
        file: 1000,
        packed: 200,
        session: 30,
        replay: 4,
        held: 0,
    };

    #[test]
    fn what_fits_exactly_is_run() {
        assert!(NEED.check_against(("memory", 1234)).is_ok());
    }

    #[test]
    fn one_byte_short_is_refused_with_both_figures() {
        assert!(matches!(
            NEED.check_against(("memory", 1233)),
            Err(MemoryError {
                what: "memory",
                needed: 1234,
                available: 1233,
            })
        ));
    }

    #[test]
    fn what_is_held_already_is_not_needed_again() {
        let need = MemoryNeed { held: 1100, ..NEED };
        assert!(need.check_against(("memory", 134)).is_ok());
        assert!(matches!(
            need.check_against(("memory", 133)),
            Err(MemoryError {
                needed: 1234,
                available: 1233,
                ..
            })
        ));
    }

    #[test]
    fn a_need_beyond_all_numbers_is_refused() {
        let need = MemoryNeed {
            file: u64::MAX,
            ..NEED
        };
        assert!(need.check_against(("memory", u64::MAX - 1)).is_err());
    }

    #[test]
    fn a_limit_of_the_process_is_named() {
        // The model is loaded: that much is not needed again.
        let need = MemoryNeed { held: 1000, ..NEED };
        let own = 234 + ROOM_BESIDE;
        let room = |address_space, data| Room {
            address_space,
            data,
        };
        assert!(need.check_room(Room::default()).is_ok());
        assert!(need.check_room(room(Some(own), Some(own))).is_ok());
        for (room, name) in [
            (room(Some(own - 1), None), "ulimit -v"),
            (room(None, Some(own - 1)), "ulimit -d"),
        ] {
            let line = need.check_room(room).unwrap_err().to_string();
            assert!(line.contains(name) && line.contains("raise"), "{line}");
        }
    }

    #[test]
    fn the_sandbox_has_a_limit_of_its_own() {
        let need = MemoryNeed {
            replay: MEMORY_LIMIT as u64 + 1,
            ..NEED
        };
        assert!(matches!(
            need.check_against(("memory", u64::MAX)),
            Err(MemoryError {
                what: "memory of the sandbox",
                ..
            })
        ));
    }
}
