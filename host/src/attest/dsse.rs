//! The envelope: DSSE 1.0.2 (<https://github.com/secure-systems-lab/dsse>), with one signature.
//!
//! This reader is stricter than the specification, which lets readers ignore unknown fields and
//! allows several signatures. Here, an envelope carries nothing that is not signed.

use base64ct::{Base64, Base64Url, Encoding};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::key::{PublicKey, SigningKey};
use crate::files::{JsonError, other_encoding, read_json};

/// The type of every payload: an in-toto statement as JSON.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The largest bundle that is read. Those of this program have less than 2 KB.
pub const MAX_BUNDLE_BYTES: u64 = 64 << 10;

/// The bytes of an ed25519 signature (RFC 8032).
const SIGNATURE_BYTES: usize = 64;

/// A signed payload. Only [`Envelope::verify`] gives access to its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    keyid: String,
    signature: Vec<u8>,
}

/// Why bytes are not a valid envelope.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum EnvelopeError {
    #[error("found too many bytes, allowed at most {MAX_BUNDLE_BYTES}")]
    TooLarge,
    #[error("not a DSSE envelope: {0}")]
    NotAnEnvelope(String),
    #[error("payloadType: found {0:?}, allowed {PAYLOAD_TYPE:?}")]
    PayloadType(String),
    #[error("signatures: found {0}, allowed 1")]
    Signatures(usize),
    #[error("{0}: is not base64")]
    NotBase64(&'static str),
}

/// Why a signature is not valid for a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SignatureError {
    #[error("sig: found {0} bytes, allowed {SIGNATURE_BYTES}")]
    Length(usize),
    #[error("sig: is not a signature of this payload by the public key")]
    Wrong,
}

/// The envelope as it is in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeRecord {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<SignatureRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureRecord {
    /// Optional in the specification; empty means that it is not set.
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Signs `payload` with `key`.
    pub fn sign(payload: Vec<u8>, key: &SigningKey) -> Self {
        Self {
            signature: key.sign(&pae(PAYLOAD_TYPE, &payload)).to_vec(),
            keyid: key.public_key().id().to_string(),
            payload,
        }
    }

    /// Parses the content of a bundle's file.
    ///
    /// # Errors
    /// There are too many bytes, or they are not an envelope with one signature and
    /// [`PAYLOAD_TYPE`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() as u64 > MAX_BUNDLE_BYTES {
            return Err(EnvelopeError::TooLarge);
        }
        if let Some(encoding) = other_encoding(bytes) {
            return Err(EnvelopeError::NotAnEnvelope(encoding.into()));
        }
        let record: EnvelopeRecord = read_json(bytes).map_err(not_an_envelope)?;
        if record.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType(record.payload_type));
        }
        let n_signatures = record.signatures.len();
        let Ok([signature]) = <[SignatureRecord; 1]>::try_from(record.signatures) else {
            return Err(EnvelopeError::Signatures(n_signatures));
        };
        Ok(Self {
            payload: decode(&record.payload).ok_or(EnvelopeError::NotBase64("payload"))?,
            signature: decode(&signature.sig).ok_or(EnvelopeError::NotBase64("sig"))?,
            keyid: signature.keyid,
        })
    }

    /// Returns the payload if `key` signed it. Uses `verify_strict`, which rejects malleable
    /// signatures and keys of small order.
    ///
    /// The envelope's keyid is only a hint which key to try, and not signed: it decides nothing.
    ///
    /// # Errors
    /// The signature was made with another key, or of another payload.
    pub fn verify(&self, key: &PublicKey) -> Result<&[u8], SignatureError> {
        let signature: &[u8; SIGNATURE_BYTES] = (&self.signature[..])
            .try_into()
            .map_err(|_| SignatureError::Length(self.signature.len()))?;
        key.has_signed(&pae(PAYLOAD_TYPE, &self.payload), signature)
            .then_some(&self.payload[..])
            .ok_or(SignatureError::Wrong)
    }

    /// The keyid, if there is one. Other tools compute it in another way than [`PublicKey::id`].
    pub fn keyid(&self) -> Option<&str> {
        (!self.keyid.is_empty()).then_some(&self.keyid)
    }

    /// The text of the bundle's file: indented JSON with a final line break.
    pub fn to_json(&self) -> String {
        let record = EnvelopeRecord {
            payload: Base64::encode_string(&self.payload),
            payload_type: PAYLOAD_TYPE.into(),
            signatures: vec![SignatureRecord {
                keyid: self.keyid.clone(),
                sig: Base64::encode_string(&self.signature),
            }],
        };
        let mut text = serde_json::to_string_pretty(&record).expect("its keys are strings");
        text.push('\n');
        text
    }
}

/// Makes an error that quotes nothing of the input, as the library's own would: the user may have
/// named the file of a private key by mistake.
fn not_an_envelope(error: JsonError) -> EnvelopeError {
    EnvelopeError::NotAnEnvelope(match error {
        JsonError::Json(error) if error.classify() == Category::Data => format!(
            "found other fields at line {} column {}, allowed once each: payload, payloadType, \
             signatures, and in these keyid and sig",
            error.line(),
            error.column()
        ),
        error => error.to_string(),
    })
}

/// Decodes base64 in either alphabet, as the specification requires of readers.
fn decode(text: &str) -> Option<Vec<u8>> {
    let standard = Base64::decode_vec(text);
    standard.or_else(|_| Base64Url::decode_vec(text)).ok()
}

/// The pre-authentication encoding of a payload: the bytes that are signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (n_type, n_payload) = (payload_type.len(), payload.len());
    let mut bytes = format!("DSSEv1 {n_type} {payload_type} {n_payload} ").into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification; lengths are in bytes.
    #[test]
    fn pae_known_answers() {
        let known = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), known);
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
        assert_eq!(pae("é", "ü ".as_bytes()), "DSSEv1 2 é 3 ü ".as_bytes());
    }

    #[test]
    fn either_alphabet_and_nothing_else_is_base64() {
        assert_eq!(decode("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(decode("-_8="), Some(vec![0xfb, 0xff]));
        // A mix of both alphabets, missing padding, non-zero unused bits, white space.
        for bad in ["+_8=", "+/8", "+/9=", "+/8=\n", " +/8=", "+/8==", "*"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }
}
