//! What a guest may have, and whether the machine gave it.

use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

use crate::guest::MEMORY_LIMIT;

/// Bounds of one instance.
pub(super) struct Bounds {
    limits: StoreLimits,
    /// Why the machine did not give memory that the guest may have.
    refused: Option<String>,
    /// Whether the guest asked for more than it may have.
    is_exceeded: bool,
}

impl Bounds {
    pub(super) fn new() -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MEMORY_LIMIT)
            .memories(1)
            .tables(1)
            .table_elements(10_000)
            .instances(1)
            .build();
        Self {
            limits,
            refused: None,
            is_exceeded: false,
        }
    }

    /// Why the machine gave no memory, if it did not.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Whether the guest asked for more than it may have.
    pub(super) fn is_exceeded(&self) -> bool {
        self.is_exceeded
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let is_allowed = self.limits.memory_growing(current, desired, maximum)?;
        self.is_exceeded |= !is_allowed;
        Ok(is_allowed)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = Some(format!("{error:#}"));
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
