//! The greedy choice without most of the output matrix.
//!
//! The output matrix is as large as all other weights together, and a greedy choice needs one of its
//! logits. A copy with five bits a weight gives every logit approximately, with a bound that is
//! proved, not assumed ([`Bound`]). Rows whose logit cannot be the largest are left out; the others
//! are computed as the contract says. Token, logit and transcript are those of the full product.

mod buffers;
mod pack;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub(crate) use buffers::ScreenBuffers;

use crate::{
    huge_pages::HugePages,
    kernels::Kernels,
    ledger::{Isa, Recorder},
    model::Model,
    operands::{
        Bound, Bounded, DenseRows, MAX_SCREEN_COLS, RefineRows, SCREEN_ROWS, ScreenRows,
        norm_rounded_up, rounded_up,
    },
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
        let of_row = RefineRows::row_bytes(matrix.n_cols) + 4 * size_of::<f32>();
        match self.applies(model, kernels) {
            true => ScreenRows::bytes(matrix.n_rows, matrix.n_cols) + matrix.n_rows * of_row,
            false => 0,
        }
    }
}

/// A low-bit copy of an output matrix, and how far each row is from its copy.
#[derive(Debug)]
pub(crate) struct Screen {
    packed: HugePages,
    refine: HugePages,
    n_cols: usize,
    of_rows: OfRows,
    largest_norm: f32,
}

/// Of each row, `[n_rows]`.
#[derive(Debug, Default)]
struct OfRows {
    scales: Vec<f32>,
    /// ‖row − its copy‖, rounded up.
    residuals: Vec<f32>,
    /// The same with the bits that refine it.
    refined_residuals: Vec<f32>,
    /// ‖row‖, rounded up.
    norms: Vec<f32>,
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
        let mut refine = HugePages::zeroed(n_rows * RefineRows::row_bytes(n_cols));
        let mut of_rows = OfRows::default();
        let OfRows {
            scales,
            residuals,
            refined_residuals,
            norms,
        } = &mut of_rows;
        for vec in [&mut *scales, residuals, refined_residuals, norms] {
            vec.resize(n_rows, 0.0);
        }
        let of_each = scales
            .par_chunks_mut(PACKED_TOGETHER)
            .zip(residuals.par_chunks_mut(PACKED_TOGETHER))
            .zip(refined_residuals.par_chunks_mut(PACKED_TOGETHER))
            .zip(norms.par_chunks_mut(PACKED_TOGETHER));
        let group_bytes = ScreenRows::bytes(SCREEN_ROWS, n_cols);
        let refine_bytes = RefineRows::row_bytes(n_cols);
        packed
            .as_mut_slice()
            .par_chunks_mut(ScreenRows::bytes(PACKED_TOGETHER, n_cols))
            .zip(
                refine
                    .as_mut_slice()
                    .par_chunks_mut(PACKED_TOGETHER * refine_bytes),
            )
            .zip(of_each)
            .enumerate()
            .for_each(
                |(i, ((packed, refine), (((scales, residuals), refined), norms)))| {
                    // What this records is no part of a run.
                    let mut recorder = Recorder::default();
                    let mut row = vec![0.0; n_cols];
                    let mut packer = pack::Packer::new(n_cols);
                    for (r, refine) in refine.chunks_exact_mut(refine_bytes).enumerate() {
                        let of_row = rows.rows(i * PACKED_TOGETHER + r, 1);
                        kernels.embedding_row(of_row, &mut row, &mut recorder);
                        let group = &mut packed[r / SCREEN_ROWS * group_bytes..][..group_bytes];
                        let packed = packer.pack(&row, r % SCREEN_ROWS, group, refine);
                        scales[r] = packed.scale;
                        [residuals[r], refined[r]] = packed.residuals;
                        norms[r] = rounded_up(norm_rounded_up(&row));
                    }
                },
            );
        Self {
            packed,
            refine,
            n_cols,
            largest_norm: of_rows.norms.iter().fold(0.0, |m, &n| m.max(n)),
            of_rows,
        }
    }

    /// Bytes that were allocated, small things aside.
    pub(crate) fn allocated(&self) -> usize {
        self.packed.as_slice().len() + self.refine.as_slice().len()
    }

    /// Bytes of the copy: what screening one choice reads.
    pub(crate) fn n_bytes(&self) -> usize {
        self.packed.as_slice().len()
    }

    /// The copy.
    pub(crate) fn rows(&self) -> ScreenRows<'_> {
        ScreenRows {
            packed: self.packed.as_slice(),
            scales: &self.of_rows.scales,
            n_cols: self.n_cols,
        }
    }

    /// The bits that refine it.
    pub(crate) fn refine(&self) -> RefineRows<'_> {
        RefineRows {
            packed: self.refine.as_slice(),
            scales: &self.of_rows.scales,
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
            first: 0,
            approximations,
            residuals: &self.of_rows.residuals,
            norms: &self.of_rows.norms,
            bound,
        }
    }

    /// Moves those of `rows`, of which `approximations` are refined, whose logit may be `least` or
    /// more to the front, in order. Returns how many they are.
    pub(crate) fn drop_below(
        &self,
        rows: &mut [u32],
        approximations: &[f32],
        bound: Bound,
        least: f32,
    ) -> usize {
        let mut n_left = 0;
        for (i, approximation) in approximations.iter().enumerate() {
            let r = rows[i] as usize;
            let (residual, norm) = (self.of_rows.refined_residuals[r], self.of_rows.norms[r]);
            if approximation + bound.of_row(residual, norm) >= least {
                rows[n_left] = rows[i];
                n_left += 1;
            }
        }
        n_left
    }
}
