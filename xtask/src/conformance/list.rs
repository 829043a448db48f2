//! The models of the corpus: every layout, type and architecture that we read, once at least.
//!
//! Except for a few that are chosen, their weights are random. With random weights, an error of 1 % in a scale shows
//! after a few tokens; a trained model hides it for hundreds. The models are shallow: random weights amplify every
//! rounding from layer to layer, until right engines differ, too.

use engine_native::{
    Architecture::{self, Bitnet, Bitnet25, BitnetB158, Llama, Qwen3},
    I2sLayout,
};

use super::{extra::Extra, models::ModelOf, ties};
use crate::make_model::{
    DenseType::{self, Bf16, F16, F32, Q4K, Q6K, Q8_0},
    GroupedType::{self, Pq2_0, Ptq1_0, Q2_0, Q2_0G128, Q2_0Uneven},
    Recipe, Shape,
    WeightType::{self, I2S},
};

/// Tokens in the vocabulary of each model.
pub(super) const N_VOCAB: u32 = 288;

fn shape(n_embd: u32, heads: (u32, u32, u32), n_ff: u32, n_layers: u32) -> Shape {
    Shape {
        n_vocab: N_VOCAB,
        n_embd,
        n_layers,
        n_heads: heads.0,
        n_kv_heads: heads.1,
        head_dim: heads.2,
        n_ff,
        context_length: 128,
        rope_base: 10_000.0,
        rms_epsilon: 1e-5,
    }
}

/// Whole blocks of 128.
fn of_128() -> Shape {
    shape(128, (2, 1, 64), 384, 3)
}

/// Whole blocks of 256.
fn of_256() -> Shape {
    shape(256, (4, 2, 64), 256, 2)
}

/// Columns that are whole blocks of no type.
fn odd() -> Shape {
    shape(72, (3, 1, 24), 70, 2)
}

/// Heads that are wider together than the embedding.
fn wide_heads() -> Shape {
    shape(128, (2, 1, 128), 384, 3)
}

/// Rows so long that 16-bit sums wrap.
fn long_rows() -> Shape {
    shape(128, (2, 1, 64), 2176, 1)
}

/// Rows so long that 16-bit sums of activations of ±127 wrap, even where an eighth of the signs is random.
fn of_512(heads: (u32, u32, u32), n_ff: u32) -> Shape {
    shape(512, heads, n_ff, 1)
}

/// With an epsilon that makes exact ties.
fn of_ties() -> Shape {
    Shape {
        rms_epsilon: ties::epsilon(),
        ..shape(ties::N_COLS as u32, (2, 1, 64), 384, 1)
    }
}

fn of(
    name: &'static str,
    architecture: Architecture,
    shape: &Shape,
    weights: WeightType,
    about: &'static str,
) -> ModelOf {
    ModelOf {
        name,
        about,
        recipe: Recipe {
            architecture,
            weights,
            ..Recipe::from(shape)
        },
        layout: I2sLayout::Block128,
        extra: Extra::None,
        is_committed: false,
    }
}

/// BitNet b1.58 in I2_S.
fn b158(name: &'static str, about: &'static str) -> ModelOf {
    of(name, BitnetB158, &of_128(), I2S, about)
}

/// `llama` in I2_S.
fn llama(name: &'static str, about: &'static str) -> ModelOf {
    of(name, Llama, &of_128(), I2S, about)
}

/// `qwen3` in a grouped type, with an embedding of the same type.
fn qwen(name: &'static str, grouped: GroupedType, about: &'static str) -> ModelOf {
    let weights = WeightType::Grouped(grouped);
    of(name, Qwen3, &wide_heads(), weights, about).embedding(DenseType::Grouped(grouped))
}

/// The list, in the order of its tables.
pub(super) fn all() -> Vec<ModelOf> {
    let mut all = Vec::new();
    all.extend(of_bitnet());
    all.extend(of_llama());
    all.extend(of_qwen());
    all
}

fn of_bitnet() -> Vec<ModelOf> {
    use WeightType::{Tq1_0, Tq2_0};
    let wide = |name, weights, about| of(name, BitnetB158, &of_256(), weights, about);
    let odd = |name, weights, about| of(name, BitnetB158, &odd(), weights, about);
    vec![
        b158(
            "b158-i2_s",
            "Squared ReLU, sub-norms; I2_S as published files have it",
        )
        .committed(),
        b158(
            "b158-i2_s-block64",
            "The weights of b158-i2_s in blocks of 64",
        )
        .laid_out(I2sLayout::Block64),
        b158(
            "b158-i2_s-row4",
            "The weights of b158-i2_s, four rows to a byte",
        )
        .laid_out(I2sLayout::Row4),
        of(
            "b158-i2_s-long",
            BitnetB158,
            &long_rows(),
            I2S,
            "Sums that do not fit into 16 bits",
        )
        .with(Extra::FullRows)
        .embedding(Q8_0),
        of(
            "b158-i2_s-large",
            BitnetB158,
            &of_512((8, 1, 64), 128),
            I2S,
            "Sums of a run that do not fit into 16 bits",
        )
        .comparable()
        .with(Extra::LargeSums)
        .embedding(Q8_0),
        of(
            "b158-i2_s-ties",
            BitnetB158,
            &of_ties(),
            I2S,
            "Activations halfway between two integers",
        )
        .with(Extra::Ties),
        b158("b158-i2_s-f32", "Embedding in F32").embedding(F32),
        b158("b158-i2_s-q8_0", "Embedding in Q8_0").embedding(Q8_0),
        b158(
            "b158-i2_s-q8_0-f16",
            "Embedding in Q8_0, output matrix in F16",
        )
        .embedding(Q8_0)
        .output(F16),
        wide("b158-i2_s-q6_k", I2S, "Embedding in Q6_K").embedding(Q6K),
        wide(
            "b158-i2_s-q4_k-q6_k",
            I2S,
            "Embedding in Q4_K, output matrix in Q6_K",
        )
        .embedding(Q4K)
        .output(Q6K),
        wide("b158-tq1_0", Tq1_0, "TQ1_0").embedding(Q8_0),
        wide("b158-tq2_0", Tq2_0, "TQ2_0").embedding(Q8_0),
        odd(
            "b158-f32",
            WeightType::F32,
            "Ternary weights in F32, columns of no block",
        ),
        odd(
            "b158-f16",
            WeightType::F16,
            "Ternary weights in F16, columns of no block",
        ),
        odd(
            "b158-bf16",
            WeightType::Bf16,
            "Ternary weights in BF16, columns of no block",
        ),
        of(
            "bitnet-25-i2_s",
            Bitnet25,
            &of_128(),
            I2S,
            "The older name; embedding in BF16",
        )
        .embedding(Bf16),
        of(
            "bitnet-i2_s",
            Bitnet,
            &of_128(),
            I2S,
            "SiLU, sub-norms; the weights of b158-i2_s",
        ),
        of(
            "bitnet-tq2_0",
            Bitnet,
            &of_256(),
            Tq2_0,
            "SiLU, sub-norms; TQ2_0, embedding in Q4_K",
        )
        .embedding(Q4K),
    ]
}

fn of_llama() -> Vec<ModelOf> {
    use WeightType::{Tq1_0, Tq2_0};
    let wide = |name, weights, about| of(name, Llama, &of_256(), weights, about);
    vec![
        llama(
            "llama-i2_s",
            "SiLU, no sub-norms, rotary pairs of neighbours",
        )
        .embedding(Q8_0),
        wide("llama-tq2_0", Tq2_0, "TQ2_0, embedding in Q8_0")
            .embedding(Q8_0)
            .committed(),
        wide(
            "llama-tq1_0",
            Tq1_0,
            "TQ1_0, embedding in Q6_K, output matrix in Q4_K",
        )
        .embedding(Q6K)
        .output(Q4K),
        of(
            "llama-tq2_0-large",
            Llama,
            &of_512((4, 2, 64), 256),
            Tq2_0,
            "TQ2_0, sums of a run that do not fit into 16 bits",
        )
        .comparable()
        .with(Extra::LargeSums)
        .embedding(Q8_0),
        of(
            "llama-f16",
            Llama,
            &odd(),
            WeightType::F16,
            "Ternary weights in F16",
        ),
        llama("llama-i2_s-linear", "Linear scaling of RoPE by 4")
            .with(Extra::LinearScaling(4.0))
            .embedding(Q8_0),
        llama("llama-i2_s-factors", "Frequency factors of RoPE")
            .with(Extra::RopeFactors)
            .embedding(Q8_0),
        llama(
            "llama-i2_s-yarn",
            "YaRN; embedding and output matrix in Q8_0",
        )
        .yarn()
        .embedding(Bf16)
        .output(Q8_0),
    ]
}

fn of_qwen() -> Vec<ModelOf> {
    vec![
        qwen(
            "qwen3-q2_0",
            Q2_0,
            "Norms of heads; Q2_0 whose blocks share scales in pairs",
        )
        .committed(),
        qwen(
            "qwen3-q2_0-uneven",
            Q2_0Uneven,
            "Q2_0 whose blocks have scales of their own",
        ),
        qwen(
            "qwen3-q2_0-g128",
            Q2_0G128,
            "The older Q2_0, in blocks of 128 under the same id",
        ),
        qwen(
            "qwen3-pq2_0",
            Pq2_0,
            "PQ2_0: blocks of 128 under an id of their own",
        ),
        qwen("qwen3-ptq1_0", Ptq1_0, "PTQ1_0: five weights to a byte"),
        qwen("qwen3-q2_0-yarn", Q2_0, "Q2_0 and YaRN, as Bonsai has it").yarn(),
        qwen(
            "qwen3-q2_0-untied",
            Q2_0,
            "An output matrix of its own in Q2_0",
        )
        .output(DenseType::Grouped(Q2_0)),
        qwen("qwen3-q2_0-f16", Q2_0, "Q2_0, embedding in F16").embedding(F16),
        of(
            "qwen3-i2_s",
            Qwen3,
            &wide_heads(),
            I2S,
            "Norms of heads, I2_S",
        )
        .embedding(Q8_0),
    ]
}
