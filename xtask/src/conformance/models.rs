//! A model of the corpus, and its file.

use engine_native::I2sLayout;

use super::layouts::repack;
use crate::make_model::{
    DenseType, OutputMatrix, Recipe, Yarn,
    gguf_writer::{F32, GgufHeader, TensorInfo, Value},
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
    /// All weights of the first rows of `blk.0.ffn_down.weight` are +1, so that sums are as large as can be.
    FullRows,
}

/// Rows without any other weight than +1.
const N_FULL_ROWS: usize = 4;

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
    pub fn tensor(&self, name: &str) -> Option<(&TensorInfo, &[u8])> {
        let tensor = self.header.tensors.iter().find(|t| t.name == name)?;
        let start = self.data_start() + tensor.offset as usize;
        Some((tensor, self.bytes.get(start..)?))
    }
}

impl ModelOf {
    /// Committed, so that the corpus can be tried without this program.
    pub fn committed(self) -> Self {
        Self {
            is_committed: true,
            ..self
        }
    }

    /// With its I2_S in this layout.
    pub fn laid_out(self, layout: I2sLayout) -> Self {
        Self { layout, ..self }
    }

    /// With something besides its recipe.
    pub fn with(self, extra: Extra) -> Self {
        Self { extra, ..self }
    }

    /// With a token embedding of this type.
    pub fn embedding(mut self, embedding: DenseType) -> Self {
        self.recipe.embedding = embedding;
        self
    }

    /// With an output matrix of its own.
    pub fn output(mut self, rows: DenseType) -> Self {
        self.recipe.output = OutputMatrix::Own(rows);
        self
    }

    /// With YaRN, by 4 from 32 positions.
    pub fn yarn(mut self) -> Self {
        self.recipe.yarn = Some(Yarn {
            factor: 4.0,
            original_context_length: 32,
        });
        self
    }

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
        rename_tokens(&mut header);
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
            Extra::FullRows => {
                let tensors = header.tensors.iter();
                for tensor in tensors.filter(|t| t.name == "blk.0.ffn_down.weight") {
                    // Four codes of +1 to a byte.
                    let n_bytes = N_FULL_ROWS * tensor.dims[0] as usize / 4;
                    data[tensor.offset as usize..][..n_bytes].fill(0b1010_1010);
                }
            }
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

/// The ids of line feed and space, which readers of vocabularies look for.
const KEPT: [usize; 2] = [198, 220];

/// Gives the tokens for bytes beyond printable ASCII other texts. Then each token ends a character, and servers
/// that stream text show every one when it is chosen, with its logits.
fn rename_tokens(header: &mut GgufHeader) {
    let n_printable = (b'!'..=b'~').len();
    for (key, value) in &mut header.keys {
        if let ("tokenizer.ggml.tokens", Value::Strings(tokens)) = (&key[..], value) {
            let bytes = tokens.iter_mut().enumerate().take(256).skip(n_printable);
            for (id, token) in bytes.filter(|(id, _)| !KEPT.contains(id)) {
                *token = format!("x{id:03}");
            }
        }
    }
}
