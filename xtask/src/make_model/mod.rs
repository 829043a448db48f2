//! Generated BitNet b1.58 models: the same bytes on every machine, from a shape and a seed.
//!
//! A receipt is only worth comparing when both sides ran the same model. A generated model can be
//! rebuilt anywhere in seconds instead of being downloaded, can have any shape a test wants, and
//! has the layout and the arithmetic of the published files: I2_S projections, F16 tied
//! embeddings, F32 norms, a byte-level BPE vocabulary. It speaks no language.
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
//! The final norm is 8 times larger than the others, which gives the logits of `tiny` a standard
//! deviation of 2.5.

pub mod gguf_writer;
pub mod shape;
pub mod splitmix64;
pub mod tensors;
pub mod tokenizer;

mod metadata;
mod metered;

use std::io::{self, Write};

use gguf_writer::GgufHeader;
use metered::Metered;
use splitmix64::SplitMix64;

pub use shape::{PRESETS, Preset, Shape, preset};

/// Receives the progress of [`write_model`]: bytes written so far, bytes in total.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// Everything before the tensor data of the model with this shape and `general.name`.
///
/// # Errors
/// `InvalidInput` when no model can have the shape; see [`Shape::validate`].
pub fn model_header(shape: &Shape, name: &str) -> io::Result<GgufHeader> {
    shape
        .validate()
        .map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))?;
    let mut header = GgufHeader::default();
    metadata::describe(shape, name, &mut header);
    for tensor in tensors::of_model(shape) {
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
/// Those of `out`, and `InvalidInput` when no model can have the shape.
pub fn write_model(
    shape: &Shape,
    name: &str,
    seed: u64,
    out: &mut impl Write,
    progress: &mut Progress<'_>,
) -> io::Result<()> {
    let header = model_header(shape, name)?;
    let head = header.to_bytes();
    let mut out = Metered::new(out, head.len() as u64 + header.data_bytes(), progress);
    out.write_all(&head)?;
    // Each tensor has its own stream, so its bytes do not depend on the sizes of those before it.
    let mut seeds = SplitMix64::new(seed);
    for tensor in tensors::of_model(shape) {
        tensor.write(SplitMix64::new(seeds.next()), &mut out)?;
    }
    out.flush()
}

/// The whole file in memory, for tests on small shapes.
///
/// # Errors
/// `InvalidInput` when no model can have the shape.
pub fn to_vec(shape: &Shape, name: &str, seed: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_model(shape, name, seed, &mut bytes, &mut |_, _| {})?;
    Ok(bytes)
}
