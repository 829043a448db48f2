//! The reference guest embedded in this build, and the version of the sandbox that runs it.

use std::sync::OnceLock;

use crate::digest::Digest;

/// The guest's WebAssembly module.
pub const GUEST_WASM: &[u8] = include_bytes!("../../guest-reference/guest_reference.wasm");

/// The version of the sandbox. Fuel is only comparable between equal versions.
pub const WASMTIME_VERSION: &str = env!("BITRECEIPT_WASMTIME_VERSION");

/// The most linear memory that a guest may have, in bytes.
pub const MEMORY_LIMIT: usize = 2 << 30;

/// SHA-256 of [`GUEST_WASM`].
pub fn guest_sha256() -> Digest {
    static DIGEST: OnceLock<Digest> = OnceLock::new();
    *DIGEST.get_or_init(|| Digest::of(GUEST_WASM))
}
