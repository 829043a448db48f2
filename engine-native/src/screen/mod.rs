//! The greedy choice without most of the output matrix.
//!
//! The output matrix is as large as all other weights together, and a greedy choice needs one of its
//! logits. A copy with five bits a weight gives every logit approximately, with a bound that is
//! proved, not assumed ([`Bound`]). Rows whose logit cannot be the largest are left out; the others
//! are computed as the contract says. Token, logit and transcript are those of the full product.

mod bound;
mod pack;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub(crate) use bound::Bound;

use crate::{
    decode_weights::HugePages,
    kernels::{
        Bounded, DenseRows, Isa, Kernels, MAX_SCREEN_COLS, SCREEN_ROWS, ScreenRows, norm_rounded_up,
    },
    ledger::Recorder,
    model::Model,
};

/// Whether choices are screened. No setting changes a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Screening {
    /// Where it pays: with SIMD, and output matrices that no cache holds.
    #[default]
    Auto,
    /// Every logit is computed.
    Off,
    /// With any kernels and any output matrix, short of rows too long for it.
    Always,
}

/// What smaller matrices could win is less than what a screen costs.
const SMALLEST: usize = 16 << 20;

impl Screening {
    /// Whether an engine with `kernels` screens the choices of `model`.
    fn applies(self, model: &Model, kernels: &dyn Kernels) -> bool {
        let matrix = model.output();
        let pays =
            || kernels.isa() != Isa::Scalar && matrix.rows(model.file_bytes()).len() >= SMALLEST;
        let wanted = match self {
            Self::Auto => pays(),
            Self::Off => false,
            Self::Always => true,
        };
        wanted && matrix.n_cols <= MAX_SCREEN_COLS
    }

    /// Bytes that a screen of `model` allocates, small things aside.
    pub(crate) fn bytes(self, model: &Model, kernels: &dyn Kernels) -> usize {
        let matrix = model.output();
        let of_rows = matrix.n_rows * 3 * size_of::<f32>();
        match self.applies(model, kernels) {
            true => ScreenRows::bytes(matrix.n_rows, matrix.n_cols) + of_rows,
            false => 0,
        }
    }
}

/// A low-bit copy of an output matrix, and how far each row is from its copy.
#[derive(Debug)]
pub(crate) struct Screen {
    packed: HugePages,
    n_cols: usize,
    /// `[n_rows]`
    scales: Vec<f32>,
    /// ‖row − its copy‖, rounded up, `[n_rows]`.
    residuals: Vec<f32>,
    /// ‖row‖, rounded up, `[n_rows]`.
    norms: Vec<f32>,
    largest_norm: f32,
}

/// Rows that a thread packs in one go: whole groups.
const PACKED_TOGETHER: usize = 64;

impl Screen {
    /// A screen for the output matrix of `model`, if `screening` wants one.
    pub(crate) fn new(model: &Model, kernels: &dyn Kernels, screening: Screening) -> Option<Self> {
        let matrix = model.output();
        let rows = DenseRows::of(matrix, model.file_bytes());
        screening
            .applies(model, kernels)
            .then(|| Self::of_rows(rows, kernels))
    }

    /// A screen for `rows`, packed on all cores.
    pub(crate) fn of_rows(rows: DenseRows, kernels: &dyn Kernels) -> Self {
        let (n_rows, n_cols) = (rows.n_rows(), rows.n_cols);
        let mut packed = HugePages::zeroed(ScreenRows::bytes(n_rows, n_cols));
        let [mut scales, mut residuals, mut norms] = [const { Vec::new() }; 3];
        for vec in [&mut scales, &mut residuals, &mut norms] {
            vec.resize(n_rows, 0.0);
        }
        let of_each = scales
            .par_chunks_mut(PACKED_TOGETHER)
            .zip(residuals.par_chunks_mut(PACKED_TOGETHER))
            .zip(norms.par_chunks_mut(PACKED_TOGETHER));
        packed
            .as_mut_slice()
            .par_chunks_mut(ScreenRows::bytes(PACKED_TOGETHER, n_cols))
            .zip(of_each)
            .enumerate()
            .for_each(|(i, (packed, ((scales, residuals), norms)))| {
                // What this records is no part of a run.
                let mut recorder = Recorder::default();
                let mut row = vec![0.0; n_cols];
                let mut packer = pack::Packer::new(n_cols);
                let group_bytes = ScreenRows::bytes(SCREEN_ROWS, n_cols);
                for (r, norm) in norms.iter_mut().enumerate() {
                    let of_row = rows.rows(i * PACKED_TOGETHER + r, 1);
                    kernels.embedding_row(of_row, &mut row, &mut recorder);
                    *norm = bound::rounded_up(norm_rounded_up(&row));
                    let group = &mut packed[r / SCREEN_ROWS * group_bytes..][..group_bytes];
                    (scales[r], residuals[r]) = packer.pack(&row, r % SCREEN_ROWS, group);
                }
            });
        Self {
            packed,
            n_cols,
            largest_norm: norms.iter().fold(0.0, |m, &n| m.max(n)),
            scales,
            residuals,
            norms,
        }
    }

    /// Bytes of the copy: what screening one choice reads.
    pub(crate) fn n_bytes(&self) -> usize {
        self.packed.as_slice().len()
    }

    /// The copy.
    pub(crate) fn rows(&self) -> ScreenRows<'_> {
        ScreenRows {
            packed: self.packed.as_slice(),
            scales: &self.scales,
            n_cols: self.n_cols,
        }
    }

    /// ‖row‖ of the longest row, rounded up.
    pub(crate) fn largest_norm(&self) -> f32 {
        self.largest_norm
    }

    /// What is known of logits of which `approximations` are approximations.
    pub(crate) fn bounded<'a>(&'a self, approximations: &'a [f32], bound: Bound) -> Bounded<'a> {
        Bounded {
            approximations,
            residuals: &self.residuals,
            norms: &self.norms,
            per_residual: bound.per_residual,
            per_norm: bound.per_norm,
            slack: bound::SLACK,
        }
    }
}
