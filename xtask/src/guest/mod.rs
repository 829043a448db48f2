//! Builds the guest's WebAssembly module, reproducibly: the same bytes from any checkout.
//!
//! `guest-reference/guest_reference.wasm` is committed, so that benchmarks do not need the wasm
//! target. `artifact.json` next to it pins its digest, and a digest of everything that it is built
//! from. This lets a test find out, without building, that the sources have changed since.

mod source;

pub use source::{SourceInputs, source_sha256};

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use host::{digest::Digest, files::AtomicFile};
use serde::{Deserialize, Serialize};

use crate::wasm;

/// The content of `guest-reference/artifact.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// SHA-256 of `guest_reference.wasm`.
    pub wasm_sha256: Digest,
    /// Size of the module in bytes.
    pub wasm_bytes: u64,
    /// SHA-256 of everything that the module is built from, see [`source_sha256`].
    pub source_sha256: Digest,
}

/// A check found that the committed guest is not the one that its sources give.
#[derive(Debug)]
pub struct Differs(String);

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Differs {}

/// The result of a build or a check.
#[derive(Debug)]
pub struct GuestReport {
    /// The artifact.
    pub artifact: Artifact,
    /// Whether the committed files were only compared, not replaced.
    pub checked: bool,
}

impl fmt::Display for GuestReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let did = if self.checked {
            "is the committed one"
        } else {
            "written"
        };
        let Artifact {
            wasm_sha256,
            wasm_bytes,
            ..
        } = &self.artifact;
        write!(f, "guest {did}: {wasm_bytes} bytes, sha256 {wasm_sha256}")
    }
}

/// The root of the checkout: beside the package that Cargo runs, or the current folder. It is not built
/// in, so that builds in different folders are equal.
pub fn workspace_root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = manifest.and_then(|manifest| manifest.parent().map(Path::to_owned));
    root.unwrap_or_else(|| ".".into())
}

/// The path of the committed module.
pub fn wasm_path(root: &Path) -> PathBuf {
    root.join("guest-reference/guest_reference.wasm")
}

/// The path of the file that pins the module.
pub fn artifact_path(root: &Path) -> PathBuf {
    root.join("guest-reference/artifact.json")
}

/// Builds the guest, then replaces the committed files, or compares with them if `check` is true.
///
/// # Errors
/// The guest cannot be built, or a check finds a difference.
pub fn build(check: bool) -> Result<GuestReport> {
    let root = workspace_root();
    let wasm = wasm::compile(&root, "guest-reference", "guest")?;
    let artifact = Artifact {
        wasm_sha256: Digest::of(&wasm),
        wasm_bytes: wasm.len() as u64,
        source_sha256: source_sha256(&SourceInputs::read(&root)?)?,
    };
    if check {
        compare(&root, &wasm, &artifact)?;
    } else {
        write(&root, &wasm, &artifact)?;
    }
    Ok(GuestReport {
        artifact,
        checked: check,
    })
}

fn compare(root: &Path, wasm: &[u8], artifact: &Artifact) -> Result<()> {
    let path = wasm_path(root);
    let committed = fs::read(&path).with_context(|| path.display().to_string())?;
    if committed != wasm {
        let pairs = committed.iter().zip(wasm);
        let first = pairs.take_while(|(a, b)| a == b).count();
        bail!(Differs(format!(
            "{}: {} bytes committed, {} built, first difference at byte {first}; \
             run `cargo run -p xtask -- guest` and commit",
            path.display(),
            committed.len(),
            wasm.len()
        )));
    }
    let pinned = read_artifact(root)?;
    if pinned != *artifact {
        bail!(Differs(format!(
            "{}: found {pinned:?}, built {artifact:?}; run `cargo run -p xtask -- guest` and commit",
            artifact_path(root).display()
        )));
    }
    Ok(())
}

/// Reads the committed `artifact.json`.
///
/// # Errors
/// The file is missing or not valid.
pub fn read_artifact(root: &Path) -> Result<Artifact> {
    let path = artifact_path(root);
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}

fn write(root: &Path, wasm: &[u8], artifact: &Artifact) -> Result<()> {
    let replace = |path: PathBuf, bytes: &[u8]| {
        AtomicFile::prepare(&path)
            .and_then(|file| file.replace(|out| out.write_all(bytes)))
            .with_context(|| path.display().to_string())
    };
    replace(wasm_path(root), wasm)?;
    let json = serde_json::to_string_pretty(artifact)? + "\n";
    replace(artifact_path(root), json.as_bytes())
}
