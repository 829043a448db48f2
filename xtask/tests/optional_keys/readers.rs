//! What each reader sees in a file.

use engine_native::{Architecture, I2sLayout, Model};
use guest_reference::{error::Error, model, session::Session};

use crate::model::{Base, Keys, file};

/// Type of RoPE scaling, original context, and the bits of factor, fast and slow beta.
type Scaling = (&'static str, u64, [u32; 3]);

const fn none() -> Scaling {
    ("none", 0, [0; 3])
}

const fn linear(factor: f32) -> Scaling {
    ("linear", 0, [factor.to_bits(), 0, 0])
}

/// All that keys decide, in one form for both readers.
#[derive(Debug, PartialEq)]
pub struct Shape {
    architecture: String,
    /// n_vocab, n_embd, n_layers, n_heads, n_kv_heads, rope_dim, n_ff, context_length.
    counts: [u64; 8],
    /// Bits of the RoPE base and epsilon.
    reals: [u32; 2],
    scaling: Scaling,
    pub head_dim: u64,
}

/// What the native reader and the reference make of the file.
pub fn shape(architecture: Architecture, base: &Base, keys: &Keys) -> [Result<Shape, String>; 2] {
    let file = file(architecture, base, keys);
    let guest = guest(&file);
    [native(file), guest]
}

/// Both readers see one shape, or both refuse; says whether they accept.
pub fn assert_same(architecture: Architecture, base: &Base, keys: &Keys) -> bool {
    match shape(architecture, base, keys) {
        [Ok(native), Ok(guest)] => {
            assert_eq!(native, guest, "{architecture}, {base:?}, {keys:?}");
            true
        }
        [Err(_), Err(_)] => false,
        [native, guest] => panic!(
            "one reader refuses: {architecture}, {base:?}, {keys:?}\n native: {native:?}\n guest: {guest:?}"
        ),
    }
}

fn native(file: Vec<u8>) -> Result<Shape, String> {
    let model = Model::load(file.into(), I2sLayout::Block128, &()).map_err(|e| e.to_string())?;
    let shape = model.shape();
    Ok(Shape {
        architecture: shape.architecture.to_string(),
        counts: [
            shape.n_vocab,
            shape.n_embd,
            shape.n_layers,
            shape.n_heads,
            shape.n_kv_heads,
            shape.rope_dim,
            shape.n_ff,
            shape.context_length,
        ],
        reals: [shape.rope_base, shape.rms_epsilon].map(f32::to_bits),
        scaling: match shape.rope_scaling {
            engine_native::RopeScaling::None => none(),
            engine_native::RopeScaling::Linear { factor } => linear(factor),
            engine_native::RopeScaling::Yarn(yarn) => (
                "yarn",
                yarn.original_context_length,
                [yarn.factor, yarn.beta_fast, yarn.beta_slow].map(f32::to_bits),
            ),
        },
        head_dim: shape.head_dim,
    })
}

fn guest(file: &[u8]) -> Result<Shape, String> {
    let read = || -> Result<Shape, Error> {
        let len = file.len() as u64;
        let mut session = Session::new();
        session.header_buffer(len)?.copy_from_slice(file);
        assert_eq!(
            session.header_parse(len, len)?,
            None,
            "the whole file is there"
        );
        let shape = &session.model()?.hyperparameters;
        let counts = [
            shape.n_vocab,
            shape.n_embd,
            shape.n_layers,
            shape.n_heads,
            shape.n_kv_heads,
            shape.rope_dim,
            shape.n_ff,
            shape.context_length,
        ];
        Ok(Shape {
            architecture: shape.architecture.name.to_owned(),
            counts: counts.map(|n| n as u64),
            reals: [shape.rope_base, shape.eps].map(f32::to_bits),
            scaling: match shape.rope_scaling {
                model::RopeScaling::None => none(),
                model::RopeScaling::Linear(factor) => linear(factor),
                model::RopeScaling::Yarn(yarn) => (
                    "yarn",
                    yarn.original_context as u64,
                    [yarn.factor, yarn.beta_fast, yarn.beta_slow].map(f32::to_bits),
                ),
            },
            head_dim: shape.head_dim as u64,
        })
    };
    read().map_err(|error| format!("{error:?}"))
}
