//! Encodings in which some programs save text, and which no format here has.

/// How text is encoded that is not plain UTF-8, and what to do about it; by its first bytes.
pub fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xef, 0xbb, 0xbf, ..] => {
            "this is UTF-8 with a byte order mark, as some editors save it; save it as UTF-8 without one"
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            "this is UTF-16 with a byte order mark, as some shells write it; save it as UTF-8"
        }
        [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] => "this is UTF-16; save it as UTF-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::other_encoding;

    #[test]
    fn encodings_are_named() {
        let text = "{\"a\": \"ä\"}";
        assert_eq!(other_encoding(text.as_bytes()), None);
        assert_eq!(other_encoding(b""), None);
        let marked = format!("\u{feff}{text}");
        let named = |bytes: &[u8]| other_encoding(bytes).unwrap_or_default();
        assert!(named(marked.as_bytes()).contains("UTF-8 with a byte order mark"));
        for encode in [u16::to_le_bytes, u16::to_be_bytes] {
            let utf16 = |text: &str| text.encode_utf16().flat_map(encode).collect::<Vec<u8>>();
            assert!(named(&utf16(&marked)).contains("UTF-16 with a byte order mark"));
            assert!(named(&utf16(text)).contains("UTF-16"));
        }
    }
}
