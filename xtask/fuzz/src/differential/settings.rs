//! How a generated model is run.

use std::{fmt, sync::Arc};

use engine_native::{
    EngineOptions, I2sLayout, Kernels, KvType, LogitsAt, ModelShape, Packing, Screening,
    SessionOptions, available_kernels,
};

use crate::choices::Choices;

/// Settings, none of which but the KV cache's type and the layout may change a result.
pub struct Settings {
    pub kernels: Arc<dyn Kernels>,
    pub engine: EngineOptions,
    pub kv_type: KvType,
    pub layout: I2sLayout,
    pub logits: LogitsAt,
    /// Positions per thread that prefill takes through a layer together.
    pub prefill_chunk: Option<usize>,
    pub n_prompt: usize,
    pub n_generate: usize,
    pub first_id: usize,
}

/// What is decoded.
#[derive(Debug)]
pub struct Run {
    pub prompt: Vec<u32>,
    /// At least 1.
    pub n_generate: usize,
}

impl Run {
    /// Positions that are fed.
    pub fn n_positions(&self) -> usize {
        self.prompt.len() + self.n_generate - 1
    }
}

impl Settings {
    /// Settings that `choices` make.
    pub fn choose(choices: &mut Choices) -> Self {
        let min_part_work = match choices.chance(50) {
            // No part is too small for a thread.
            true => 1,
            false => EngineOptions::new(1).min_part_work,
        };
        Self {
            kernels: choices.of(&available_kernels()),
            engine: EngineOptions {
                screening: choices.of(&[
                    Screening::Auto,
                    Screening::Always,
                    Screening::Always,
                    Screening::Off,
                ]),
                packing: choices.of(&[
                    Packing::Auto,
                    Packing::Off,
                    Packing::TwoBit,
                    Packing::Densest,
                ]),
                min_part_work,
                ..EngineOptions::new(choices.of(&[1, 1, 1, 2, 3]))
            },
            kv_type: choices.of(&[KvType::F16, KvType::F32]),
            layout: choices.of(&[
                I2sLayout::Block128,
                I2sLayout::Block128,
                I2sLayout::Row4,
                I2sLayout::Block64,
            ]),
            logits: match choices.chance(50) {
                true => LogitsAt::EveryPosition,
                false => LogitsAt::ChoosingPositions,
            },
            prefill_chunk: choices.of(&[None, None, Some(1), Some(2), Some(3)]),
            n_prompt: choices.of(&[1, 1, 2, 3, 4, 5, 8, 13, 17, 33]),
            n_generate: choices.of(&[1, 2, 3, 4, 9]),
            first_id: choices.below(256),
        }
    }

    /// A run that fits into the model's context.
    pub fn fit(&self, shape: &ModelShape) -> Run {
        let context = shape.context_length as usize;
        let n_prompt = self.n_prompt.min(context);
        let id = |i: usize| (self.first_id * 7919 + i * 104_729) as u64 % shape.n_vocab;
        Run {
            prompt: (0..n_prompt).map(|i| id(i) as u32).collect(),
            n_generate: self.n_generate.min(context - n_prompt + 1),
        }
    }

    /// Options of the native session.
    pub fn session(&self, run: &Run) -> SessionOptions {
        let defaults = SessionOptions::new(run.n_positions());
        SessionOptions {
            kv_type: self.kv_type,
            logits: self.logits,
            prefill_chunk: self.prefill_chunk.unwrap_or(defaults.prefill_chunk),
            ..defaults
        }
    }

    /// Whether the logits at `position` are computed.
    pub fn has_logits(&self, run: &Run, position: usize) -> bool {
        position + 1 >= run.prompt.len() || self.logits == LogitsAt::EveryPosition
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Settings")
            .field("isa", &self.kernels.isa())
            .field("engine", &self.engine)
            .field("kv_type", &self.kv_type)
            .field("layout", &self.layout)
            .field("logits", &self.logits)
            .field("prefill_chunk", &self.prefill_chunk)
            .field("n_prompt", &self.n_prompt)
            .field("n_generate", &self.n_generate)
            .finish_non_exhaustive()
    }
}
