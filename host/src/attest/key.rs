//! Keys: ed25519 (RFC 8032), read from PEM (PKCS#8 and SPKI, RFC 8410) or from OpenSSH's formats.
//!
//! Errors say what kind of file was found, but never quote its content.

use std::{fmt, io, path::Path};

use ed25519::{
    Signature,
    pkcs8::{self, DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, spki},
    signature::Signer,
};
use ed25519_dalek::VerifyingKey;
use ssh_key::public::KeyData;
use zeroize::Zeroizing;

use crate::{
    digest::Digest,
    files::{open_regular, read_secret},
};

/// The largest key file that is read.
pub const MAX_KEY_BYTES: u64 = 16 << 10;

/// A private key. It is wiped from memory when dropped, and never printed.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Why a file does not contain the required key.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum KeyError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error(
        "private key: found mode {mode:04o}, allowed no access for group and others; fix it with: chmod 600 {path}"
    )]
    Exposed { mode: u32, path: String },
    #[error("found too many bytes, allowed at most {MAX_KEY_BYTES}")]
    TooLarge,
    #[error(
        "found an encrypted private key, allowed one without a passphrase; make one with: xtask keygen"
    )]
    Encrypted,
    #[error("found {found}, allowed {allowed}")]
    Kind {
        found: &'static str,
        allowed: &'static str,
    },
    #[error("found a damaged key, allowed {0}")]
    Damaged(&'static str),
}

const PRIVATE: &str = "an ed25519 private key, as PKCS#8 PEM or OpenSSH's";
const PUBLIC: &str = "an ed25519 public key, as PEM or a line `ssh-ed25519 …`";

/// The first characters of key files, and the kind of key that follows.
const KINDS: [(&str, Kind); 9] = [
    ("-----BEGIN PRIVATE KEY-----", Kind::Pkcs8),
    ("-----BEGIN OPENSSH PRIVATE KEY-----", Kind::OpenSsh),
    ("-----BEGIN PUBLIC KEY-----", Kind::Spki),
    ("ssh-ed25519 ", Kind::SshLine),
    ("-----BEGIN ENCRYPTED PRIVATE KEY-----", Kind::Encrypted),
    ("-----BEGIN RSA PRIVATE KEY-----", Kind::Other("an RSA key")),
    (
        "-----BEGIN EC PRIVATE KEY-----",
        Kind::Other("an ECDSA key"),
    ),
    ("ssh-rsa ", Kind::Other("an RSA key")),
    ("ecdsa-sha2-", Kind::Other("an ECDSA key")),
];

#[derive(Clone, Copy)]
enum Kind {
    Pkcs8,
    OpenSsh,
    Spki,
    SshLine,
    Encrypted,
    Other(&'static str),
}

impl Kind {
    fn of(text: &str) -> Self {
        let mut kinds = KINDS.iter();
        let found = kinds.find(|(start, _)| text.starts_with(start));
        found.map_or(Self::Other("no key"), |(_, kind)| *kind)
    }

    /// The error for a key of this kind where `allowed` is required.
    fn refused(self, allowed: &'static str) -> KeyError {
        let found = match self {
            Self::Encrypted => return KeyError::Encrypted,
            Self::Pkcs8 | Self::OpenSsh => "a private key",
            Self::Spki | Self::SshLine => "a public key",
            Self::Other(found) => found,
        };
        KeyError::Kind { found, allowed }
    }
}

impl SigningKey {
    /// Makes a key from the 32 bytes of a private key.
    #[cfg(feature = "run")]
    pub(super) fn from_secret(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// Reads a private key from a file that only its owner can read.
    ///
    /// # Errors
    /// Others can access the file, or it is not an unencrypted ed25519 private key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let file = open_regular(path)?;
        check_mode(&file, path)?;
        Self::parse(key_text(&read_secret(file, MAX_KEY_BYTES)?, PRIVATE)?)
    }

    /// Parses PKCS#8 PEM or OpenSSH's format.
    ///
    /// # Errors
    /// The text is not an unencrypted ed25519 private key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        match Kind::of(text) {
            Kind::Pkcs8 => ed25519_dalek::SigningKey::from_pkcs8_pem(text)
                .map(Self)
                .map_err(|e| match e {
                    pkcs8::Error::PublicKey(spki::Error::OidUnknown { .. }) => OTHER_PRIVATE,
                    _ => KeyError::Damaged(PRIVATE),
                }),
            Kind::OpenSsh => Self::parse_openssh(text),
            other => Err(other.refused(PRIVATE)),
        }
    }

    fn parse_openssh(text: &str) -> Result<Self, KeyError> {
        let key = ssh_key::PrivateKey::from_openssh(text).map_err(|e| match e {
            ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
                OTHER_PRIVATE
            }
            _ => KeyError::Damaged(PRIVATE),
        })?;
        if key.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        let pair = key.key_data().ed25519().ok_or(OTHER_PRIVATE)?;
        let secret = Zeroizing::new(pair.private.to_bytes());
        let key = Self(ed25519_dalek::SigningKey::from_bytes(&secret));
        let fits = key.public_key().0.as_bytes() == pair.public.as_ref();
        fits.then_some(key).ok_or(KeyError::Damaged(PRIVATE))
    }

    /// The public half of the key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// The key as PKCS#8 PEM. Version 1, which lacks the public half: not all readers accept
    /// version 2.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, pkcs8::Error> {
        let pair = pkcs8::KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        };
        pair.to_pkcs8_pem(spki::der::pem::LineEnding::LF)
    }
}

const OTHER_PRIVATE: KeyError = KeyError::Kind {
    found: "a private key of another kind",
    allowed: PRIVATE,
};

/// Shows only the keyid.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key().id())
    }
}

impl PublicKey {
    /// Reads a public key from a file.
    ///
    /// # Errors
    /// The file is not an ed25519 public key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        // Read as a secret: the user may have named the private half by mistake.
        let file = open_regular(path)?;
        Self::parse(key_text(&read_secret(file, MAX_KEY_BYTES)?, PUBLIC)?)
    }

    /// Parses SPKI PEM or a line in OpenSSH's format.
    ///
    /// # Errors
    /// The text is not an ed25519 public key, or the key is of small order, so that anybody can
    /// sign for it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let key = match Kind::of(text) {
            Kind::Spki => VerifyingKey::from_public_key_pem(text).map_err(|e| match e {
                spki::Error::OidUnknown { .. } => OTHER_PUBLIC,
                _ => KeyError::Damaged(PUBLIC),
            })?,
            Kind::SshLine => {
                let key = ssh_key::PublicKey::from_openssh(text.trim_end()).ok();
                let bytes = key.as_ref().and_then(|key| match key.key_data() {
                    KeyData::Ed25519(key) => Some(&key.0),
                    _ => None,
                });
                let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
                key.ok_or(KeyError::Damaged(PUBLIC))?
            }
            other => return Err(other.refused(PUBLIC)),
        };
        if key.is_weak() {
            return Err(KeyError::Damaged(PUBLIC));
        }
        Ok(Self(key))
    }

    /// The keyid: SHA-256 of the key's SubjectPublicKeyInfo in DER, as
    /// `openssl pkey -pubin -in KEY.pub -outform DER | sha256sum` prints it.
    pub fn id(&self) -> Digest {
        let der = self.0.to_public_key_der().expect("44 bytes of DER");
        Digest::of(der.as_bytes())
    }

    /// Whether `signature` is a signature of `message` by this key, according to `verify_strict`.
    pub fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }

    /// The key as SPKI PEM.
    pub fn to_pem(self) -> Result<String, spki::Error> {
        self.0.to_public_key_pem(spki::der::pem::LineEnding::LF)
    }
}

const OTHER_PUBLIC: KeyError = KeyError::Kind {
    found: "a public key of another kind",
    allowed: PUBLIC,
};

fn key_text<'b>(bytes: &'b [u8], allowed: &'static str) -> Result<&'b str, KeyError> {
    if bytes.len() as u64 > MAX_KEY_BYTES {
        return Err(KeyError::TooLarge);
    }
    // The error of the standard library is dropped, because it might quote the content.
    std::str::from_utf8(bytes).map_err(|_| Kind::Other("no key").refused(allowed))
}

#[cfg(unix)]
fn check_mode(file: &std::fs::File, path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display().to_string();
    Err(KeyError::Exposed { mode, path })
}

#[cfg(not(unix))]
fn check_mode(_: &std::fs::File, _: &Path) -> Result<(), KeyError> {
    Ok(())
}
