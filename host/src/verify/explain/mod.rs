//! A verdict in words for people who know nothing about it: what is now certain, what is bounded, and
//! what is only somebody's word.
//!
//! Every sentence follows from rules that were checked. Of a rejected receipt, nothing is certain but
//! that.

mod bounded;
mod certain;
mod claimed;
mod facts;
mod layout;
mod paragraph;
mod reasons;
mod sentence;

use serde::{Deserialize, Serialize};

use super::verdict::Verdict;
use crate::digest::Digest;
use facts::Facts;
use sentence::Sentence;

/// What a verdict means. All texts are plain sentences in English on one line each; what the receipt's
/// writer chose stands between “ and ”.
///
/// ```
/// use host::verify::{Checked, Explanation, NotAReceipt};
///
/// // Another version's fields may mean anything.
/// let receipt = br#"{ "schema_version": "1.0.0", "receipt_schema": "0.9.0" }"#;
/// let explained = Explanation::of(&Checked::read(receipt)?.verdict(), None);
/// assert!(explained.certain.is_empty() && explained.bounded.is_empty());
/// assert!(explained.paragraph.contains("neither accepted nor rejected"));
/// # Ok::<(), NotAReceipt>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The most important of the sentences below, to be quoted as they stand.
    pub paragraph: String,
    /// What is now certain, for whoever trusts this verifier.
    pub certain: Vec<String>,
    /// What has a limit that somebody else than the writer has set.
    pub bounded: Vec<String>,
    /// What is the writer's word, or nobody's.
    pub claimed: Vec<String>,
}

impl Explanation {
    /// Explains `verdict`. `policy` is the digest of the policy's file, if there was one: it may have
    /// moved the limits on times.
    pub fn of(verdict: &Verdict, policy: Option<Digest>) -> Self {
        let facts = Facts { verdict, policy };
        let certain = certain::sentences(&facts);
        let bounded = bounded::sentences(&facts);
        let claimed = claimed::sentences(&facts);
        let texts = |sentences: &[Sentence]| sentences.iter().map(|s| s.text.clone()).collect();
        Self {
            certain: texts(&certain),
            bounded: texts(&bounded),
            claimed: texts(&claimed),
            paragraph: paragraph::of(&facts, [&certain, &bounded, &claimed]),
        }
    }

    /// The explanation as text: in two columns where `width` characters have room for them, otherwise
    /// one below the other. The paragraph comes last.
    pub fn to_text(&self, width: usize) -> String {
        let lists = [&self.certain, &self.bounded, &self.claimed];
        layout::text(lists.map(Vec::as_slice), &self.paragraph, width)
    }
}
