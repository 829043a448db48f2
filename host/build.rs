//! Records how this program is built: commit, compiler, profile, target, sandbox version.

use std::{env, fs, path::Path, process::Command};

fn main() {
    let root = Path::new("..");
    for input in [
        "Cargo.lock",
        "Cargo.toml",
        "engine-native",
        "guest-reference",
        "host",
        "xtask/src",
        ".git/HEAD",
        ".git/index",
        ".git/logs/HEAD",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    let set = |key: &str, value: String| println!("cargo::rustc-env=BITRECEIPT_{key}={value}");
    set("GIT_COMMIT", git_commit(root));
    set("GIT_DIRTY", git_dirty(root));
    set("RUSTC", rustc_version());
    set("PROFILE", env::var("PROFILE").unwrap_or_default());
    set("TARGET", env::var("TARGET").unwrap_or_default());
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    set("TARGET_FEATURES", features);
    set("WASMTIME_VERSION", locked_version(root, "wasmtime"));
}

fn run(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned())
}

fn git(root: &Path, args: &[&str]) -> Option<String> {
    // With the lock, `git status` may rewrite the index, which is one of the inputs.
    let mut command = Command::new("git");
    run(command
        .arg("--no-optional-locks")
        .arg("-C")
        .arg(root)
        .args(args))
}

fn git_commit(root: &Path) -> String {
    git(root, &["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".into())
}

/// "true", "false" or "unknown".
fn git_dirty(root: &Path) -> String {
    let status = git(root, &["status", "--porcelain", "--untracked-files=no"]);
    status.map_or("unknown".into(), |s| (!s.is_empty()).to_string())
}

fn rustc_version() -> String {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    run(Command::new(rustc).arg("--version")).unwrap_or_else(|| "unknown".into())
}

/// The version of a package in the lock file: the one that is linked, not the one required.
fn locked_version(root: &Path, package: &str) -> String {
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let mut lines = lock.lines();
    let name = format!("name = \"{package}\"");
    lines.find(|line| *line == name);
    let version = lines.next().and_then(|l| l.strip_prefix("version = "));
    version.map_or("unknown".into(), |v| v.trim_matches('"').to_owned())
}
