//! The versions of a receipt's schema, and what they differ in.

/// The version of the schema that `benchmark` writes.
pub const RECEIPT_SCHEMA: &str = "1.2.0";

/// The versions of the schema that a verifier reads, oldest first.
pub const READABLE_SCHEMAS: [&str; 2] = ["1.1.0", RECEIPT_SCHEMA];

/// The version of the fields that BitNet-rs tools read. They accept only this version.
pub const COMMON_SCHEMA: &str = "1.0.0";

/// Whether receipts of a readable `version` have `host.hardware`, which came with 1.2.0.
pub fn has_hardware(version: &str) -> bool {
    version != "1.1.0"
}
