//! A cell without a number: its engine chose a wrong token, or gave no answer.

use host::plain::plain;

use super::{record::COLUMNS, row::shown};
use crate::tabular::{Record, Value};

/// What a row says where there is no number.
#[derive(Debug, Clone)]
pub struct WithoutNumber {
    /// Name of the model's file.
    pub model: String,
    /// Name of the engine.
    pub engine: String,
    /// Threads.
    pub threads: u64,
    /// Tokens of the prompt; of none, if it is a text that was not encoded.
    pub n_prompt: Option<u64>,
    /// Tokens that were to be chosen.
    pub n_tokens: u64,
    /// What is said of its tokens, in a word.
    pub tokens_are: &'static str,
    /// Why, in one line.
    pub why: String,
}

impl WithoutNumber {
    /// What was to be measured, as llama-bench writes it.
    pub fn label(&self) -> String {
        let depth = self.n_prompt.map(|n| format!(" @ d{n}"));
        format!("tg{}{}", self.n_tokens, depth.unwrap_or_default())
    }

    /// Its row for programs.
    pub(super) fn record(&self) -> Record {
        COLUMNS.map(|title| (title, self.value(title))).into()
    }

    fn value(&self, title: &str) -> Value {
        match title {
            "model_filename" => Value::Text(shown(&self.model)),
            "engine" => Value::Text(shown(&self.engine)),
            "n_threads" => Value::Integer(self.threads),
            "n_prompt" => Value::Integer(0),
            "n_gen" => Value::Integer(self.n_tokens),
            "n_depth" => Value::integer(self.n_prompt),
            "test" => Value::Text(self.label()),
            "tokens_are" => Value::Text(self.tokens_are.into()),
            "why" => Value::Text(plain(&self.why, usize::MAX)),
            "samples_ns" => Value::Integers(Vec::new()),
            "samples_ts" => Value::Reals(Vec::new()),
            _ => Value::Nothing,
        }
    }
}
