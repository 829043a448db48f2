//! The verifier of receipts as a page has it: the rules, the replay and the verdict of `host`, with the
//! browser's WebAssembly in place of wasmtime.
//!
//! The page's thread has a [`Verification`] and the [`ReplayPasses`] of its replay. Each of its workers has a
//! [`GuestStage`] with a guest of its own, and one worker has the [`FileDigest`] of the model. `page/core.js` and
//! `page/worker.js` only move bytes between them.

mod digest;
mod error;
mod instance;
mod passes;
mod slices;
mod stage;
mod verification;

pub use digest::FileDigest;
pub use passes::ReplayPasses;
pub use stage::{GuestStage, Heads};
pub use verification::Verification;

use host::guest::{GUEST_WASM, guest_sha256};
use wasm_bindgen::prelude::wasm_bindgen;

/// The guest's module.
#[wasm_bindgen(js_name = guestModule)]
pub fn guest_module() -> Vec<u8> {
    GUEST_WASM.to_vec()
}

/// The digest of the guest's module, computed here.
#[wasm_bindgen(js_name = guestSha256)]
pub fn digest_of_guest() -> String {
    guest_sha256().to_string()
}

/// The digest that `guest-reference/artifact.json` pins.
#[wasm_bindgen(js_name = pinnedGuestSha256)]
pub fn pinned_digest_of_guest() -> String {
    let artifact = include_str!("../../../guest-reference/artifact.json");
    let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap_or_default();
    artifact["wasm_sha256"].as_str().unwrap_or("none").into()
}

/// The version of this program.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}

/// Has a defect end with its message, where a bare trap would tell nothing.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|defect| {
        wasm_bindgen::throw_str(&format!("internal error, please report it: {defect}"));
    }));
}
