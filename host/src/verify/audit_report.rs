//! What an audit covered, and how likely it was to find a wrong unit.

use std::fmt::Write;

use serde::Serialize;

use crate::digest::Digest;

/// Units that a line names.
const SHOWN: usize = 8;

/// What was audited.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditReport {
    /// The units, such as "layer 3" and "head at 16 to 23".
    pub units: Vec<String>,
    /// Units of a full replay.
    pub n_units: usize,
    /// What drew them; none where the verifier named them.
    pub nonce: Option<Digest>,
    /// How likely it was that a single wrong unit is found; none where nothing was drawn.
    pub detection: Option<f64>,
}

impl std::fmt::Display for AuditReport {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (n, of) = (self.units.len(), self.n_units);
        write!(f, "audited ({n} of {of} units agree")?;
        f.write_str(match self.nonce {
            Some(_) => ", drawn at random)",
            None => "; named, not drawn: the others are unchecked)",
        })
    }
}

impl AuditReport {
    /// What was audited: some lines, each after `indent`.
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
