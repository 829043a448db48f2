//! SHA-256 digests. In receipts they are 64 lower-case hex digits.

use std::{
    borrow::Cow,
    fmt::{self, Write},
    io::{self, Read},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest as _, Sha256};

use crate::hex;

/// A SHA-256 digest.
///
/// ```
/// use host::digest::Digest;
///
/// let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// assert_eq!(Digest::of(b"abc").to_string(), text);
/// assert_eq!(Digest::parse(text), Some(Digest::of(b"abc")));
/// assert_eq!(Digest::parse(&text.to_uppercase()), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of `bytes`, or `None` once `stop` returns true. `stop` is asked every 16 MiB.
    pub fn of_unless(bytes: &[u8], stop: impl Fn() -> bool) -> Option<Self> {
        const BETWEEN_QUESTIONS: usize = 16 << 20;
        let mut hasher = Sha256::new();
        for chunk in bytes.chunks(BETWEEN_QUESTIONS) {
            if stop() {
                return None;
            }
            hasher.update(chunk);
        }
        Some(Self(hasher.finalize().into()))
    }

    /// The digest of everything that `reader` returns.
    ///
    /// # Errors
    /// Reading failed.
    pub fn of_reader(reader: impl Read) -> io::Result<Self> {
        let digest = Self::of_reader_unless(reader, || false)?;
        Ok(digest.expect("nothing stops it"))
    }

    /// Like [`Digest::of_reader`], or `None` once `stop` returns true. `stop` is asked every MiB.
    ///
    /// # Errors
    /// Reading failed.
    pub fn of_reader_unless(
        mut reader: impl Read,
        stop: impl Fn() -> bool,
    ) -> io::Result<Option<Self>> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            if stop() {
                return Ok(None);
            }
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(Some(Self(hasher.finalize().into()))),
                Ok(n) => hasher.update(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The first 8 bytes as a little-endian integer, used as a seed.
    pub(crate) fn seed(&self) -> u64 {
        u64::from_le_bytes(*self.0.first_chunk().expect("32 bytes are at least 8"))
    }

    /// Parses exactly 64 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(hex::read(text)?.try_into().ok()?))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        hex::write(f, &self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_char('"')?;
        fmt::Display::fmt(self, f)?;
        f.write_char('"')
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("a SHA-256 digest is 64 lower-case hex digits"))
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A SHA-256 digest, in lower-case hex digits.",
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_vector_and_round_trip() {
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_string(), text);
        assert_eq!(Digest::parse(text), Some(Digest::of(b"abc")));
        let in_parts = io::Read::chain(&b"a"[..], &b"bc"[..]);
        assert_eq!(Digest::of_reader(in_parts).unwrap(), Digest::of(b"abc"));
        let stopped = Digest::of_reader_unless(&b"abc"[..], || true);
        assert_eq!(stopped.unwrap(), None);
    }

    #[test]
    fn only_64_lower_case_hex_digits_are_a_digest() {
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for bad in [
            &text[1..],
            &text.to_uppercase(),
            &text.replace('b', "g"),
            "",
        ] {
            assert_eq!(Digest::parse(bad), None, "{bad:?}");
        }
    }
}
