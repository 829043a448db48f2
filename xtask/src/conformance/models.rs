//! A model of the corpus, and its file.

use engine_native::I2sLayout;

use super::{extra::Extra, layouts::repack};
use crate::make_model::{
    DenseType, OutputMatrix, Recipe, Yarn,
    gguf_writer::{GgufHeader, TensorInfo, Value},
    model_header, to_vec,
};

/// Seed of all models.
const SEED: u64 = 20;

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

    /// With scales of queries and keys that make attention less sharp.
    pub fn comparable(mut self) -> Self {
        self.recipe.comparable = true;
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
        self.extra.add_to(&self.recipe, &mut header, &mut data);
        Gguf {
            bytes: [header.to_bytes(), data].concat(),
            header,
            layout: self.layout,
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
