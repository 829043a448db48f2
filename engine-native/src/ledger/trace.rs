//! The values of a run that the transcript commits to.

/// A token chosen greedily.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Its id.
    pub token: u32,
    /// Its logit.
    pub logit: f32,
}

/// The values of one position that the transcript commits to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PositionTrace {
    /// Position, from 0.
    pub position: usize,
    /// The token fed in.
    pub input: u32,
    /// Residual stream after each layer, `[n_layers, n_embd]`.
    pub boundaries: Vec<f32>,
    /// Output of the final RMSNorm, `[n_embd]`.
    pub hidden: Vec<f32>,
    /// The token chosen at this position, if it chooses one.
    pub choice: Option<Choice>,
}

impl PositionTrace {
    /// Residual stream after `layer`, `[n_embd]`.
    pub fn boundary(&self, layer: usize) -> &[f32] {
        let n_embd = self.hidden.len();
        &self.boundaries[layer * n_embd..(layer + 1) * n_embd]
    }
}
