//! The models that are compared.

use engine_native::{Architecture, I2sLayout};
use xtask::make_model::{DenseType, OutputMatrix, Recipe, Shape, WeightType, to_vec};

pub const WEIGHT_TYPES: [WeightType; 6] = [
    WeightType::I2S,
    WeightType::Tq1_0,
    WeightType::Tq2_0,
    WeightType::F32,
    WeightType::F16,
    WeightType::Bf16,
];

pub const FLOATS: [WeightType; 3] = [WeightType::F32, WeightType::F16, WeightType::Bf16];

pub const DENSE_TYPES: [DenseType; 5] = [
    DenseType::F16,
    DenseType::Bf16,
    DenseType::Q8_0,
    DenseType::Q6K,
    DenseType::Q4K,
];

pub const N_VOCAB: u32 = 301;

/// A model file, and how it is to be read.
#[derive(Clone)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
    pub layout: I2sLayout,
}

impl File {
    pub fn new(recipe: &Recipe) -> Self {
        Self {
            name: format!("{recipe:?}"),
            bytes: to_vec(recipe.clone(), "weight types", 5).unwrap(),
            layout: I2sLayout::Block128,
        }
    }
}

fn shape(n_embd: u32, (n_heads, n_kv_heads, head_dim): (u32, u32, u32), n_ff: u32) -> Shape {
    Shape {
        n_vocab: N_VOCAB,
        n_embd,
        n_layers: 2,
        n_heads,
        n_kv_heads,
        head_dim,
        n_ff,
        context_length: 128,
        rope_base: 10_000.0,
        rms_epsilon: 1e-5,
    }
}

/// All scales are powers of two, which every type holds exactly.
pub fn power_of_two_shape() -> Shape {
    shape(512, (8, 2, 64), 2048)
}

/// Whole blocks of every type; scales that are no powers of two.
pub fn dense_shape() -> Shape {
    shape(256, (4, 2, 64), 768)
}

/// Columns that are no multiple of any block, and odd ones.
pub fn odd_shapes() -> [Shape; 3] {
    [
        shape(200, (4, 2, 50), 864),
        shape(136, (3, 1, 34), 199),
        shape(99, (1, 1, 6), 1),
    ]
}

/// The architecture in the types of `2b4t`.
pub fn recipe(architecture: Architecture, shape: &Shape) -> Recipe {
    Recipe {
        architecture,
        ..Recipe::from(shape)
    }
}

/// The shape of `tiny`, which is known to keep moving in its own architecture.
pub fn moving(architecture: Architecture) -> Recipe {
    let tiny = xtask::make_model::preset("tiny").unwrap();
    recipe(architecture, &tiny.shape)
}

/// A tied model in these types.
pub fn in_types(
    architecture: Architecture,
    shape: &Shape,
    weights: WeightType,
    embedding: DenseType,
) -> File {
    File::new(&Recipe {
        weights,
        embedding,
        output: OutputMatrix::Tied,
        ..recipe(architecture, shape)
    })
}
