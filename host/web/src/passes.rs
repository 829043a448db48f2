//! The passes of a replay, as the page has them.

use engine_native::Choice;
use host::{
    digest::Digest,
    replay::{Head, Kept, Passes},
    task::Task,
    verify::ReplayFailure,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::error::{REFUTED, named};

/// The passes of a receipt's replay, one after another.
#[wasm_bindgen]
pub struct ReplayPasses(pub(crate) Passes);

#[wasm_bindgen]
impl ReplayPasses {
    /// Begins the next pass. Returns what its stages have to be told; undefined if there is no other one.
    ///
    /// # Errors
    /// It cannot be written down.
    pub fn begin(&mut self) -> Result<Option<String>, JsValue> {
        let pass = self.0.begin();
        let pass = pass.map(|pass| serde_json::to_string(&pass)).transpose();
        pass.map_err(|e| named("Error", e))
    }

    /// Ends a pass. `boundaries` are the digests of what left each layer, `[n_layers][n_positions][32]`; `hidden`
    /// are the hidden states, `[n_positions][n_embd]`; `choices` are token and bits of its logit, at each
    /// position that chooses; `kept` is what else was kept at each position.
    ///
    /// # Errors
    /// A part is missing.
    pub fn end(
        &mut self,
        boundaries: &[u8],
        hidden: &[f32],
        choices: &[u32],
        kept: &[f64],
    ) -> Result<(), JsValue> {
        let parts = self.0.task().and_then(|task| {
            let boundaries = digests(&task, boundaries)?;
            Some((boundaries, heads(&task, hidden, choices, kept)?))
        });
        let (boundaries, heads) = parts.ok_or_else(missing)?;
        self.0.end(&boundaries, heads);
        Ok(())
    }

    /// Ends a pass that failed, with the name and the line of the error that a stage threw.
    pub fn fail(&mut self, name: &str, line: String) {
        self.0.fail(match name == REFUTED {
            true => ReplayFailure::Refuted(line),
            false => ReplayFailure::Unanswered(line),
        });
    }
}

/// What is wrong with a replay whose parts do not add up.
pub fn missing() -> JsValue {
    named("Error", "a part of the replay is missing")
}

/// The heads at all positions; `None` if a part is missing.
fn heads(task: &Task, hidden: &[f32], choices: &[u32], kept: &[f64]) -> Option<Vec<Head>> {
    let n_embd = hidden.len() / task.n_positions();
    if n_embd == 0 {
        return None;
    }
    let hidden = hidden.chunks_exact(n_embd);
    let mut choices = choices.as_chunks::<2>().0.iter();
    let mut kept = kept.iter().copied();
    let heads: Option<Vec<_>> = hidden
        .enumerate()
        .map(|(position, hidden)| {
            let choice = task.chooses_at(position).then(|| choices.next()).flatten();
            let choice = choice.map(|&[token, bits]| Choice {
                token,
                logit: f32::from_bits(bits),
            });
            Some(Head {
                hidden: hidden.to_vec(),
                choice,
                kept: Kept::from_numbers(&mut kept)?,
            })
        })
        .collect();
    let heads = heads?;
    let n_choices = heads.iter().filter(|head| head.choice.is_some()).count();
    (heads.len() == task.n_positions() && n_choices == task.n_generate).then_some(heads)
}

/// The digests of each layer; `None` if a part is missing.
fn digests(task: &Task, bytes: &[u8]) -> Option<Vec<Vec<Digest>>> {
    let (digests, rest) = bytes.as_chunks::<32>();
    let layers = digests.chunks_exact(task.n_positions());
    let is_whole = rest.is_empty() && layers.remainder().is_empty() && !digests.is_empty();
    let layers = layers.map(|layer| layer.iter().map(|&digest| Digest(digest)).collect());
    is_whole.then(|| layers.collect())
}
