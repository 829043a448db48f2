//! A stage of a replay in a pipeline of guests. Nobody has run the task before, so there are no guesses:
//! layers are dealt to the stages in turn, each computes its layer position by position, and hands on
//! what leaves it to the next stage, which can begin with that position at once. A stage has one layer
//! in memory.

use std::{borrow::Cow, ops::Range};

use engine_native::I2sLayout;

use super::{
    pass::Pass,
    units::{Head, HeadPass, Run, shares},
    work::{replay_work, row_work},
};
use crate::{
    digest::Digest,
    sandbox::{Guest, GuestShape, Instance, SandboxError},
    task::{Task, boundary_digest},
    watch::Watch,
};

/// One guest of a pipeline.
///
/// ```
/// # #[cfg(feature = "run")]
/// # fn main() -> Result<(), host::sandbox::SandboxError> {
/// use engine_native::{I2sLayout, KvType};
/// use host::{digest::Digest, replay::{Passes, Stage}, sandbox::{InSandbox, Sandbox}, task::Task, watch::Watch};
///
/// let file = include_bytes!("../../../models/tiny.gguf");
/// let watch = Watch::default();
/// let instance = InSandbox::new(&Sandbox::new(&watch)?, file)?;
/// let task = Task { prompt: vec![1], depth: 0, n_generate: 1, kv_type: KvType::F16, challenge: None };
///
/// // A pipeline of one stage, which hands every position on to itself.
/// let mut passes = Passes::of_run(task.clone(), vec![0], Digest::of(file));
/// let pass = passes.begin().expect("there is a replay");
/// let mut stage = Stage::open(instance, I2sLayout::default(), pass, &task, &[0], &watch)?;
/// let mut boundaries = Vec::new();
/// for layer in 0..stage.shape().n_layers as usize {
///     for i in 0..stage.plan_layer(layer)? {
///         stage.load_range(i)?;
///     }
///     if layer == 0 {
///         stage.embed(0)?;
///     }
///     let leaving = stage.layer(0)?;
///     boundaries.push(stage.release_layer(layer)?);
///     stage.enter(0, &leaving)?;
/// }
/// stage.begin_head(0..1);
/// for chunk in 0..stage.shape().n_head_chunks {
///     for i in 0..stage.plan_head(chunk)? {
///         stage.load_range(i)?;
///     }
///     stage.head_chunk(chunk)?;
/// }
/// passes.end(&boundaries, stage.end_head()?);
/// let found = passes.found().expect("it has ended").expect("nothing failed");
/// assert_eq!(found.tokens.len(), 1);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "run"))]
/// # fn main() {}
/// ```
pub struct Stage<I> {
    run: Run<'static>,
    guest: Guest<I>,
    /// Digests of what has left the loaded layer.
    leaving: Vec<Digest>,
    head: HeadPass,
}

impl<I: Instance> Stage<I> {
    /// Makes the stage of a pass of a replay of `task`, in which `tokens` are claimed to have been chosen.
    /// `i2s_layout` is how I2_S tensors are laid out, if there are any. Progress goes to `watch`.
    ///
    /// # Errors
    /// The guest rejects the file or the task.
    pub fn open(
        instance: I,
        i2s_layout: I2sLayout,
        pass: Pass,
        task: &Task,
        tokens: &[u32],
        watch: &Watch,
    ) -> Result<Self, SandboxError> {
        let task = pass.task(task, tokens);
        let mut guest = Guest::open(instance, i2s_layout)?;
        guest.configure(task.kv_type, task.n_positions())?;
        Ok(Self {
            run: Run::new(Cow::Owned(task), tokens, watch.clone()).with_pass(pass),
            head: HeadPass::default(),
            leaving: Vec::new(),
            guest,
        })
    }

    /// Positions that are fed.
    pub fn n_positions(&self) -> usize {
        self.run.task().n_positions()
    }

    /// The work of the whole pass, in multiply-accumulates.
    pub fn work(&self) -> u64 {
        let task = self.run.task();
        let n_rows = (self.run.rows().len() - task.n_generate) as u64;
        let rows = row_work(self.shape()).saturating_mul(n_rows);
        replay_work(self.shape(), task).saturating_add(rows)
    }

    /// The positions of the head for each of `n` stages, with about equally many rows of logits. There may be
    /// fewer shares than stages.
    pub fn head_shares(&self, n: usize) -> Vec<Range<usize>> {
        shares(self.run.rows(), self.n_positions(), n).collect()
    }

    /// The model's shape.
    pub fn shape(&self) -> &GuestShape {
        self.guest.shape()
    }

    /// Begins to load `layer`, which becomes the current one. Returns how many ranges of the file have to
    /// be loaded, one after another.
    ///
    /// # Errors
    /// There is no such layer.
    pub fn plan_layer(&mut self, layer: usize) -> Result<u64, SandboxError> {
        self.leaving.clear();
        self.guest.plan_layer(layer)
    }

    /// Begins to load a chunk of the output matrix, as [`Stage::plan_layer`] does a layer.
    ///
    /// # Errors
    /// There is no such chunk.
    pub fn plan_head(&mut self, chunk: u64) -> Result<u64, SandboxError> {
        self.guest.plan_head(chunk)
    }

    /// The bytes of the file that a planned range has, for whoever fetches them beforehand.
    ///
    /// # Errors
    /// The guest's answer is out of bounds.
    pub fn range(&mut self, i: u64) -> Result<Range<u64>, SandboxError> {
        self.guest.range(i)
    }

    /// Loads a planned range.
    ///
    /// # Errors
    /// The guest rejects a weight.
    pub fn load_range(&mut self, i: u64) -> Result<(), SandboxError> {
        self.guest.load_range(i)
    }

    /// Has the embedding of the token at `position` enter the first layer.
    ///
    /// # Errors
    /// The guest rejects the row.
    pub fn embed(&mut self, position: usize) -> Result<(), SandboxError> {
        self.run.embed_at(&mut self.guest, position)
    }

    /// Has a residual stream, `[n_embd]`, enter the current layer or the head at `position`.
    ///
    /// # Errors
    /// There is no such position.
    pub fn enter(&mut self, position: usize, residual: &[f32]) -> Result<(), SandboxError> {
        self.guest.set_residual(position, residual)
    }

    /// Computes the current layer at the next position, which is `position`. Returns the residual stream
    /// that leaves it, `[n_embd]`.
    ///
    /// # Errors
    /// A value is not finite.
    pub fn layer(&mut self, position: usize) -> Result<Vec<f32>, SandboxError> {
        let leaving = self.run.layer_at(&mut self.guest, position)?;
        self.leaving.push(boundary_digest(&leaving));
        Ok(leaving)
    }

    /// Ends the current layer. Returns the digests of what left it, `[n_positions]`.
    ///
    /// # Errors
    /// There is no such layer.
    pub fn release_layer(&mut self, layer: usize) -> Result<Vec<Digest>, SandboxError> {
        self.guest.release_layer(layer)?;
        Ok(std::mem::take(&mut self.leaving))
    }

    /// Begins the head at `positions`, which have entered.
    pub fn begin_head(&mut self, positions: Range<usize>) {
        self.head = self.run.begin_head(positions);
    }

    /// Computes the next chunk of the output matrix, which is `chunk` and has been loaded.
    ///
    /// # Errors
    /// A logit is not finite.
    pub fn head_chunk(&mut self, chunk: u64) -> Result<(), SandboxError> {
        self.run.head_chunk(&mut self.guest, chunk, &mut self.head)
    }

    /// Ends the head. Returns its result at each of its positions.
    ///
    /// # Errors
    /// A chunk was left out.
    pub fn end_head(&mut self) -> Result<Vec<Head>, SandboxError> {
        let done = std::mem::take(&mut self.head);
        self.run.end_head(&mut self.guest, done)
    }
}
