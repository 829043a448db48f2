//! The models that are compared.

use engine_native::{Architecture, I2sLayout};
use xtask::make_model::{
    DenseType, GroupedType, OutputMatrix, Recipe, Shape, WeightType, Yarn, to_vec,
};

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

/// Grouped types that hold the same weights and scales.
pub const GROUPED_TYPES: [GroupedType; 4] = [
    GroupedType::Q2_0,
    GroupedType::Q2_0G128,
    GroupedType::Pq2_0,
    GroupedType::Ptq1_0,
];

/// `qwen3` with projections, embedding and output matrix of a grouped type, and YaRN.
pub fn grouped(grouped: GroupedType, is_tied: bool) -> Recipe {
    let rows = DenseType::Grouped(grouped);
    Recipe {
        architecture: Architecture::Qwen3,
        weights: WeightType::Grouped(grouped),
        embedding: rows,
        output: match is_tied {
            true => OutputMatrix::Tied,
            false => OutputMatrix::Own(rows),
        },
        yarn: Some(Yarn {
            factor: 4.0,
            original_context_length: 32,
        }),
        ..Recipe::from(&shape(256, (4, 2, 96), 640))
    }
}

/// Grouped projections with an embedding and an output matrix of every other kind, and grouped ones
/// with projections of one scale.
pub fn mixed() -> Vec<Recipe> {
    let q2_0 = WeightType::Grouped(GroupedType::Q2_0);
    let [pq2_0, ptq1_0] = [GroupedType::Pq2_0, GroupedType::Ptq1_0].map(DenseType::Grouped);
    let own = OutputMatrix::Own;
    let types = [
        (q2_0, DenseType::F16, OutputMatrix::Tied),
        (q2_0, DenseType::Q6K, own(ptq1_0)),
        (q2_0, pq2_0, own(DenseType::Bf16)),
        (q2_0, pq2_0, own(ptq1_0)),
        (WeightType::I2S, pq2_0, OutputMatrix::Tied),
        (WeightType::Tq2_0, ptq1_0, own(DenseType::F16)),
    ];
    let recipes = types.map(|(weights, embedding, output)| Recipe {
        weights,
        embedding,
        output,
        ..recipe(Architecture::Qwen3, &shape(256, (4, 2, 64), 768))
    });
    let narrow = |architecture| Recipe {
        weights: WeightType::Grouped(GroupedType::Q2_0Uneven),
        embedding: DenseType::Grouped(GroupedType::Q2_0),
        ..recipe(architecture, &shape(192, (3, 1, 64), 320))
    };
    let narrow = Architecture::ALL.map(narrow);
    recipes.into_iter().chain(narrow).collect()
}
