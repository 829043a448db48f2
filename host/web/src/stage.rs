//! A worker's part in the replay: one guest, and the layers and the share of the head that are dealt to
//! it.

use std::rc::Rc;

use host::{
    receipt::Receipt,
    replay::{Pass, Stage},
    watch::Watch,
};
use js_sys::{Uint8Array, WebAssembly::Module};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web_sys::Blob;

use crate::{
    error::{REFUTED, named, of_replay},
    instance::InBrowser,
    slices::Slices,
};

/// A worker's stage of a pass of the replay.
#[wasm_bindgen]
pub struct GuestStage {
    stage: Stage<InBrowser>,
    file: Rc<Slices>,
    phase: String,
    watch: Watch,
    reported: u64,
}

/// The head at some positions.
#[wasm_bindgen]
pub struct Heads {
    hidden: Vec<f32>,
    choices: Vec<u32>,
    kept: Vec<f64>,
}

#[wasm_bindgen]
impl Heads {
    /// Hidden states, `[n][n_embd]`.
    #[wasm_bindgen(getter)]
    pub fn hidden(&self) -> Vec<f32> {
        self.hidden.clone()
    }

    /// Token and bits of its logit, at each position that chooses.
    #[wasm_bindgen(getter)]
    pub fn choices(&self) -> Vec<u32> {
        self.choices.clone()
    }

    /// What else was kept of the logits, at each position.
    #[wasm_bindgen(getter)]
    pub fn kept(&self) -> Vec<f64> {
        self.kept.clone()
    }
}

#[wasm_bindgen]
impl GuestStage {
    /// Makes an instance of `guest` for the task of a receipt that has been checked, on `model`. `pass` is what
    /// [`ReplayPasses::begin`](crate::ReplayPasses::begin) says.
    ///
    /// # Errors
    /// The guest rejects the file or the task.
    #[wasm_bindgen(constructor)]
    pub fn new(
        receipt: &[u8],
        guest: &Module,
        model: Blob,
        pass: &str,
    ) -> Result<GuestStage, JsValue> {
        let no_task = |why: &str| named(REFUTED, why);
        let receipt: Receipt =
            serde_json::from_slice(receipt).map_err(|e| no_task(&e.to_string()))?;
        let task = receipt.task().ok_or_else(|| no_task("no task"))?;
        let pass: Pass = serde_json::from_str(pass).map_err(|e| named("Error", e))?;
        let file = Rc::new(Slices::of(model)?);
        let instance = InBrowser::new(guest, file.clone()).map_err(of_replay)?;
        let (layout, watch) = (receipt.model.layout(), Watch::default());
        let phase = pass.phase().to_string();
        let stage = Stage::open(instance, layout, pass, &task, &receipt.tokens, &watch);
        // Nothing counts as done beyond a total.
        watch.set_progress(0, u64::MAX);
        Ok(Self {
            stage: stage.map_err(of_replay)?,
            file,
            phase,
            watch,
            reported: 0,
        })
    }

    /// Layers of the model.
    #[wasm_bindgen(getter, js_name = nLayers)]
    pub fn n_layers(&self) -> u32 {
        self.stage.shape().n_layers as u32
    }

    /// What the pass does, in a few words.
    #[wasm_bindgen(getter)]
    pub fn phase(&self) -> String {
        self.phase.clone()
    }

    /// Positions of the pass.
    #[wasm_bindgen(getter, js_name = nPositions)]
    pub fn n_positions(&self) -> u32 {
        self.stage.n_positions() as u32
    }

    /// Chunks of the output matrix.
    #[wasm_bindgen(getter, js_name = nChunks)]
    pub fn n_chunks(&self) -> f64 {
        self.stage.shape().n_head_chunks as f64
    }

    /// The work of the whole pass, in multiply-accumulates.
    #[wasm_bindgen(getter)]
    pub fn work(&self) -> f64 {
        self.stage.work() as f64
    }

    /// The work that this stage has done since it was last asked.
    #[wasm_bindgen(js_name = workDone)]
    pub fn work_done(&mut self) -> f64 {
        let (done, _) = self.watch.progress();
        let new = done - self.reported;
        self.reported = done;
        new as f64
    }

    /// The first position of each of `n` shares of the head, then the number of positions.
    #[wasm_bindgen(js_name = headShares)]
    pub fn head_shares(&self, n: usize) -> Vec<u32> {
        let starts = self.stage.head_shares(n).into_iter();
        let starts = starts.map(|positions| positions.start as u32);
        starts.chain([self.n_positions()]).collect()
    }

    /// Begins to load a layer. Returns how many ranges of the file have to be loaded, one after another.
    ///
    /// # Errors
    /// There is no such layer.
    #[wasm_bindgen(js_name = planLayer)]
    pub fn plan_layer(&mut self, layer: usize) -> Result<f64, JsValue> {
        let n_ranges = self.stage.plan_layer(layer).map_err(of_replay)?;
        Ok(n_ranges as f64)
    }

    /// Begins to load a chunk of the output matrix, as `planLayer` does a layer.
    ///
    /// # Errors
    /// There is no such chunk.
    #[wasm_bindgen(js_name = planHead)]
    pub fn plan_head(&mut self, chunk: f64) -> Result<f64, JsValue> {
        let n_ranges = self.stage.plan_head(chunk as u64).map_err(of_replay)?;
        Ok(n_ranges as f64)
    }

    /// Where a planned range of the file begins and ends.
    ///
    /// # Errors
    /// The guest's answer is out of bounds.
    pub fn range(&mut self, i: f64) -> Result<Vec<f64>, JsValue> {
        let range = self.stage.range(i as u64).map_err(of_replay)?;
        Ok(vec![range.start as f64, range.end as f64])
    }

    /// Loads a planned range, whose bytes were fetched.
    ///
    /// # Errors
    /// The guest rejects a weight.
    #[wasm_bindgen(js_name = loadRange)]
    pub fn load_range(&mut self, i: f64, bytes: Uint8Array) -> Result<(), JsValue> {
        let range = self.stage.range(i as u64).map_err(of_replay)?;
        self.file.fetch(range.start, bytes);
        self.stage.load_range(i as u64).map_err(of_replay)
    }

    /// Has the embedding of the token at `position` enter the first layer.
    ///
    /// # Errors
    /// The guest rejects the row.
    pub fn embed(&mut self, position: usize) -> Result<(), JsValue> {
        self.stage.embed(position).map_err(of_replay)
    }

    /// Has a residual stream enter the current layer or the head at `position`.
    ///
    /// # Errors
    /// There is no such position.
    pub fn enter(&mut self, position: usize, residual: &[f32]) -> Result<(), JsValue> {
        self.stage.enter(position, residual).map_err(of_replay)
    }

    /// Computes the current layer at `position`. Returns the residual stream that leaves it.
    ///
    /// # Errors
    /// A value is not finite.
    pub fn layer(&mut self, position: usize) -> Result<Vec<f32>, JsValue> {
        self.stage.layer(position).map_err(of_replay)
    }

    /// Ends the current layer. Returns the digests of what left it, 32 bytes for each position.
    ///
    /// # Errors
    /// There is no such layer.
    #[wasm_bindgen(js_name = releaseLayer)]
    pub fn release_layer(&mut self, layer: usize) -> Result<Vec<u8>, JsValue> {
        let digests = self.stage.release_layer(layer).map_err(of_replay)?;
        Ok(digests.iter().flat_map(|digest| digest.0).collect())
    }

    /// Begins the head at the positions from `start` to `end`.
    #[wasm_bindgen(js_name = beginHead)]
    pub fn begin_head(&mut self, start: usize, end: usize) {
        self.stage.begin_head(start..end);
    }

    /// Computes the next chunk of the output matrix, which has been loaded.
    ///
    /// # Errors
    /// A logit is not finite.
    #[wasm_bindgen(js_name = headChunk)]
    pub fn head_chunk(&mut self, chunk: f64) -> Result<(), JsValue> {
        self.stage.head_chunk(chunk as u64).map_err(of_replay)
    }

    /// Ends the head.
    ///
    /// # Errors
    /// A chunk was left out.
    #[wasm_bindgen(js_name = endHead)]
    pub fn end_head(&mut self) -> Result<Heads, JsValue> {
        let heads = self.stage.end_head().map_err(of_replay)?;
        let choices = heads.iter().filter_map(|head| head.choice);
        let choices = choices.flat_map(|choice| [choice.token, choice.logit.to_bits()]);
        Ok(Heads {
            choices: choices.collect(),
            kept: heads
                .iter()
                .flat_map(|head| head.kept.to_numbers())
                .collect(),
            hidden: heads.into_iter().flat_map(|head| head.hidden).collect(),
        })
    }
}
