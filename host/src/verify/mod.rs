//! Verification of a receipt: everything that can be derived is derived again, and nothing is
//! trusted.
//!
//! [`Checked`] verifies a receipt step by step. Its [`Verdict`] lists every rule with its outcome,
//! and separates what is proved (the tokens) from what is only claimed (the speed). An [`Explanation`]
//! says the same in plain sentences. Nothing here
//! needs a sandbox, a file or a thread: the caller does the replay and passes in its
//! [`ReplayResult`].

mod audit_report;
mod checked;
mod consistency;
mod explain;
mod least_work;
mod outcome;
mod parse;
mod policy;
mod report;
mod retimed;
mod rules;
mod summary;
mod svr;
mod verdict;
mod what;

pub use audit_report::{AuditReport, Covered};
pub use checked::{AuditFinding, Checked, NO_PARTS, ReplayFailure};
pub use consistency::JudgementSummary;
pub use explain::Explanation;
pub use least_work::LeastWork;
pub use outcome::{Conclusion, Outcome, Replayed, RuleOutcome};
pub use parse::NotAReceipt;
pub use policy::{
    Accept, Caching, Ceilings, Cpu, MAX_POLICY_BYTES, Policy, PolicyError, Require, RequiredParity,
    Retime, SpeedRatio, least_step_seconds,
};
pub use report::{LEFT_OUT, MOST_UNASKED_BYTES, Report, missing_by_size, missing_model};
pub use retimed::Retimed;
pub use rules::{model::ModelFacts, parity::ReplayResult};
pub use summary::{Claim, EngineSummary, ModelSummary, Speed, Summary};
pub use svr::SimpleVerificationResult;
pub use verdict::Verdict;
pub use what::What;
