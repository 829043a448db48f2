//! The digest of a file that comes in pieces.

use sha2::{Digest as _, Sha256};
use wasm_bindgen::prelude::wasm_bindgen;

/// Hashes a file piece by piece.
#[wasm_bindgen]
#[derive(Default)]
pub struct FileDigest(Sha256);

#[wasm_bindgen]
impl FileDigest {
    /// Nothing so far.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// SHA-256 of everything, 32 bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}
