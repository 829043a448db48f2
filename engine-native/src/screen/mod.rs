//! The screen: a greedy choice without most of the output matrix.
//!
//! The output matrix is as large as all other weights together, but a greedy choice needs only its
//! largest logit. A copy with five bits per weight approximates every logit, with a proven error
//! bound ([`Bound`]). Rows whose logit cannot be the largest are ruled out; the logits of the
//! others are computed exactly. Token, logit and transcript are those of the full product. A grouped
//! ternary output matrix has no screen: no copy of it is much shorter.

mod buffers;
mod pack;
#[cfg(test)]
mod tests;

pub(crate) use buffers::ScreenBuffers;

use crate::{
    all_cores,
    error::{RunError, check_cancelled},
    huge_pages::HugePages,
    kernels::Kernels,
    ledger::{Isa, Recorder},
    model::Model,
    observer::Observer,
    operands::{
        Bound, Bounded, DenseRows, MAX_SCREEN_COLS, RefineRows, SCREEN_ROWS, ScreenRows,
        norm_rounded_up, rounded_up,
    },
};

/// Whether choices are screened. No setting changes any result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Screening {
    /// If it pays: with SIMD kernels, and a dense output matrix that is too large for a cache.
    #[default]
    Auto,
    /// Never; every logit is computed.
    Off,
    /// With any kernels and any dense output matrix whose rows are not too long.
    Always,
}

/// Bytes of the smallest output matrix for which a screen pays.
const SMALLEST: usize = 16 << 20;

impl Screening {
    /// The rows to screen, if the choices of `model` with `kernels` are screened.
    fn rows<'a>(self, model: &'a Model, kernels: &dyn Kernels) -> Option<DenseRows<'a>> {
        let rows = DenseRows::of(model.output().dense()?, model.file_bytes());
        let pays = || kernels.isa() != Isa::Scalar && rows.bytes.len() >= SMALLEST;
        let wanted = match self {
            Self::Auto => pays(),
            Self::Off => false,
            Self::Always => true,
        };
        (wanted && rows.n_cols <= MAX_SCREEN_COLS).then_some(rows)
    }

    /// Bytes that a screen for `model` will allocate; 0 without one.
    pub(crate) fn bytes(self, model: &Model, kernels: &dyn Kernels) -> usize {
        self.rows(model, kernels).map_or(0, |rows| {
            let of_row = RefineRows::row_bytes(rows.n_cols) + OF_ROW_BYTES;
            ScreenRows::bytes(rows.n_rows(), rows.n_cols) + rows.n_rows() * of_row
        })
    }
}

/// A low-bit copy of an output matrix, with the distance of each row from its copy.
#[derive(Debug)]
pub(crate) struct Screen {
    packed: HugePages,
    refine: HugePages,
    n_cols: usize,
    of_rows: OfRows,
    largest_norm: f32,
}

/// Properties of the rows, `[n_rows]` each.
#[derive(Debug, Default)]
struct OfRows {
    scales: Vec<f32>,
    /// ‖row − copy‖, rounded up.
    residuals: Vec<f32>,
    /// ‖row − refined copy‖, rounded up.
    refined_residuals: Vec<f32>,
    /// ‖row‖, rounded up.
    norms: Vec<f32>,
}

/// Bytes of the properties of a row.
const OF_ROW_BYTES: usize = 4 * size_of::<f32>();

/// Rows that a thread packs at a time: whole groups.
const PACKED_TOGETHER: usize = 64;

impl Screen {
    /// Builds a screen for the output matrix of `model`, if `screening` asks for one.
    ///
    /// # Errors
    /// `observer` stopped it.
    pub(crate) fn new(
        model: &Model,
        kernels: &dyn Kernels,
        screening: Screening,
        observer: &dyn Observer,
    ) -> Result<Option<Self>, RunError> {
        let rows = screening.rows(model, kernels);
        rows.map(|rows| Self::of_rows(rows, kernels, observer))
            .transpose()
    }

    /// Builds a screen for `rows`, on all cores.
    fn of_rows(
        rows: DenseRows,
        kernels: &dyn Kernels,
        observer: &dyn Observer,
    ) -> Result<Self, RunError> {
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
            .chunks_mut(PACKED_TOGETHER)
            .zip(residuals.chunks_mut(PACKED_TOGETHER))
            .zip(refined_residuals.chunks_mut(PACKED_TOGETHER))
            .zip(norms.chunks_mut(PACKED_TOGETHER));
        let group_bytes = ScreenRows::bytes(SCREEN_ROWS, n_cols);
        let refine_bytes = RefineRows::row_bytes(n_cols);
        let pieces = packed
            .as_mut_slice()
            .chunks_mut(ScreenRows::bytes(PACKED_TOGETHER, n_cols))
            .zip(
                refine
                    .as_mut_slice()
                    .chunks_mut(PACKED_TOGETHER * refine_bytes),
            )
            .zip(of_each)
            .enumerate();
        let results = all_cores::map(
            pieces,
            |(i, ((packed, refine), (((scales, residuals), refined), norms)))| {
                check_cancelled(observer)?;
                // A throw-away recorder: packing is not part of a run.
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
                let n_bytes = packed.len() + refine.len() + scales.len() * OF_ROW_BYTES;
                observer.advance(n_bytes as u64);
                Ok::<_, RunError>(())
            },
        );
        results.into_iter().collect::<Result<(), _>>()?;
        Ok(Self {
            packed,
            refine,
            n_cols,
            largest_norm: of_rows.norms.iter().fold(0.0, |m, &n| m.max(n)),
            of_rows,
        })
    }

    /// Bytes allocated, apart from the properties of rows.
    pub(crate) fn allocated(&self) -> usize {
        self.packed.as_slice().len() + self.refine.as_slice().len()
    }

    /// Bytes of the low-bit copy, all of which a screened choice reads.
    pub(crate) fn n_bytes(&self) -> usize {
        self.packed.as_slice().len()
    }

    /// The low-bit copy.
    pub(crate) fn rows(&self) -> ScreenRows<'_> {
        ScreenRows {
            packed: self.packed.as_slice(),
            scales: &self.of_rows.scales,
            n_cols: self.n_cols,
        }
    }

    /// The bits that refine the copy.
    pub(crate) fn refine(&self) -> RefineRows<'_> {
        RefineRows {
            packed: self.refine.as_slice(),
            scales: &self.of_rows.scales,
            n_cols: self.n_cols,
        }
    }

    /// The largest ‖row‖, rounded up.
    pub(crate) fn largest_norm(&self) -> f32 {
        self.largest_norm
    }

    /// The approximations of all logits with their error bounds.
    pub(crate) fn bounded<'a>(&'a self, approximations: &'a [f32], bound: Bound) -> Bounded<'a> {
        Bounded {
            first: 0,
            approximations,
            residuals: &self.of_rows.residuals,
            norms: &self.of_rows.norms,
            bound,
        }
    }

    /// Moves the `rows` whose logit may be `least` or more to the front, in order, and returns how
    /// many there are. `approximations` are the refined ones of `rows`.
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
