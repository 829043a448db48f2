//! The Rust module of the page, and the JavaScript that calls it.

use std::path::Path;

use anyhow::Result;
use wasm_bindgen_cli_support::Bindgen;

use crate::wasm;

/// The module and its bindings.
pub(super) struct Bindings {
    pub(super) module: Vec<u8>,
    /// A script that defines the global `wasm_bindgen`.
    pub(super) script: String,
}

/// Builds `host/web`.
pub(super) fn build(root: &Path) -> Result<Bindings> {
    let module = wasm::compile(root, "web", "web")?;
    let mut output = Bindgen::new()
        .input_bytes("web", module)
        .no_modules(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()?;
    Ok(Bindings {
        module: output.wasm_mut().emit_wasm(),
        script: output.js().to_owned(),
    })
}
