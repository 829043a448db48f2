//! The versions of a receipt's schema, and what they differ in.

/// The version of the schema that `benchmark` writes.
pub const RECEIPT_SCHEMA: &str = "1.3.0";

/// The versions of the schema that a verifier reads, oldest first.
pub const READABLE_SCHEMAS: [&str; 3] = ["1.1.0", "1.2.0", RECEIPT_SCHEMA];

/// The version of the fields that BitNet-rs tools read. They accept only this version.
pub const COMMON_SCHEMA: &str = "1.0.0";

/// Fields that older readable versions do not have: where they are (RFC 6901), and the version that
/// brought them.
pub const NEWER_FIELDS: [(&str, &str); 4] = [
    ("/host/hardware", "1.2.0"),
    ("/run/attempts", "1.3.0"),
    ("/samples/witness", "1.3.0"),
    ("/samples/discarded", "1.3.0"),
];

/// Whether receipts of a readable `version` have the fields that came with the version `since`.
pub fn has_fields_since(version: &str, since: &str) -> bool {
    let place = |wanted| READABLE_SCHEMAS.iter().position(|&known| known == wanted);
    place(version) >= place(since)
}
