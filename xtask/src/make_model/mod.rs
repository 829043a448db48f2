//! Generated models: the same bytes on every machine, from a [`Recipe`] and a seed.
//!
//! A receipt is only worth comparing when both sides ran the same model. A generated model can be
//! rebuilt anywhere in seconds instead of being downloaded, can have any shape a test wants, and
//! has the layout and the arithmetic of published files: ternary projections, F32 norms, a
//! byte-level BPE vocabulary. It speaks no language.
//!
//! **Same weights in every type.** A seed and a shape determine every ternary value, in whatever
//! type the projections are. Scales of I2_S and F32 are f32; those of the other types are rounded to
//! eight significant bits. So the projections of a model are the same number for number within
//! either group, and in all six types where √(2/n_cols) is a power of two. Embeddings of different
//! types hold different values of about the same magnitude. Each tensor has its own stream of random
//! words, so no tensor depends on the type of another.
//!
//! **Same bytes everywhere.** Integers come from [splitmix64](splitmix64::SplitMix64); floats only
//! from bit patterns, and from additions, products, quotients and square roots, which IEEE-754
//! rounds correctly on every machine. Nothing calls the platform's math library.
//!
//! **Text that keeps moving.** Random weights easily give a model that repeats one token for ever,
//! and then a receipt would not notice a wrong kernel. Three choices prevent that ([`tensors`] has
//! the constants):
//! - Weights are −1, 0, 0, +1 with equal chance, variance 1/2, so the scale √(2/n_cols) makes
//!   every projection map unit variance to unit variance.
//! - Queries and keys are twice that large. Scores before the softmax then spread with a standard
//!   deviation near 4, attention picks single positions, and each new position changes the picture.
//!   With unit queries and keys attention averages over the past and decoding falls into a loop of
//!   a few tokens.
//! - Embeddings (root mean square 0.019) are small beside what each sub-layer adds (1). The tied
//!   output matrix would otherwise give every token a large logit for itself.
//!
//! Without sub-norms, as in `llama`, the last projections of attention and FFN see a root mean
//! square below 1, 0.6 in the FFN. What they add is still far more than an embedding.
//!
//! The final norm is 8 times larger than the others, which gives the logits of `tiny` a standard
//! deviation of 2.5.

pub mod gguf_writer;
pub mod presets;
pub mod recipe;
pub mod shape;
pub mod splitmix64;
pub mod tensors;
pub mod tokenizer;

mod dense;
mod metadata;
mod metered;
mod ternary;

use std::io::{self, Write};

use gguf_writer::{ALIGNMENT, GgufHeader};
use metered::Metered;
use splitmix64::SplitMix64;

pub use metered::Progress;
pub use presets::{PRESETS, Preset, preset};
pub use recipe::{DenseType, OutputMatrix, Recipe, WeightType};
pub use shape::Shape;

/// Everything before the tensor data of the model of this recipe and `general.name`.
///
/// # Errors
/// `InvalidInput` when there can be no such model; see [`Recipe::validate`].
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

/// Streams a whole GGUF file to `out`, a small buffer at a time.
///
/// # Errors
/// Those of `out`, and `InvalidInput` when there can be no such model.
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
    // Each tensor has its own stream, so its bytes do not depend on the sizes of those before it.
    let mut seeds = SplitMix64::new(seed);
    for tensor in tensors::of_model(recipe) {
        tensor.write(SplitMix64::new(seeds.next()), &mut out)?;
        let n_bytes = tensor.n_bytes();
        let padding = n_bytes.next_multiple_of(ALIGNMENT) - n_bytes;
        out.write_all(&ZEROS[..padding as usize])?;
    }
    out.flush()
}

/// The whole file in memory, for tests on small shapes. A shape alone stands for BitNet b1.58 in
/// I2_S.
///
/// # Errors
/// `InvalidInput` when there can be no such model.
pub fn to_vec(recipe: impl Into<Recipe>, name: &str, seed: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_model(&recipe.into(), name, seed, &mut bytes, &mut |_, _| {})?;
    Ok(bytes)
}
