//! What the reference computes with a model of the corpus.

use engine_native::{KvType, Op};
use host::{
    digest::Digest,
    sandbox::{Guest, Instance, ModelInput, OpBits, Sandbox, SandboxError},
    task::{PositionRecord, Transcript, TranscriptStart, boundary_digest},
};

/// A run of the reference.
pub(super) struct ReferenceRun {
    /// All logits at each position that chooses a token.
    pub logits: Vec<Vec<f32>>,
    pub tokens: Vec<u32>,
    /// Of every position.
    pub records: Vec<PositionRecord>,
    pub checksum: Digest,
    /// Outputs of the operations of each layer at the last position of the prompt.
    pub ops: Vec<Vec<OpBits>>,
    /// The embedding of the first token of the prompt.
    pub embedding: Vec<f32>,
}

/// Lets the reference decode `n` tokens after `prompt`.
///
/// # Errors
/// The guest refuses the file.
pub(super) fn run(
    sandbox: &Sandbox,
    model: ModelInput,
    kv_type: KvType,
    prompt: &[u32],
    n: usize,
) -> Result<ReferenceRun, SandboxError> {
    let mut guest = sandbox.open(model)?;
    guest.configure(kv_type, prompt.len() + n - 1)?;
    guest.embed(prompt[0], 0)?;
    let embedding = guest.residual(0)?;
    let start = TranscriptStart {
        model: Digest::of(model.file),
        kv_type,
        challenge: &[],
        prompt,
        n_generate: n,
    };
    let mut run = ReferenceRun {
        logits: Vec::new(),
        tokens: Vec::new(),
        records: Vec::new(),
        checksum: Digest([0; 32]),
        ops: Vec::new(),
        embedding,
    };
    for position in 0..prompt.len() + n - 1 {
        let input = match prompt.get(position) {
            Some(&id) => id,
            None => run.tokens[position - prompt.len()],
        };
        run.step(&mut guest, position, input, prompt.len())?;
    }
    run.checksum = Transcript::of(&start, &run.records);
    Ok(run)
}

impl ReferenceRun {
    fn step<I: Instance>(
        &mut self,
        guest: &mut Guest<I>,
        position: usize,
        input: u32,
        n_prompt: usize,
    ) -> Result<(), SandboxError> {
        guest.embed(input, position)?;
        let mut boundaries = Vec::new();
        for layer in 0..guest.shape().n_layers as usize {
            guest.load_layer(layer)?;
            guest.layer(position)?;
            boundaries.push(boundary_digest(&guest.residual(position)?));
            if position + 1 == n_prompt {
                self.ops.push(guest.op_outputs()?);
            }
        }
        for chunk in 0..guest.shape().n_head_chunks {
            guest.load_head(chunk)?;
            if chunk == 0 {
                guest.head_norm(position)?;
            }
            guest.head_rows(position)?;
        }
        let choice = guest.choice(position)?;
        let chooses = position + 1 >= n_prompt;
        if chooses {
            self.tokens.push(choice.token);
            self.logits.push(guest.logits()?);
        }
        self.records.push(PositionRecord {
            position,
            input,
            boundaries,
            hidden: guest.hidden(position)?,
            choice: chooses.then_some(choice),
        });
        Ok(())
    }

    /// The output of an operation of `layer` at the last position of the prompt; none if the architecture
    /// does not have it.
    pub fn op(&self, layer: usize, op: Op) -> Option<&[u32]> {
        let found = self.ops[layer].iter().find(|(of, _)| *of == op);
        found.map(|(_, bits)| &bits[..])
    }
}

/// Whether the reference refuses a file: what it says when it is made to load all of it.
pub(super) fn refusal(sandbox: &Sandbox, model: ModelInput) -> Option<SandboxError> {
    let load_all = || -> Result<(), SandboxError> {
        let mut guest = sandbox.open(model)?;
        guest.configure(KvType::F16, 1)?;
        let shape = guest.shape().clone();
        (0..shape.n_vocab).try_for_each(|token| guest.embed(token as u32, 0))?;
        (0..shape.n_layers).try_for_each(|layer| guest.load_layer(layer as usize))?;
        (0..shape.n_head_chunks).try_for_each(|chunk| guest.load_head(chunk))
    };
    load_all().err()
}
