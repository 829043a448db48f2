//! What came of all rounds.

use std::path::Path;

use host::receipt::{Receipt, per_second};

use crate::{commands::figures::Figures, units::counted};

/// All rounds, in their order.
pub(super) struct Made {
    pub(super) receipts: Vec<Receipt>,
    /// Nanoseconds by the challenger's clock.
    pub(super) answered_after_ns: Vec<u64>,
    pub(super) statement: Vec<u8>,
    pub(super) figures: Figures,
}

impl Made {
    /// The place of the tightest round.
    pub(super) fn tightest(&self) -> usize {
        let times = self.answered_after_ns.iter().zip(0..);
        times.min().map_or(0, |(_, place)| place)
    }

    pub(super) fn text(&self, statement: &Path) -> String {
        let place = self.tightest();
        let (ns, tokens) = (
            self.answered_after_ns[place],
            self.receipts[place].tokens_generated,
        );
        format!(
            "challenged: at least {:.1} tokens/s, by the challenger's clock: prefill and decode within {:.3} ms, \
             a round trip included; the tightest of {}\n\
             statement: {}\n",
            per_second(tokens, ns.max(1)).unwrap_or(0.0),
            ns as f64 / 1e6,
            counted(self.receipts.len() as u64, "round"),
            statement.display()
        )
    }
}
