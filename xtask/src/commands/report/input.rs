//! The files of a report: receipts, alone or with a profile.

use std::path::Path;

use host::{
    files::read_json,
    receipt::{MAX_RECEIPT_BYTES, to_json},
};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    exit::{Exit, Failure},
    hints::Kind,
    input::read_text,
    report::{ProfileRecord, ProfiledReceipt},
};

/// What `benchmark --profile --format json` prints has these keys.
#[derive(Deserialize)]
struct Keys {
    #[serde(rename = "receipt")]
    _receipt: IgnoredAny,
    #[serde(rename = "profile")]
    _profile: IgnoredAny,
}

/// The bytes of the receipt at `path`, and its profile if there is one.
///
/// # Errors
/// It cannot be read, or its profile is none.
pub fn read(path: &Path) -> Result<(Vec<u8>, Option<ProfileRecord>), Failure> {
    let bytes = read_text(path, Kind::Receipt, MAX_RECEIPT_BYTES)?;
    let is_short = bytes.len() as u64 <= MAX_RECEIPT_BYTES;
    if !is_short || serde_json::from_slice::<Keys>(&bytes).is_err() {
        return Ok((bytes, None));
    }
    let bad = |why: String| Failure::new(Exit::BadInput, why).at(path);
    let ProfiledReceipt { receipt, profile } =
        read_json(&bytes).map_err(|e| bad(format!("not a receipt with a profile: {e}")))?;
    profile.check().map_err(bad)?;
    Ok((to_json(&receipt).into_bytes(), Some(profile)))
}
