//! The reference decoding on its own, and the outputs of single operations.

use engine_native::Choice;

use super::guests::Guests;
use crate::{
    sandbox::{ModelInput, OpBits, Sandbox, SandboxError},
    task::Task,
};

/// The outputs of every operation of `layer` at the last of some positions. `entering` are the
/// residual streams that enter the layer, one for each position from 0 on.
///
/// # Errors
/// As for [`crate::replay::replay`].
pub fn op_outputs(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    layer: usize,
    entering: &[&[f32]],
) -> Result<Vec<OpBits>, SandboxError> {
    let mut guest = Guests::new(sandbox, model, task).open()?;
    guest.load_layer(layer)?;
    for (position, residual) in entering.iter().enumerate() {
        guest.set_residual(position, residual)?;
        guest.layer(position)?;
    }
    guest.op_outputs()
}

/// The residual streams that enter the first layer, `[n_positions][n_embd]`: the embeddings that
/// the guest reads.
///
/// # Errors
/// As for [`crate::replay::replay`].
pub fn embedded(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    tokens: &[u32],
) -> Result<Vec<Vec<f32>>, SandboxError> {
    let guests = Guests::new(sandbox, model, task);
    let mut guest = guests.open()?;
    guests.run(tokens).embed(&mut guest)?;
    let positions = 0..task.n_positions();
    positions.map(|position| guest.residual(position)).collect()
}

/// One position of [`decode`].
#[derive(Debug)]
pub struct Decoded {
    /// Logits, `[n_vocab]`.
    pub logits: Vec<f32>,
    /// The token with the largest logit.
    pub choice: Choice,
}

/// Lets the reference decode `task` on its own, position by position. `sink` gets all logits of
/// every position. Returns the tokens.
///
/// # Errors
/// As for [`crate::replay::replay`], and those of `sink`.
pub fn decode<E: From<SandboxError>>(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    mut sink: impl FnMut(Decoded) -> Result<(), E>,
) -> Result<Vec<u32>, E> {
    let mut guest = Guests::new(sandbox, model, task).open()?;
    let mut tokens = Vec::with_capacity(task.n_generate);
    for position in 0..task.n_positions() {
        let input = match task.prompt.get(position) {
            Some(&id) => id,
            None => tokens[position - task.prompt.len()],
        };
        guest.embed(input, position)?;
        for layer in 0..guest.shape().n_layers as usize {
            guest.load_layer(layer)?;
            guest.layer(position)?;
        }
        for chunk in 0..guest.shape().n_head_chunks {
            guest.load_head(chunk)?;
            if chunk == 0 {
                guest.head_norm(position)?;
            }
            guest.head_rows(position)?;
        }
        let choice = guest.choice(position)?;
        if task.chooses_at(position) {
            tokens.push(choice.token);
        }
        let logits = guest.logits()?;
        sink(Decoded { logits, choice })?;
    }
    Ok(tokens)
}
