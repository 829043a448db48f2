//! A run as an iterator of steps.

use std::time::{Duration, Instant};

use crate::{
    error::{RunError, check_cancelled},
    ledger::{Choice, Ledger, PositionTrace},
    model::ModelShape,
    run::{LogitsAt, Session},
};

/// The result of one step: of the prefill of the whole prompt, or of the decode of one token.
#[derive(Debug)]
pub struct Step {
    /// The values that the transcript commits to, for each position fed in this step.
    pub positions: Vec<PositionTrace>,
    /// The token chosen at the last of these positions.
    pub choice: Choice,
    /// Logits of every position of the step, `[n_vocab]` each; empty unless asked for with
    /// [`LogitsAt::EveryPosition`].
    pub logits: Vec<Vec<f32>>,
    /// Wall time from the first operation to the chosen token.
    pub elapsed: Duration,
}

/// A run in progress: an iterator of steps, made by [`Session::generate`].
pub struct Generation<'s> {
    session: &'s mut Session,
    /// Tokens that the next step feeds.
    next_input: Vec<u32>,
    position: usize,
    /// The first position whose values no step has handed out.
    untold: usize,
    remaining: usize,
}

impl Session {
    /// Decodes `n_tokens` tokens greedily after `prompt`. The first step is the whole prefill and
    /// chooses the first token; each further step feeds the last token and chooses the next one.
    /// Every call starts a new run, at position 0 with an empty KV cache and ledger.
    ///
    /// # Errors
    /// The prompt is empty or has an id outside the vocabulary, or the run does not fit the
    /// session. A step fails if a value is not finite, or if the observer stops the run; that ends
    /// the iterator.
    ///
    /// ```
    /// # use std::{path::Path, sync::Arc};
    /// # use engine_native::{Engine, KernelChoice, Model, Op, SessionOptions};
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
    /// # let model = Arc::new(Model::open(Path::new(path))?);
    /// # let engine = Engine::new(model, KernelChoice::Auto.resolve()?, 1)?;
    /// let mut session = engine.session(SessionOptions::new(4))?;
    /// let mut steps = session.generate(&[1, 2, 3], 2)?;
    /// let prefill = steps.next().expect("a step for each token")?;
    /// assert_eq!(prefill.positions.len(), 3);
    /// let decode = steps.next().expect("a step for each token")?;
    /// assert_eq!(decode.positions[0].input, prefill.choice.token);
    /// assert_eq!(session.ledger().total(Op::OutputNorm).tally.calls, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn generate(
        &mut self,
        prompt: &[u32],
        n_tokens: usize,
    ) -> Result<Generation<'_>, RunError> {
        Generation::new(self, prompt, n_tokens)
    }
}

impl<'s> Generation<'s> {
    fn new(session: &'s mut Session, prompt: &[u32], n_tokens: usize) -> Result<Self, RunError> {
        let n_vocab = session.engine.model.shape().n_vocab;
        let allowed = session.options.n_positions as u64;
        let needed = check_run(prompt, n_tokens, n_vocab, allowed)?;
        session.reset(needed as usize);
        Ok(Self {
            session,
            next_input: prompt.to_vec(),
            position: 0,
            untold: 0,
            remaining: n_tokens,
        })
    }

    /// Feeds the next `n` tokens of the prompt and returns the wall time, which no step includes. The
    /// next step hands out their traces with its own. Results do not depend on where a prompt is cut.
    ///
    /// # Errors
    /// The prompt ends before, so that the first step would have nothing to feed; logits are wanted of
    /// every position; a value is not finite, or the observer stops the run.
    pub fn feed_ahead(&mut self, n: usize) -> Result<Duration, RunError> {
        let left = self.next_input.len();
        if n >= left || self.session.options.logits == LogitsAt::EveryPosition {
            return Err(RunError::FeedAhead { n, left });
        }
        let start = Instant::now();
        let ahead: Vec<u32> = self.next_input.drain(..n).collect();
        for chunk in ahead.chunks(self.session.states.len()) {
            let first = self.position;
            self.session.forward(chunk, first)?;
            let choosing = first.max(self.session.options.choose_from)..first + chunk.len();
            self.session.choose_each(choosing, first)?;
            self.position += chunk.len();
        }
        Ok(start.elapsed())
    }

    /// What the kernels have done so far; see [`Session::ledger`].
    pub fn ledger(&self) -> Ledger {
        self.session.ledger()
    }

    fn step(&mut self) -> Result<Step, RunError> {
        let first = self.position;
        let n = self.next_input.len();
        let mut logits = Vec::new();
        let start = Instant::now();
        let choice = self.feed(&mut logits)?;
        let elapsed = start.elapsed();
        let positions = self.session.traces[self.untold..first + n]
            .iter_mut()
            .map(std::mem::take)
            .collect();
        self.next_input.truncate(1);
        self.next_input[0] = choice.token;
        self.position = first + n;
        self.untold = self.position;
        self.remaining -= 1;
        Ok(Step {
            positions,
            choice,
            logits,
            elapsed,
        })
    }

    /// Feeds all of `next_input`, chunk by chunk. The last position chooses a token.
    fn feed(&mut self, logits: &mut Vec<Vec<f32>>) -> Result<Choice, RunError> {
        let chunk_len = self.session.states.len();
        let mut first = self.position;
        for chunk in self.next_input.chunks(chunk_len) {
            self.session.forward(chunk, first)?;
            // The last position of the step chooses below.
            let end = (first + chunk.len()).min(self.position + self.next_input.len() - 1);
            let choosing = first.max(self.session.options.choose_from)..end;
            self.session.choose_each(choosing, first)?;
            // After the choices, which overwrite the logits: those computed last must be the last
            // position's.
            if self.session.options.logits == LogitsAt::EveryPosition {
                for i in 0..chunk.len() {
                    check_cancelled(&*self.session.observer)?;
                    let of_position = self.session.checked_output(i, first + i)?;
                    logits.push(of_position.to_vec());
                }
            }
            first += chunk.len();
        }
        let choice = match self.session.options.logits {
            LogitsAt::EveryPosition => self.session.choose_among_all(first - 1)?,
            LogitsAt::ChoosingPositions => {
                let last = (self.next_input.len() - 1) % chunk_len;
                self.session.choose(last, first - 1)?
            }
        };
        self.session.traces[first - 1].choice = Some(choice);
        self.session.advance_choice();
        Ok(choice)
    }
}

impl Iterator for Generation<'_> {
    type Item = Result<Step, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        let step = self.step();
        if step.is_err() {
            self.remaining = 0;
        }
        Some(step)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining.min(1), Some(self.remaining))
    }
}

/// Checks a run and returns how many positions it feeds: the last token is chosen, but not fed.
fn check_run(
    prompt: &[u32],
    n_tokens: usize,
    n_vocab: u64,
    n_positions: u64,
) -> Result<u64, RunError> {
    if prompt.is_empty() {
        return Err(RunError::EmptyPrompt);
    }
    if let Some(index) = prompt.iter().position(|&id| u64::from(id) >= n_vocab) {
        return Err(RunError::PromptId {
            index,
            found: prompt[index],
            n_vocab,
        });
    }
    if n_tokens == 0 {
        return Err(RunError::NoTokens);
    }
    let needed = prompt.len() as u64 + n_tokens as u64 - 1;
    if needed > n_positions {
        return Err(RunError::Context {
            n_prompt: prompt.len(),
            n_generate: n_tokens,
            needed,
            allowed: n_positions,
        });
    }
    Ok(needed)
}

impl ModelShape {
    /// Checks that the model can decode `n_tokens` tokens after `prompt`, before anything is
    /// allocated.
    ///
    /// # Errors
    /// The prompt is empty or has an id outside the vocabulary, or the run does not fit the
    /// context.
    pub fn check_run(&self, prompt: &[u32], n_tokens: usize) -> Result<(), RunError> {
        check_run(prompt, n_tokens, self.n_vocab, self.context_length).map(|_| ())
    }
}
