//! What an engine sent, in a message.

use host::plain::plain;

/// So much of it is shown.
const SHOWN_BYTES: usize = 80;

/// The beginning of `bytes` in quotation marks, on one line.
pub(super) fn quote(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(4 * SHOWN_BYTES)];
    let text = String::from_utf8_lossy(start);
    format!("“{}”", plain(text.trim(), SHOWN_BYTES))
}
