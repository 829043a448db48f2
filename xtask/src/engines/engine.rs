//! What is asked of an engine, and what it answers.

use std::{path::PathBuf, time::Duration};

use engine_native::KvType;
use host::{digest::Digest, watch::Watch};

use super::failure::EngineFailure;

/// With what an engine is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The model file, as the engine reads it: `{model}` of its command.
    pub model: PathBuf,
    /// `{threads}` of its command.
    pub threads: usize,
    /// The most positions of a request, prompt and tokens together: `{context}` of its command.
    pub context: usize,
    /// Rows of the vocabulary: an id from here up is refused.
    pub n_vocab: u32,
    /// How long it may take until it is ready.
    pub start: Duration,
    /// How long it may be silent: before its first token, and between two.
    pub silence: Duration,
}

/// A greedy run from an empty KV cache.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Ids of the prompt, all of them: the engine adds none.
    pub prompt: &'a [u32],
    /// How many tokens to choose. The end of a text does not end it.
    pub n: usize,
    /// The largest logits that are wanted at each token; 0: none. Timed runs want none.
    pub top_logits: usize,
    /// Integer sums that are wanted. An engine that does not show them leaves them out.
    pub sums: &'a [SumsRequest],
}

/// A ternary projection of one input, whose integer sums are wanted.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SumsRequest {
    /// Name of the tensor, such as `blk.0.attn_q.weight`.
    pub tensor: String,
    /// The activations before they are quantized, one for each column.
    pub input: Vec<f32>,
}

impl<'a> Request<'a> {
    /// A run that only wants tokens.
    pub fn tokens(prompt: &'a [u32], n: usize) -> Self {
        Self {
            prompt,
            n,
            top_logits: 0,
            sums: &[],
        }
    }
}

/// What an engine answered: as many tokens as were asked for, each within the vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The ids that it chose.
    pub tokens: Vec<u32>,
    /// From the request to the arrival of the first token, by our clock.
    pub first_ns: u64,
    /// From each token's arrival to that of the next one: one less than tokens.
    pub step_ns: Vec<u64>,
    /// How many steps have a mean time, because several tokens arrived together: a server keeps back
    /// tokens that end within a character, or a stream is not flushed.
    pub joined: usize,
    /// For each token the ids with the largest logits, from the largest down, if they were asked for
    /// and are shown at every token. Log-probabilities will do: only differences count.
    pub top_logits: Option<Vec<Vec<(u32, f32)>>>,
    /// Those integer sums that were asked for and are shown.
    pub sums: Vec<Sums>,
    /// The engine's own times.
    pub reported: Option<Reported>,
}

/// The integer sums of a ternary projection: weight × quantized activation, before any scale.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Name of the tensor.
    pub tensor: String,
    /// Row after row: one for each row, or, where weights have a scale for each group, one for each group
    /// of the row.
    pub sums: Vec<i64>,
}

/// What an engine says of its own times. Nobody checks it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reported {
    /// Prompt, in milliseconds.
    pub prompt_ms: f64,
    /// All steps after it, in milliseconds.
    pub decode_ms: f64,
}

impl Reported {
    /// Those of an engine that says both. A negative time is none.
    pub(super) fn of(prompt_ms: Option<f64>, decode_ms: Option<f64>) -> Option<Self> {
        let times = prompt_ms.zip(decode_ms);
        let (prompt_ms, decode_ms) = times.filter(|&(a, b)| a >= 0.0 && b >= 0.0)?;
        Some(Self {
            prompt_ms,
            decode_ms,
        })
    }
}

/// Who the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The name of its adapter, or what the user calls it.
    pub name: String,
    /// As it says.
    pub version: Option<String>,
    /// Digest of the file that was started; of none, if the engine was running already.
    pub sha256: Option<Digest>,
    /// The command as the user or the adapter has it, with its `{placeholders}`; or the URL.
    pub command: String,
    /// Whether the times contain a network beyond this machine.
    pub is_remote: bool,
    /// Element type of its KV cache, "f16" or "f32": the reference replays with the same.
    pub kv_type: KvType,
    /// From its start until it was ready; of none, if it was running already.
    pub load_ns: Option<u64>,
}

/// An engine that is ready. To drop it ends all its processes.
pub trait Engine: Send {
    /// Who it is.
    fn facts(&self) -> &Facts;

    /// Runs it once.
    ///
    /// # Errors
    /// It gave no answer, or none that can be used. It is not asked again then.
    fn run(&mut self, request: &Request, watch: &Watch) -> Result<Answer, EngineFailure>;
}
