//! The versions of a receipt's schema, and what they differ in.

use serde::{Deserialize, Deserializer};

/// The version of the schema that receipts of this project's engine have.
pub const RECEIPT_SCHEMA: &str = "1.4.0";

/// The version that receipts of other engines have.
pub const EXTERNAL_SCHEMA: &str = "1.5.0";

/// The versions that `benchmark` writes. A receipt has the oldest version that has all of its fields, so
/// that older verifiers read what they can check.
pub const WRITTEN_SCHEMAS: [&str; 2] = [RECEIPT_SCHEMA, EXTERNAL_SCHEMA];

/// The versions of the schema that a verifier reads, oldest first.
pub const READABLE_SCHEMAS: [&str; 5] =
    ["1.1.0", "1.2.0", "1.3.0", RECEIPT_SCHEMA, EXTERNAL_SCHEMA];

/// The version of the fields that BitNet-rs tools read. They accept only this version.
pub const COMMON_SCHEMA: &str = "1.0.0";

/// Fields that older readable versions do not have: where they are (RFC 6901), and the version that
/// brought them.
pub const NEWER_FIELDS: [(&str, &str); 10] = [
    ("/host/hardware", "1.2.0"),
    ("/run/attempts", "1.3.0"),
    ("/samples/witness", "1.3.0"),
    ("/samples/discarded", "1.3.0"),
    ("/figures", "1.4.0"),
    ("/run/depth", "1.4.0"),
    ("/samples/depth_ns", "1.4.0"),
    ("/evidence", "1.4.0"),
    ("/engine", EXTERNAL_SCHEMA),
    ("/parity/judgement", EXTERNAL_SCHEMA),
];

/// Whether receipts of a readable `version` have the fields that came with the version `since`.
pub fn has_fields_since(version: &str, since: &str) -> bool {
    let place = |wanted| READABLE_SCHEMAS.iter().position(|&known| known == wanted);
    place(version) >= place(since)
}

/// Reads a field that an older version does not have: it may be missing, but may not be null.
pub(super) fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
