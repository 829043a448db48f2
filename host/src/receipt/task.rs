//! The task of a receipt.

use super::{fields::Receipt, names::parse_kv_type_name};
use crate::task::Task;

impl Receipt {
    /// The task that the receipt's settings describe; `None` if they contradict each other, the
    /// tokens or the shape.
    pub fn task(&self) -> Option<Task> {
        let task = Task {
            prompt: self.run.prompt_ids.clone(),
            depth: usize::try_from(self.depth()).ok()?,
            n_generate: usize::try_from(self.run.tokens).ok()?,
            kv_type: parse_kv_type_name(&self.run.kv_type)?,
            challenge: self.run.challenge.clone(),
        };
        let is_complete = task.n_generate >= 1
            && self.tokens.len() == task.n_generate
            && task.depth < task.prompt.len();
        let fits = self.n_positions()? <= self.model.shape.context_length;
        (is_complete && fits).then_some(task)
    }
}
