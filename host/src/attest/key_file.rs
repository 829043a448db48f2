//! Writes a new key pair to two files, without replacing any file.

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

/// A new key pair, and where it was written.
#[derive(Debug)]
pub struct NewKey {
    /// The file of the private key, which only its owner can read.
    pub private: PathBuf,
    /// The file of the public key.
    pub public: PathBuf,
    /// The public key itself.
    pub key: PublicKey,
}

/// Why no new key could be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
#[allow(missing_docs)]
pub struct NewKeyError {
    pub path: PathBuf,
    pub source: io::Error,
}

impl NewKey {
    /// Writes a new private key to `path` (PKCS#8 PEM) and its public key next to it (SPKI PEM).
    ///
    /// # Errors
    /// One of the files exists or cannot be written. In this case neither is created.
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
            // Safe: nobody can have used the new key yet.
            let _ = fs::remove_file(private.target());
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
    /// Generates a new key with the system's random number generator.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn generate() -> io::Result<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret)
            .map_err(|e| io::Error::other(format!("random numbers: {e}")))?;
        Ok(Self::from_secret(&secret))
    }
}
