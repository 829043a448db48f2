//! A run over one model: asks for bytes, computes positions, keeps their state.
//!
//! Positions may run one at a time through all layers (the order of decoding), or all through one
//! layer before the next (the replay of a long prompt). The bits are the same.

use alloc::format;
use alloc::vec::Vec;

use crate::attention::{KvCache, KvType};
use crate::error::{Error, Result};
use crate::head::{Choice, HeadWorkspace};
use crate::layer::LayerWorkspace;
use crate::loading::{EmbeddingSlot, HeadSlot, LayerSlot, Part, Staging};
use crate::memory::{product, zeroed};
use crate::model::Model;
use crate::op::OpOutputs;
use crate::ops::{all_finite, rms_norm};
use crate::ternary::I2sLayout;

/// The item that the last plan was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// The embedding row of a token.
    Embedding(usize),
    Layer(usize),
    /// A chunk of the output matrix.
    Head(usize),
}

/// State of a run. Buffers are allocated by [`Runner::new`], KV caches by [`Runner::plan_layer`].
pub struct Runner {
    model: Model,
    kv_type: KvType,
    n_positions: usize,
    /// What is being loaded.
    planned: Option<Item>,
    staging: Staging,
    embedding: EmbeddingSlot,
    layer: LayerSlot,
    head: HeadSlot,
    /// `[n_layers]`.
    caches: Vec<Option<KvCache>>,
    workspace: LayerWorkspace,
    head_workspace: HeadWorkspace,
    /// `[n_positions, n_embd]`.
    residual: Vec<f32>,
    /// `[n_positions, n_embd]`.
    hidden: Vec<f32>,
    /// `[n_vocab]`.
    logits: Vec<f32>,
    /// `[n_positions]`.
    choices: Vec<Choice>,
}

impl Runner {
    /// Prepares a run of `n_positions` positions, at most the context length.
    pub fn new(
        model: &Model,
        kv_type: KvType,
        i2s_layout: I2sLayout,
        n_positions: usize,
    ) -> Result<Self> {
        let hp = &model.hyperparameters;
        if !(1..=hp.context_length).contains(&n_positions) {
            return Err(Error::Misuse(format!(
                "configure: {n_positions} positions; 1 to the context length {} are allowed",
                hp.context_length
            )));
        }
        let stream = product("positions", n_positions, hp.n_embd)?;
        Ok(Self {
            kv_type,
            n_positions,
            planned: None,
            staging: Staging::new()?,
            embedding: EmbeddingSlot::new(model)?,
            layer: LayerSlot::new(model, i2s_layout)?,
            head: HeadSlot::new(model)?,
            caches: (0..hp.n_layers).map(|_| None).collect(),
            workspace: LayerWorkspace::new(model, n_positions)?,
            head_workspace: HeadWorkspace::new(hp.n_embd)?,
            residual: zeroed("residual stream", stream)?,
            hidden: zeroed("hidden state", stream)?,
            logits: zeroed("logits", hp.n_vocab)?,
            choices: zeroed("choices", n_positions)?,
            model: model.clone(),
        })
    }

    /// Plans the embedding row of `token`; returns the number of ranges to copy.
    pub fn plan_embed(&mut self, token: usize) -> Result<usize> {
        check_index("token", token, self.model.hyperparameters.n_vocab)?;
        self.start(Item::Embedding(token));
        self.embedding.plan(token, &mut self.staging);
        Ok(self.staging.n_ranges())
    }

    /// Plans layer `layer` and creates its KV cache if absent; returns the number of ranges.
    pub fn plan_layer(&mut self, layer: usize) -> Result<usize> {
        let hp = &self.model.hyperparameters;
        check_index("layer", layer, hp.n_layers)?;
        if self.caches[layer].is_none() {
            let cache = KvCache::new(self.kv_type, hp.n_key(), self.n_positions)?;
            self.caches[layer] = Some(cache);
        }
        self.start(Item::Layer(layer));
        let tensors = &self.model.tensors;
        self.layer.plan(layer, tensors, &mut self.staging);
        Ok(self.staging.n_ranges())
    }

    /// Plans chunk `chunk` of the output matrix; returns the number of ranges.
    pub fn plan_head(&mut self, chunk: usize) -> Result<usize> {
        check_index("chunk", chunk, self.head.chunks.count())?;
        self.start(Item::Head(chunk));
        self.head.plan(chunk, &mut self.staging);
        Ok(self.staging.n_ranges())
    }

    /// The ranges of the last plan.
    pub fn staging(&mut self) -> Result<&mut Staging> {
        match self.planned {
            Some(_) => Ok(&mut self.staging),
            None => Err(nothing_planned()),
        }
    }

    /// Validates and decodes range `i` of the last plan, the one just copied.
    ///
    /// Ranges come in order, from 0. One that is refused ends the plan.
    pub fn load_range(&mut self, i: usize) -> Result<()> {
        let item = self.planned.ok_or_else(nothing_planned)?;
        let (part, bytes) = self.staging.next(i)?;
        let tensors = &self.model.tensors;
        let loaded = match part {
            Part::EmbeddingRow(token) => self.embedding.load(token, bytes),
            Part::Layer(layer, part) => self.layer.load(layer, part, tensors, bytes),
            Part::OutputRows(chunk) => self.head.load_rows(chunk, bytes),
            Part::OutputNorm => self.head.load_norm(bytes),
        };
        if let Err(error) = loaded {
            self.planned = None;
            return Err(error);
        }
        if self.staging.is_complete() {
            match item {
                Item::Embedding(token) => self.embedding.loaded = Some(token),
                Item::Layer(layer) => self.layer.loaded = Some(layer),
                Item::Head(chunk) => self.head.loaded = Some(chunk),
            }
        }
        Ok(())
    }

    fn start(&mut self, item: Item) {
        self.planned = Some(item);
        self.staging.clear();
    }

    /// Sets the residual stream of `position` to the loaded embedding row.
    pub fn embed(&mut self, position: usize) -> Result<()> {
        let span = self.span(position)?;
        require("embed: no embedding row", self.embedding.loaded)?;
        self.residual[span].copy_from_slice(self.embedding.row());
        Ok(())
    }

    /// Runs `position` through the loaded layer. It must be the next one of that layer's KV cache.
    pub fn layer(&mut self, position: usize) -> Result<()> {
        let span = self.span(position)?;
        let layer = require("layer: no layer", self.layer.loaded)?;
        let Some(cache) = &mut self.caches[layer] else {
            return Err(Error::Misuse(format!(
                "layer {layer}: its KV cache was released"
            )));
        };
        if cache.len() != position {
            return Err(Error::Misuse(format!(
                "layer {layer}: position {position}; its KV cache holds {} positions",
                cache.len()
            )));
        }
        let residual = &mut self.residual[span];
        let done = self.workspace.forward(&self.layer, cache, residual);
        done.map_err(|f| {
            let op = f.op.name();
            f.fault
                .at(format_args!("position {position}, layer {layer}, {op}"))
        })
    }

    /// Frees the KV cache of `layer`.
    pub fn release_layer(&mut self, layer: usize) -> Result<()> {
        check_index("layer", layer, self.caches.len())?;
        self.caches[layer] = None;
        Ok(())
    }

    /// Computes the final RMSNorm of `position` and starts its greedy choice.
    pub fn head_norm(&mut self, position: usize) -> Result<()> {
        let span = self.span(position)?;
        require("head_norm: no chunk of the output matrix", self.head.loaded)?;
        let (x, y) = (&self.residual[span.clone()], &mut self.hidden[span]);
        let eps = self.model.hyperparameters.eps;
        rms_norm(x, self.head.norm(), eps, y)
            .and_then(|()| all_finite("hidden element", y))
            .map_err(|f| f.at(format_args!("position {position}, output_norm")))?;
        self.choices[position] = Choice::started();
        Ok(())
    }

    /// Computes the logits of the loaded chunk for `position` and updates its greedy choice.
    pub fn head_rows(&mut self, position: usize) -> Result<()> {
        let span = self.span(position)?;
        let chunk = require("head_rows: no chunk of the output matrix", self.head.loaded)?;
        let next = self.choices[position].next_chunk();
        if next != Some(chunk) {
            return Err(Error::Misuse(format!(
                "head_rows: chunk {chunk} for position {position}; head_norm, then the chunks in \
                 ascending order are required"
            )));
        }
        let rows = self.head.chunks.rows(chunk);
        let first = rows.start;
        let seen = &mut self.logits[rows];
        let (rows, hidden) = (self.head.rows(), &self.hidden[span]);
        let done = self.head_workspace.logits(rows, hidden, seen);
        done.map_err(|f| {
            f.at(format_args!(
                "position {position}, output rows from {first}"
            ))
        })?;
        self.choices[position].see(first, seen);
        Ok(())
    }

    /// The greedy choice of `position`: token and logit.
    pub fn choice(&self, position: usize) -> Result<(usize, f32)> {
        check_index("position", position, self.n_positions)?;
        let chosen = self.choices[position].chosen(self.head.chunks.count());
        chosen.ok_or_else(|| {
            Error::Misuse(format!(
                "choice: position {position} has not seen every chunk of the output matrix"
            ))
        })
    }

    /// Residual stream of `position`, `[n_embd]`.
    pub fn residual(&self, position: usize) -> Result<&[f32]> {
        Ok(&self.residual[self.span(position)?])
    }

    /// Final hidden state of `position`, `[n_embd]`.
    pub fn hidden(&self, position: usize) -> Result<&[f32]> {
        Ok(&self.hidden[self.span(position)?])
    }

    /// Logits computed last, `[n_vocab]`.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Outputs of every operation of the last [`Runner::layer`].
    pub fn outputs(&self) -> &OpOutputs {
        &self.workspace.outputs
    }

    /// The rows of the output matrix whose logits were computed last.
    pub fn loaded_rows(&self) -> Result<core::ops::Range<usize>> {
        let chunk = require("rows: no chunk of the output matrix", self.head.loaded)?;
        Ok(self.head.chunks.rows(chunk))
    }

    /// Chunks of the output matrix.
    pub fn n_chunks(&self) -> usize {
        self.head.chunks.count()
    }

    fn span(&self, position: usize) -> Result<core::ops::Range<usize>> {
        check_index("position", position, self.n_positions)?;
        let n_embd = self.model.hyperparameters.n_embd;
        Ok(position * n_embd..(position + 1) * n_embd)
    }
}

fn nothing_planned() -> Error {
    Error::Misuse("ranges: nothing has been planned".into())
}

fn require(what: &str, loaded: Option<usize>) -> Result<usize> {
    loaded.ok_or_else(|| Error::Misuse(format!("{what} has been loaded")))
}

fn check_index(what: &str, index: usize, len: usize) -> Result<()> {
    if index < len {
        return Ok(());
    }
    Err(Error::Misuse(format!(
        "{what} {index} is out of range; 0 to {} exist",
        len - 1
    )))
}
