//! A run by one guest, layer by layer over all positions: the whole of it, or what is missing of it.

use std::ops::Range;

use super::units::{Head, Run};
use crate::{
    digest::Digest,
    judge::Claim,
    sandbox::{Guest, Instance, SandboxError},
    task::boundary_digest,
    watch::Phase,
};

/// Residual streams, `[n_positions][n_embd]`.
pub(super) type Residuals = Vec<Vec<f32>>;

/// The part of a run that has been computed: its lowest layers, then the head.
pub(super) struct Computed {
    /// Digests of the residual streams that leave each layer, `[n_layers][n_positions]`.
    pub(super) boundaries: Vec<Vec<Digest>>,
    /// `[n_positions]`
    pub(super) heads: Vec<Head>,
    /// Fuel used by compute calls, where it is counted.
    pub(super) fuel: Option<u64>,
}

impl Computed {
    /// Nothing so far.
    pub(super) fn new() -> Self {
        Self {
            boundaries: Vec::new(),
            heads: Vec::new(),
            fuel: Some(0),
        }
    }

    /// Counts more fuel.
    pub(super) fn burn(&mut self, fuel: Option<u64>) {
        self.fuel = self.fuel.zip(fuel).map(|(sum, more)| sum + more);
    }
}

/// The fuel that a guest used since it had used `before`.
pub(super) fn fuel_since<I: Instance>(guest: &Guest<I>, before: Option<u64>) -> Option<u64> {
    guest
        .fuel()
        .zip(before)
        .map(|(after, before)| after - before)
}

impl<'a> Run<'a> {
    /// Also computes margins for what is claimed.
    pub(super) fn with_margins(mut self, claim: Claim<'a>) -> Self {
        self.claim = Some(claim);
        self
    }

    /// Begins the phase of the replay, with its total work.
    pub(super) fn begin(&self, work: u64) {
        self.watch.begin(Phase::Replay, work);
    }

    /// Computes the rest of `computed` in order. `entering` are the residual streams that enter the
    /// first missing layer; without them, the run starts from its tokens.
    pub(super) fn finish<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        entering: Option<Residuals>,
        computed: &mut Computed,
    ) -> Result<(), SandboxError> {
        let before = guest.fuel();
        match &entering {
            None => self.embed(guest)?,
            Some(residuals) => enter(guest, residuals.iter().map(Vec::as_slice))?,
        }
        for layer in computed.boundaries.len()..guest.shape().n_layers as usize {
            let leaving = self.layer(guest, layer)?;
            let digests = leaving.iter().map(|x| boundary_digest(x)).collect();
            computed.boundaries.push(digests);
        }
        computed.heads = self.head(guest, 0..self.task.n_positions())?;
        computed.burn(fuel_since(guest, before));
        Ok(())
    }

    /// Stores the embedding of every token at its position.
    pub(super) fn embed<I: Instance>(&self, guest: &mut Guest<I>) -> Result<(), SandboxError> {
        let mut positions = 0..self.inputs.len();
        positions.try_for_each(|position| self.embed_at(guest, position))
    }

    /// Computes `layer` at every position. Returns the residual streams that leave it.
    pub(super) fn layer<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        layer: usize,
    ) -> Result<Residuals, SandboxError> {
        guest.load_layer(layer)?;
        let positions = 0..self.inputs.len();
        let leaving = positions.map(|position| self.layer_at(guest, position));
        let leaving = leaving.collect::<Result<_, _>>()?;
        guest.release_layer(layer)?;
        Ok(leaving)
    }

    /// Computes the final norm at `positions`, and the choice at those that choose a token.
    pub(super) fn head<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        positions: Range<usize>,
    ) -> Result<Vec<Head>, SandboxError> {
        let mut pass = self.begin_head(positions);
        for chunk in 0..guest.shape().n_head_chunks {
            guest.load_head(chunk)?;
            self.head_chunk(guest, chunk, &mut pass)?;
        }
        self.end_head(guest, pass)
    }
}

/// Stores residual streams at their positions, from 0 on.
pub(super) fn enter<'x, I: Instance>(
    guest: &mut Guest<I>,
    residuals: impl Iterator<Item = &'x [f32]>,
) -> Result<(), SandboxError> {
    let mut residuals = residuals.enumerate();
    residuals.try_for_each(|(position, x)| guest.set_residual(position, x))
}
