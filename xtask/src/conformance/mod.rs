//! The conformance corpus: small models, what the reference computes with each, and files that must be
//! refused. And the judgement on what an engine answers.
//!
//! All of it is made from seeds by [`Corpus::make`], the same bytes on every machine. `ci/conformance` has
//! the cases, for people who have no Rust, and describes them.

mod answers;
mod case;
mod chosen;
mod corpus;
mod extra;
mod json;
mod judgement;
mod large_sums;
mod layouts;
mod list;
mod made;
mod models;
mod ours;
mod prompts;
mod reference;
mod refused;
mod report;
mod sums;
mod tier;
mod ties;
mod weights;

pub use answers::{Answer, Answers, EngineName, RunAnswer, SumsAnswer};
pub use case::{
    Bounds, BoundsOf, CORPUS_VERSION, Case, ChoiceFact, Index, IndexEntry, ModelFile, RefusedFile,
    RowFact, RunFact, Runs, Splice, SumsFact,
};
pub use corpus::{Corpus, Which};
pub use judgement::{Findings, judge_case, judge_refused};
pub use made::{MadeCase, NotMade};
pub use ours::OurEngine;
pub use refused::MadeRefused;
pub use report::{Counts, Report, Row, Smallest};
pub use tier::{Finding, Outcome, Tier};
