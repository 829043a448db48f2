//! A new pair of keys as two files, of which neither replaces anything.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    key::{PublicKey, SigningKey},
    paths::public_key_path,
};
use crate::files::AtomicFile;

/// A pair of keys that was written.
#[derive(Debug)]
pub struct NewKey {
    /// The private half, which only its owner can read.
    pub private: PathBuf,
    /// The public half.
    pub public: PathBuf,
    /// The public half itself.
    pub key: PublicKey,
}

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
#[allow(missing_docs)]
pub struct NewKeyError {
    pub path: PathBuf,
    pub source: io::Error,
}

impl NewKey {
    /// Makes a key at `path`, PKCS#8 PEM, and its public half beside it, SPKI PEM.
    ///
    /// # Errors
    /// One of the files exists or cannot be written; then neither is new.
    pub fn write(path: &Path) -> Result<Self, NewKeyError> {
        let public_path = public_key_path(path);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| NewKeyError { path, source }
        };
        let files = [path, &public_path].map(|path| AtomicFile::prepare(path).map_err(at(path)));
        let [private, public] = files;
        let (private, public) = (private?, public?);
        let key = SigningKey::generate().map_err(at(path))?;
        let pem = key.to_pem().map_err(io::Error::other).map_err(at(path))?;
        let public_pem = key.public_key().to_pem();
        let public_pem = public_pem.map_err(io::Error::other).map_err(at(path))?;
        private.create_private(pem.as_bytes()).map_err(at(path))?;
        if let Err(e) = public.create(public_pem.as_bytes()) {
            // Nobody has used it yet.
            let _ = fs::remove_file(path);
            return Err(at(&public_path)(e));
        }
        Ok(Self {
            private: path.to_owned(),
            public: public_path,
            key: key.public_key(),
        })
    }
}

impl SigningKey {
    /// A new one, from the system's random numbers.
    ///
    /// # Errors
    /// The system has none.
    pub fn generate() -> io::Result<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret)
            .map_err(|e| io::Error::other(format!("random numbers: {e}")))?;
        Ok(Self::from_secret(&secret))
    }
}
