//! Generates models from a [`Recipe`] and a seed, with the same bytes on every machine.
//!
//! Receipts can only be compared if both sides ran the same model. A generated model can be rebuilt
//! anywhere in seconds instead of being downloaded, and can have any shape that a test needs. It
//! has the layout and the arithmetic of published models: ternary projections, F32 norms, a
//! byte-level BPE vocabulary. Its output is gibberish.
//!
//! **Same weights in every type.** The seed and the shape determine every ternary value, whatever
//! the type of the projections. The scales of I2_S and F32 are f32; those of the other types are
//! rounded to eight significant bits. So all types of either kind hold exactly the same
//! projections; and all six types do if √(2/n_cols) is a power of two. The grouped types have random
//! scales around the same mean, which are the same in all of them. Embeddings of different
//! types hold different values of about the same magnitude. Each tensor has its own stream of
//! random words, so it does not depend on the types of the others.
//!
//! **Same bytes everywhere.** Integers come from [splitmix64](SplitMix64). Floats come
//! from bit patterns, and from additions, products, quotients and square roots, which IEEE 754
//! rounds correctly on every machine. The platform's math library is never called.
//!
//! **Output that keeps changing.** Models with random weights easily repeat one token for ever, and
//! then a receipt could not reveal a wrong kernel. Three choices prevent this ([`tensors`] has the
//! constants):
//! - Weights are −1, 0, 0 or +1 with equal probability. Their variance is 1/2, so with the scale
//!   √(2/n_cols), every projection maps unit variance to unit variance.
//! - Queries and keys are twice as large. The scores before the softmax then have a standard
//!   deviation near 4, so attention selects single positions, and each new position changes the
//!   result. With queries and keys of unit variance, attention averages over the past, and decoding
//!   falls into a loop of a few tokens.
//! - Embeddings (root mean square 0.019) are small compared with what each sub-layer adds (1).
//!   Otherwise, the tied output matrix would give every token a large logit for itself.
//!
//! Where queries and keys are normalized, as in `qwen3`, these norms have the gain of 2 instead.
//!
//! Attention that selects single positions also makes a deep model amplify the rounding of each engine,
//! until engines that are right choose other tokens. A *comparable* model has queries and keys of half the
//! size, and the same scales in every type: on it, other engines can be judged.
//!
//! Without sub-norms, as in `llama` and `qwen3`, the inputs of the last projections of attention and FFN have a
//! root mean square below 1 (0.6 in the FFN). What these projections add is still far larger than
//! an embedding.
//!
//! The final norm is 8 times larger than the others, which gives the logits of `tiny` a standard
//! deviation of 2.5.

pub mod gguf_writer;
pub mod presets;
pub mod recipe;
pub mod shape;
pub mod tensors;
pub mod tokenizer;

mod dense;
mod grouped;
mod metadata;
mod metered;
mod ternary;
mod trits;
mod types;

use std::io::{self, Write};

use host::task::SplitMix64;

use gguf_writer::{ALIGNMENT, GgufHeader};
use metered::Metered;

pub use metered::Progress;
pub use presets::{PRESETS, Preset, preset};
pub use recipe::{MAX_CONTEXT, Recipe, Yarn};
pub use shape::Shape;
pub use types::{DenseType, GroupedType, OutputMatrix, WeightType};

/// The header of a model with this recipe and `general.name`: everything before the tensor data.
///
/// # Errors
/// `InvalidInput` if the recipe is not valid; see [`Recipe::validate`].
pub fn model_header(recipe: &Recipe, name: &str) -> io::Result<GgufHeader> {
    recipe
        .validate()
        .map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))?;
    let mut header = GgufHeader::default();
    metadata::describe(recipe, name, &mut header);
    for tensor in tensors::of_model(recipe) {
        header.push_tensor(
            &tensor.name,
            &tensor.dims,
            tensor.type_id(),
            tensor.n_bytes(),
        );
    }
    Ok(header)
}

/// Writes a whole GGUF file to `out`, one small buffer at a time.
///
/// # Errors
/// Those of `out`, and `InvalidInput` if the recipe is not valid.
pub fn write_model(
    recipe: &Recipe,
    name: &str,
    seed: u64,
    out: &mut impl Write,
    progress: &mut Progress<'_>,
) -> io::Result<()> {
    const ZEROS: [u8; ALIGNMENT as usize] = [0; ALIGNMENT as usize];
    let header = model_header(recipe, name)?;
    let head = header.to_bytes();
    let mut out = Metered::new(out, head.len() as u64 + header.data_bytes(), progress);
    out.write_all(&head)?;
    // Each tensor has its own stream, so its bytes do not depend on the sizes of other tensors.
    let mut seeds = SplitMix64::new(seed);
    for tensor in tensors::of_model(recipe) {
        tensor.write(SplitMix64::new(seeds.next()), &mut out)?;
        let n_bytes = tensor.n_bytes();
        let padding = n_bytes.next_multiple_of(ALIGNMENT) - n_bytes;
        out.write_all(&ZEROS[..padding as usize])?;
    }
    out.flush()
}

/// The whole file in memory, for tests with small shapes. A shape is also a recipe: for BitNet
/// b1.58 in I2_S.
///
/// # Errors
/// `InvalidInput` if the recipe is not valid.
pub fn to_vec(recipe: impl Into<Recipe>, name: &str, seed: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_model(&recipe.into(), name, seed, &mut bytes, &mut |_, _| {})?;
    Ok(bytes)
}
