//! The reference guest that this build has inside, and the version of the sandbox that runs it.

use std::sync::OnceLock;

use crate::digest::Digest;

/// The guest's module.
pub const GUEST_WASM: &[u8] = include_bytes!("../../guest-reference/guest_reference.wasm");

/// Version of the sandbox: fuel is comparable only between equal versions.
pub const WASMTIME_VERSION: &str = env!("BITRECEIPT_WASMTIME_VERSION");

/// Linear memory that a guest may grow to, in bytes.
pub const MEMORY_LIMIT: usize = 2 << 30;

/// SHA-256 of [`GUEST_WASM`].
pub fn guest_sha256() -> Digest {
    static DIGEST: OnceLock<Digest> = OnceLock::new();
    *DIGEST.get_or_init(|| Digest::of(GUEST_WASM))
}
