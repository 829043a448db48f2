//! Verification of a receipt: everything derivable is derived again, nothing is believed.
//!
//! [`Checked`] goes through a receipt step by step; its [`Verdict`] lists every rule with its
//! outcome and keeps apart what was proved (tokens) and what is only claimed (speed). Nothing here
//! needs a sandbox, a file or a thread: whoever replays hands in the [`ReplayResult`].

mod audit_report;
mod checked;
mod extent;
mod outcome;
mod parse;
mod policy;
mod rules;
mod summary;
mod svr;
mod verdict;
mod what;

pub use audit_report::AuditReport;
pub use checked::{AuditFinding, Checked, ReplayFailure};
pub use outcome::{Conclusion, Outcome, Replayed, RuleOutcome};
pub use parse::NotAReceipt;
pub use policy::{
    Accept, Caching, Ceilings, MAX_POLICY_BYTES, Policy, PolicyError, Require, RequiredParity,
};
pub use rules::{model::ModelFacts, parity::ReplayResult};
pub use summary::{Claim, ModelSummary, Summary};
pub use svr::SimpleVerificationResult;
pub use verdict::Verdict;
pub use what::What;
