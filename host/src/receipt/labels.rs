//! The names of a run's two tests, as llama-bench writes them.

use super::fields::Receipt;

impl Receipt {
    /// The prefill, such as `pp512` or, after a depth, `pp512 @ d2048`.
    pub fn prefill_label(&self) -> String {
        at_depth(format!("pp{}", self.n_prefilled()), self.depth())
    }

    /// The decode, such as `tg128 @ d16`: its depth is everything that was fed before.
    pub fn decode_label(&self) -> String {
        let label = format!("tg{}", self.run.tokens);
        at_depth(label, self.run.prompt_ids.len() as u64)
    }
}

fn at_depth(label: String, depth: u64) -> String {
    match depth {
        0 => label,
        depth => format!("{label} @ d{depth}"),
    }
}
