//! Builds WebAssembly modules, reproducibly: the same bytes from any checkout.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the package `package` as a module with the profile `profile`, in a target folder of its own.
///
/// # Errors
/// It cannot be built.
pub fn compile(root: &Path, package: &str, profile: &str) -> Result<Vec<u8>> {
    let target_dir = root.join("target").join(profile);
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root)
        .args(["rustc", "-p", package, "--profile", profile])
        .args(["--crate-type", "cdylib", "--target", TARGET, "--locked"])
        .arg("--target-dir")
        .arg(&target_dir);
    for (name, _) in env::vars_os() {
        if changes_code(&name) {
            cargo.env_remove(name);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rustflags(root)?);
    let output = cargo.output().context("cannot run cargo")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        if stderr.contains("E0463") || stderr.contains("target may not be installed") {
            bail!("target {TARGET}: not installed; run `rustup target add {TARGET}`");
        }
        eprint!("{stderr}");
        bail!("building {package} failed, see above");
    }
    let file = format!("{}.wasm", package.replace('-', "_"));
    let wasm = target_dir.join(TARGET).join(profile).join(file);
    fs::read(&wasm).with_context(|| wasm.display().to_string())
}

/// Whether an environment variable could change the module that is built.
fn changes_code(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ]
    .contains(&name)
        || ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Flags that keep this machine's paths out of the module.
fn rustflags(root: &Path) -> Result<String> {
    let cargo_home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir().context("no home folder")?.join(".cargo"),
    };
    let library = sysroot(root)?.join("lib/rustlib/src/rust");
    let remap = |path: &Path, name: &str| -> Result<String> {
        let path = path.to_str().context("a path is not UTF-8")?;
        Ok(format!("--remap-path-prefix={path}={name}"))
    };
    let flags = [
        remap(root, "/bitreceipt")?,
        remap(&cargo_home, "/cargo")?,
        remap(&library, "/rust")?,
    ];
    // Cargo's own separator, because paths may contain spaces.
    Ok(flags.join("\u{1f}"))
}

fn sysroot(root: &Path) -> Result<PathBuf> {
    let output = Command::new("rustc")
        .current_dir(root)
        .args(["--print", "sysroot"])
        .output()
        .context("cannot run rustc")?;
    ensure!(output.status.success(), "rustc --print sysroot failed");
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}
