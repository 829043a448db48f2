//! What models have besides their recipe: keys, a tensor, and weights that are chosen instead of random.

use super::{chosen::tensor, large_sums, ties};
use crate::make_model::{
    Recipe,
    gguf_writer::{F32, GgufHeader, Value},
};

/// What a model has besides its recipe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Extra {
    /// Nothing.
    None,
    /// `rope.scaling.type` `linear` with this factor.
    LinearScaling(f32),
    /// `rope_freqs.weight`, a divisor for each pair.
    RopeFactors,
    /// All weights of the first rows of `blk.0.ffn_down.weight` are +1, so that sums are as large as can be.
    FullRows,
    /// Rows of `attn_q` and `attn_v` follow the signs of the embedding, so that sums of a run leave int16.
    LargeSums,
    /// Activations of the first projections lie halfway between two integers when they are quantized.
    Ties,
}

/// Rows without any other weight than +1.
const N_FULL_ROWS: usize = 4;

impl Extra {
    /// Adds it to a file with this header and data section.
    pub fn add_to(self, recipe: &Recipe, header: &mut GgufHeader, data: &mut Vec<u8>) {
        let prefix = recipe.architecture.as_str();
        match self {
            Self::None => {}
            Self::FullRows => {
                let n_bytes = N_FULL_ROWS * recipe.shape.n_ff as usize / 4;
                // Four codes of +1 to a byte.
                tensor(header, data, "blk.0.ffn_down.weight")[..n_bytes].fill(0b1010_1010);
            }
            Self::LinearScaling(factor) => {
                let linear = Value::String("linear".to_owned());
                header.push_key(&format!("{prefix}.rope.scaling.type"), linear);
                let factor = Value::F32(factor);
                header.push_key(&format!("{prefix}.rope.scaling.factor"), factor);
            }
            Self::RopeFactors => add_rope_factors(recipe.shape.head_dim / 2, header, data),
            Self::LargeSums => large_sums::choose(recipe, header, data),
            Self::Ties => ties::choose(recipe, header, data),
        }
    }
}

/// As Llama 3.1 has them: 1 for the fast pairs, more for the slow ones.
fn add_rope_factors(n_pairs: u32, header: &mut GgufHeader, data: &mut Vec<u8>) {
    let n_bytes = 4 * u64::from(n_pairs);
    header.push_tensor("rope_freqs.weight", &[n_pairs.into()], F32, n_bytes);
    let factors = (0..n_pairs).map(|j| {
        if j < n_pairs / 2 {
            1.0f32
        } else {
            1.0 + 0.25 * j as f32
        }
    });
    data.extend(factors.flat_map(f32::to_le_bytes));
    data.resize(header.data_bytes() as usize, 0);
}
