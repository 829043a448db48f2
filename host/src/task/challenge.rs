//! A challenge: a nonce chosen by a verifier. A run that uses it cannot be older than it.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest as _, Sha256};

use crate::{digest::Digest, hex};

/// The most bytes of a challenge: as many as two SHA-256 digests have.
pub const MAX_CHALLENGE_BYTES: usize = 64;

const TAG: &[u8; 24] = b"bitreceipt/challenge/v1\0";

/// A verifier's nonce of 1 to 64 bytes. As text, it has two lower-case hex digits per byte.
///
/// ```
/// use host::task::{Challenge, seeded_prompt};
///
/// let challenge: Challenge = "c0ffee".parse()?;
/// assert_eq!(challenge.bytes(), [0xc0, 0xff, 0xee]);
///
/// // With a challenge, the same seed gives another prompt, which nobody knew before.
/// let (n_ids, n_vocab) = (16, 32_000);
/// let prompt = seeded_prompt(42, Some(&challenge), n_ids, n_vocab);
/// assert_ne!(prompt, seeded_prompt(42, None, n_ids, n_vocab));
/// # Ok::<(), host::task::NotAChallenge>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(Vec<u8>);

/// The text is not a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a challenge is 2 to 128 lower-case hex digits, two per byte")]
pub struct NotAChallenge;

impl Challenge {
    /// The bytes of the nonce.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The seed that a prompt is derived from instead of `seed`. `NUMERICS.md` defines it.
    pub fn mixed_into(&self, seed: u64) -> u64 {
        let digest = Sha256::new()
            .chain_update(TAG)
            .chain_update(&self.0)
            .chain_update(seed.to_le_bytes())
            .finalize();
        Digest(digest.into()).seed()
    }
}

impl FromStr for Challenge {
    type Err = NotAChallenge;

    fn from_str(text: &str) -> Result<Self, NotAChallenge> {
        hex::read(text)
            .filter(|bytes| (1..=MAX_CHALLENGE_BYTES).contains(&bytes.len()))
            .map(Self)
            .ok_or(NotAChallenge)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        hex::write(f, &self.0)
    }
}

impl Serialize for Challenge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Challenge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Challenge {
    fn schema_name() -> Cow<'static, str> {
        "Challenge".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "1 to 64 bytes, two lower-case hex digits each.",
            "type": "string",
            "pattern": format!("^([0-9a-f]{{2}}){{1,{MAX_CHALLENGE_BYTES}}}$"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with another implementation of SHA-256, that of coreutils:
    /// `printf 'bitreceipt/challenge/v1\0\xc0\xff\xee*\0\0\0\0\0\0\0' | sha256sum`
    #[test]
    fn the_seed_is_that_of_the_definition() {
        let challenge: Challenge = "c0ffee".parse().unwrap();
        assert_eq!(challenge.bytes(), [0xc0, 0xff, 0xee]);
        assert_eq!(challenge.mixed_into(42), 0x1017_3ee0_5dcf_5cd7);
    }

    #[test]
    fn every_bit_of_challenge_and_seed_counts() {
        let seed = |text: &str, seed| text.parse::<Challenge>().unwrap().mixed_into(seed);
        let base = seed("c0ffee", 42);
        for (text, other) in [
            ("c0ffef", 42),
            ("c0ffee", 43),
            ("c0ff", 42),
            ("c0ffee00", 42),
        ] {
            assert_ne!(seed(text, other), base, "{text} {other}");
        }
    }

    #[test]
    fn only_2_to_128_lower_case_hex_digits_are_a_challenge() {
        for good in ["00", "c0ffee", &"ab".repeat(64)] {
            assert_eq!(good.parse::<Challenge>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "0",
            "abc",
            "C0",
            "0x",
            "zz",
            " 00",
            "é",
            &"ab".repeat(65),
        ] {
            assert_eq!(bad.parse::<Challenge>(), Err(NotAChallenge), "{bad:?}");
        }
    }
}
