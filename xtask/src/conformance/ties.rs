//! Weights that make activations lie exactly halfway between two integers when they are quantized.
//!
//! Elements of the embedding are whole multiples of 2⁻¹², the largest 254 of them, all others odd. The epsilon is
//! such that mean square plus epsilon is 2⁻¹², so RMSNorm multiplies by 64 without rounding, and quantization
//! by 32: what is rounded to an integer is half of an odd number. Squares add up without rounding in any order, so
//! every engine meets the same ties.

use half::f16;

use super::chosen::{flatten_first_norm, tensor};
use crate::make_model::{Recipe, gguf_writer::GgufHeader};

/// Elements of a row of the embedding.
pub(super) const N_COLS: usize = 128;

/// The largest magnitude of a row.
const LARGEST: u32 = 254;

/// The other magnitudes are the odd numbers below twice this, again and again.
const N_ODD: u32 = 55;

/// Magnitudes of a row, in units of 2⁻¹².
fn magnitudes() -> impl Iterator<Item = u32> + Clone {
    let odd = (0..N_ODD).map(|i| 2 * i + 1).cycle();
    std::iter::once(LARGEST).chain(odd).take(N_COLS)
}

/// What is missing from the mean square of a row to 2⁻¹²: about 3.9e-6.
pub(super) fn epsilon() -> f32 {
    let squares: u32 = magnitudes().map(|m| m * m).sum();
    let missing = N_COLS as u32 * 4096 - squares;
    missing as f32 / (N_COLS as u32 * 4096) as f32 / 4096.0
}

/// Changes the embedding, which is F16, and the norm before the first projections. Signs stay random, and for each
/// token the magnitudes begin at another column.
pub(super) fn choose(recipe: &Recipe, header: &GgufHeader, data: &mut [u8]) {
    let n_vocab = recipe.shape.n_vocab as usize;
    let (elements, _) = tensor(header, data, "token_embd.weight").as_chunks_mut::<2>();
    let rows = elements.chunks_exact_mut(N_COLS).take(n_vocab);
    for (token, row) in rows.enumerate() {
        let rotated = magnitudes().cycle().skip(token % N_COLS);
        for (element, magnitude) in row.iter_mut().zip(rotated) {
            let bits = f16::from_f32(magnitude as f32 / 4096.0).to_bits();
            let sign = u16::from_le_bytes(*element) & 0x8000;
            *element = (bits | sign).to_le_bytes();
        }
    }
    flatten_first_norm(header, data, N_COLS);
}
