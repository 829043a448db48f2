//! What a page carries beside its scripts, as elements that are not run.

use base64ct::{Base64, Encoding};
use host::digest::Digest;
use miniz_oxide::deflate::compress_to_vec_zlib;

/// The slowest level, which gives the fewest bytes.
const SMALLEST: u8 = 10;

/// Bytes, deflated and in base64.
pub(super) fn bytes(id: &str, bytes: &[u8]) -> String {
    text(
        id,
        &Base64::encode_string(&compress_to_vec_zlib(bytes, SMALLEST)),
    )
}

/// A text.
pub(super) fn text(id: &str, text: &str) -> String {
    format!("<script type=\"text/plain\" id=\"data-{id}\">{text}</script>\n")
}

/// What a security policy calls an inline element with this content.
pub(super) fn hash(content: &str) -> String {
    let digest = Digest::of(content.as_bytes());
    format!("'sha256-{}'", Base64::encode_string(&digest.0))
}
