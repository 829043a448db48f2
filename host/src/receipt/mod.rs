//! The receipt: the measured speed, and everything that is needed to check it.

mod canonical;
mod engine;
mod evidence;
mod fields;
mod figures;
mod labels;
mod limits;
mod machine;
mod model;
mod names;
mod rate;
mod samples;
mod schema;
mod task;
mod version;

pub use canonical::{receipt_sha256, seal, to_json};
pub use engine::{EXTERNAL, EngineModel, EngineRecord, JudgementRecord, MAX_TOLERANCE};
pub use evidence::{Evidence, RepetitionEvidence, SystemState};
pub use fields::{
    Build, EnvironmentRecord, LedgerRecord, ModelRecord, Parity, ParityStatus, PromptSource,
    Receipt, RunRecord, ShapeRecord, WeightType, kernel_ids,
};
pub use figures::{Figures, Percentiles};
pub use limits::{MAX_INTEGER, MAX_RECEIPT_BYTES, MAX_SEED, MAX_THREADS, largest_receipt_bytes};
pub use machine::{Hardware, Machine};
pub use names::{kernel_name, kv_type_name, parse_kernel_name, parse_kv_type_name};
pub use rate::{milliseconds, per_second};
pub use samples::{Discarded, Samples, Witness};
pub use schema::PUBLISHED_SCHEMA;
pub use version::{
    COMMON_SCHEMA, EXTERNAL_SCHEMA, NEWER_FIELDS, READABLE_SCHEMAS, RECEIPT_SCHEMA,
    WRITTEN_SCHEMAS, has_fields_since,
};
