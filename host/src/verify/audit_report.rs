//! What an audit covered, and how likely it was to find a wrong unit.

use std::{fmt::Write, ops::Range};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The most units that a line lists.
const SHOWN: usize = 8;

/// The coverage of an audit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditReport {
    /// The audited units, such as "layer 3" and "output at positions 16 to 23".
    pub units: Vec<String>,
    /// The number of units of a full replay.
    pub n_units: usize,
    /// The audited parts of the run, as numbers.
    pub covered: Covered,
    /// The nonce that drew the units; `None` if the verifier named them.
    pub nonce: Option<Digest>,
    /// Whether the units were drawn by fresh randomness, so that nobody could prepare for them.
    pub is_fresh: bool,
    /// The probability that the audit finds a single wrong unit; `None` if the verifier named them.
    pub detection: Option<f64>,
}

/// The parts of a run that an audit computed: with all layers and all positions, it would be a full
/// replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// The layers, computed at every position, in ascending order.
    pub layers: Vec<usize>,
    /// Where the final norm, the output matrix and the choice were computed: ranges of positions,
    /// from the first one to the one behind the last, in ascending order.
    pub positions: Vec<Range<usize>>,
    /// Layers of the model.
    pub n_layers: usize,
    /// Positions of the run.
    pub n_positions: usize,
}

impl std::fmt::Display for AuditReport {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (n, of) = (self.units.len(), self.n_units);
        write!(f, "audited ({n} of {of} units agree")?;
        f.write_str(match (self.nonce, self.is_fresh) {
            (Some(_), true) => ", drawn at random)",
            (Some(_), false) => ", drawn by a given nonce: an earlier audit again)",
            (None, _) => "; named, not drawn: the others are unchecked)",
        })
    }
}

impl AuditReport {
    /// The coverage as a few lines of text, each after `indent`.
    pub fn lines(&self, indent: &str) -> String {
        let mut text = String::new();
        if self.units.len() <= SHOWN {
            let _ = writeln!(text, "{indent}units     {}", self.units.join(", "));
        }
        if let (Some(nonce), Some(detection)) = (&self.nonce, self.detection) {
            let percent = 100.0 * detection;
            let _ = writeln!(
                text,
                "{indent}odds      one wrong unit is found in {percent:.1} % of audits"
            );
            let _ = writeln!(text, "{indent}nonce     {nonce}");
        }
        text
    }
}
