//! The models of the corpus: every layout, type and architecture that we read, once at least.
//!
//! They have random weights: an error of 1 % in a scale shows after a few tokens then, and a trained model
//! hides it for hundreds.

use engine_native::{Architecture, I2sLayout};

use super::layouts::repack;
use crate::make_model::{
    DenseType, GroupedType, OutputMatrix, Recipe, Shape, WeightType, Yarn,
    gguf_writer::{F32, GgufHeader, Value},
    model_header, to_vec,
};

/// Seed of all models.
const SEED: u64 = 20;

/// What a model has besides its recipe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Extra {
    /// Nothing.
    None,
    /// `rope.scaling.type` `linear` with this factor.
    LinearScaling(f32),
    /// `rope_freqs.weight`, a divisor for each pair.
    RopeFactors,
}

/// A model of the corpus.
#[derive(Debug, Clone)]
pub(super) struct ModelOf {
    /// Name of the case.
    pub name: &'static str,
    /// What is particular about it.
    pub about: &'static str,
    pub recipe: Recipe,
    pub layout: I2sLayout,
    pub extra: Extra,
    /// Whether its file is committed, so that the corpus can be tried without this program.
    pub is_committed: bool,
}

/// A model's file.
#[derive(Debug, Clone)]
pub(super) struct Gguf {
    /// Its header.
    pub header: GgufHeader,
    /// The whole file.
    pub bytes: Vec<u8>,
    pub layout: I2sLayout,
}

impl Gguf {
    /// Bytes before the first tensor.
    pub fn data_start(&self) -> usize {
        self.header.to_bytes().len()
    }

    /// A tensor's description, and the file from its first byte on.
    pub fn tensor(
        &self,
        name: &str,
    ) -> Option<(&crate::make_model::gguf_writer::TensorInfo, &[u8])> {
        let tensor = self.header.tensors.iter().find(|t| t.name == name)?;
        let start = self.data_start() + tensor.offset as usize;
        Some((tensor, self.bytes.get(start..)?))
    }
}

impl ModelOf {
    /// The model's file: the same bytes on every machine.
    ///
    /// # Panics
    /// The recipe cannot exist, which a test of the whole list excludes.
    pub fn file(&self) -> Gguf {
        let title = format!("bitreceipt conformance {}", self.name);
        let mut header = model_header(&self.recipe, &title).expect("the recipe is valid");
        let bytes = to_vec(self.recipe.clone(), &title, SEED).expect("the recipe is valid");
        let mut data = bytes[header.to_bytes().len()..].to_vec();
        repack(&header, &mut data, self.layout);
        self.add_extra(&mut header, &mut data);
        Gguf {
            bytes: [header.to_bytes(), data].concat(),
            header,
            layout: self.layout,
        }
    }

    fn add_extra(&self, header: &mut GgufHeader, data: &mut Vec<u8>) {
        let prefix = self.recipe.architecture.as_str();
        match self.extra {
            Extra::None => {}
            Extra::LinearScaling(factor) => {
                let linear = Value::String("linear".to_owned());
                header.push_key(&format!("{prefix}.rope.scaling.type"), linear);
                let factor = Value::F32(factor);
                header.push_key(&format!("{prefix}.rope.scaling.factor"), factor);
            }
            Extra::RopeFactors => {
                let n = self.recipe.shape.head_dim / 2;
                header.push_tensor("rope_freqs.weight", &[n.into()], F32, 4 * u64::from(n));
                // As Llama 3.1 has them: 1 for the fast pairs, more for the slow ones.
                let factors = (0..n).map(|j| {
                    if j < n / 2 {
                        1.0f32
                    } else {
                        1.0 + 0.25 * j as f32
                    }
                });
                data.extend(factors.flat_map(f32::to_le_bytes));
                data.resize(header.data_bytes() as usize, 0);
            }
        }
    }
}

fn shape(n_embd: u32, heads: (u32, u32, u32), n_ff: u32, n_layers: u32) -> Shape {
    Shape {
        n_vocab: 288,
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
    shape(72, (3, 1, 24), 110, 2)
}

/// Heads that are wider together than the embedding.
fn wide_heads() -> Shape {
    shape(128, (2, 1, 128), 384, 3)
}

/// Rows so long that 16-bit sums of codes wrap.
fn long_rows() -> Shape {
    shape(128, (2, 1, 64), 2304, 1)
}

/// The list, in the order of its tables.
pub(super) fn all() -> Vec<ModelOf> {
    use Architecture::{Bitnet, Bitnet25, BitnetB158, Llama, Qwen3};
    use DenseType as D;
    use WeightType as W;
    let of = |name, architecture, shape: Shape, weights, about| ModelOf {
        name,
        about,
        recipe: Recipe {
            architecture,
            weights,
            ..Recipe::from(&shape)
        },
        layout: I2sLayout::Block128,
        extra: Extra::None,
        is_committed: false,
    };
    let committed = |model: ModelOf| ModelOf {
        is_committed: true,
        ..model
    };
    let laid_out = |layout, model: ModelOf| ModelOf { layout, ..model };
    let with = |extra, model: ModelOf| ModelOf { extra, ..model };
    let rows = |embedding, output, mut model: ModelOf| {
        (model.recipe.embedding, model.recipe.output) = (embedding, output);
        model
    };
    let own = OutputMatrix::Own;
    let qwen = |name, grouped, about| {
        let model = of(name, Qwen3, wide_heads(), W::Grouped(grouped), about);
        rows(D::Grouped(grouped), OutputMatrix::Tied, model)
    };
    let yarn = |mut model: ModelOf| {
        model.recipe.yarn = Some(Yarn {
            factor: 4.0,
            original_context_length: 32,
        });
        model
    };
    let i2_s = |name, about| of(name, BitnetB158, of_128(), W::I2S, about);
    vec![
        committed(i2_s(
            "b158-i2_s",
            "BitNet b1.58: squared ReLU, sub-norms; I2_S as published files have it",
        )),
        laid_out(
            I2sLayout::Block64,
            i2_s(
                "b158-i2_s-block64",
                "The weights of b158-i2_s in blocks of 64",
            ),
        ),
        laid_out(
            I2sLayout::Row4,
            i2_s(
                "b158-i2_s-row4",
                "The weights of b158-i2_s, four rows to a byte",
            ),
        ),
        of(
            "b158-i2_s-long",
            BitnetB158,
            long_rows(),
            W::I2S,
            "Rows of 2304 columns: 16-bit sums can wrap",
        ),
        rows(
            D::F32,
            OutputMatrix::Tied,
            i2_s("b158-i2_s-f32", "Embedding in F32"),
        ),
        rows(
            D::Q8_0,
            OutputMatrix::Tied,
            i2_s("b158-i2_s-q8_0", "Embedding in Q8_0"),
        ),
        rows(
            D::Q6K,
            OutputMatrix::Tied,
            of(
                "b158-i2_s-q6_k",
                BitnetB158,
                of_256(),
                W::I2S,
                "Embedding in Q6_K",
            ),
        ),
        rows(
            D::Q4K,
            own(D::Q6K),
            of(
                "b158-i2_s-q4_k-q6_k",
                BitnetB158,
                of_256(),
                W::I2S,
                "Embedding in Q4_K, output matrix in Q6_K",
            ),
        ),
        rows(
            D::Q8_0,
            own(D::F16),
            i2_s(
                "b158-i2_s-q8_0-f16",
                "Embedding in Q8_0, output matrix in F16",
            ),
        ),
        of(
            "b158-tq1_0",
            BitnetB158,
            of_256(),
            W::Tq1_0,
            "Projections in TQ1_0",
        ),
        of(
            "b158-tq2_0",
            BitnetB158,
            of_256(),
            W::Tq2_0,
            "Projections in TQ2_0",
        ),
        of(
            "b158-f32",
            BitnetB158,
            odd(),
            W::F32,
            "Ternary projections in F32, columns of no block",
        ),
        of(
            "b158-f16",
            BitnetB158,
            odd(),
            W::F16,
            "Ternary projections in F16, columns of no block",
        ),
        of(
            "b158-bf16",
            BitnetB158,
            odd(),
            W::Bf16,
            "Ternary projections in BF16, columns of no block",
        ),
        rows(
            D::Bf16,
            OutputMatrix::Tied,
            of(
                "bitnet-25-i2_s",
                Bitnet25,
                of_128(),
                W::I2S,
                "The older name of BitNet b1.58; embedding in BF16",
            ),
        ),
        of(
            "bitnet-i2_s",
            Bitnet,
            of_128(),
            W::I2S,
            "1bitLLM's models: SiLU, sub-norms",
        ),
        rows(
            D::Q4K,
            OutputMatrix::Tied,
            of(
                "bitnet-tq2_0",
                Bitnet,
                of_256(),
                W::Tq2_0,
                "SiLU, sub-norms; TQ2_0, embedding in Q4_K",
            ),
        ),
        of(
            "llama-i2_s",
            Llama,
            of_128(),
            W::I2S,
            "SiLU, no sub-norms, rotary pairs of neighbours",
        ),
        committed(rows(
            D::Q8_0,
            OutputMatrix::Tied,
            of(
                "llama-tq2_0",
                Llama,
                of_256(),
                W::Tq2_0,
                "TQ2_0, embedding in Q8_0",
            ),
        )),
        rows(
            D::Q6K,
            own(D::Q4K),
            of(
                "llama-tq1_0",
                Llama,
                of_256(),
                W::Tq1_0,
                "TQ1_0, embedding in Q6_K, output matrix in Q4_K",
            ),
        ),
        of(
            "llama-f16",
            Llama,
            odd(),
            W::F16,
            "Ternary projections in F16, columns of no block",
        ),
        with(
            Extra::LinearScaling(4.0),
            of(
                "llama-i2_s-linear",
                Llama,
                of_128(),
                W::I2S,
                "Linear scaling of RoPE by 4",
            ),
        ),
        with(
            Extra::RopeFactors,
            of(
                "llama-i2_s-factors",
                Llama,
                of_128(),
                W::I2S,
                "Frequency factors of RoPE",
            ),
        ),
        yarn(rows(
            D::Bf16,
            own(D::Q8_0),
            of(
                "llama-i2_s-yarn",
                Llama,
                of_128(),
                W::I2S,
                "YaRN; output matrix in Q8_0",
            ),
        )),
        committed(qwen(
            "qwen3-q2_0",
            GroupedType::Q2_0,
            "Norms of heads; Q2_0 in blocks of 64, two of which share a scale",
        )),
        qwen(
            "qwen3-q2_0-uneven",
            GroupedType::Q2_0Uneven,
            "Q2_0 in blocks of 64, each with its scale",
        ),
        qwen(
            "qwen3-q2_0-g128",
            GroupedType::Q2_0G128,
            "The older Q2_0, in blocks of 128 under the same id",
        ),
        qwen(
            "qwen3-pq2_0",
            GroupedType::Pq2_0,
            "PQ2_0: blocks of 128 under an id of their own",
        ),
        qwen(
            "qwen3-ptq1_0",
            GroupedType::Ptq1_0,
            "PTQ1_0: five weights to a byte",
        ),
        yarn(qwen(
            "qwen3-q2_0-yarn",
            GroupedType::Q2_0,
            "Q2_0 and YaRN, as Bonsai has it",
        )),
        rows(
            D::Grouped(GroupedType::Q2_0),
            own(D::Grouped(GroupedType::Q2_0)),
            qwen(
                "qwen3-q2_0-untied",
                GroupedType::Q2_0,
                "An output matrix of its own in Q2_0",
            ),
        ),
        rows(
            D::F16,
            OutputMatrix::Tied,
            qwen(
                "qwen3-q2_0-f16",
                GroupedType::Q2_0,
                "Q2_0, embedding in F16",
            ),
        ),
        of(
            "qwen3-i2_s",
            Qwen3,
            wide_heads(),
            W::I2S,
            "Norms of heads, I2_S",
        ),
    ]
}
