//! A digest of everything that the guest's bytes depend on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use host::digest::Digest;
use toml::{Table, Value};

/// The files that the guest's bytes depend on.
#[derive(Debug, Clone)]
pub struct SourceInputs {
    /// The files in `guest-reference/src`: path (with `/`) and content.
    pub sources: BTreeMap<String, Vec<u8>>,
    /// `guest-reference/Cargo.toml`.
    pub manifest: String,
    /// The workspace's `Cargo.toml`.
    pub workspace: String,
    /// `Cargo.lock`.
    pub lock: String,
    /// `rust-toolchain.toml`.
    pub toolchain: String,
}

impl SourceInputs {
    /// Reads the files from a checkout.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let text = |name: &str| fs::read_to_string(root.join(name)).context(name.to_owned());
        let mut sources = BTreeMap::new();
        collect(&root.join("guest-reference/src"), "src", &mut sources)?;
        Ok(Self {
            sources,
            manifest: text("guest-reference/Cargo.toml")?,
            workspace: text("Cargo.toml")?,
            lock: text("Cargo.lock")?,
            toolchain: text("rust-toolchain.toml")?,
        })
    }
}

fn collect(folder: &Path, name: &str, sources: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, sources)?;
        } else {
            sources.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// SHA-256 of the sources, and of those parts of the manifests that affect the guest. Comments, and
/// dependencies of other crates, do not change it.
///
/// # Errors
/// A manifest is not TOML.
pub fn source_sha256(inputs: &SourceInputs) -> Result<Digest> {
    let manifest: Table = inputs
        .manifest
        .parse()
        .context("guest-reference/Cargo.toml")?;
    let workspace: Table = inputs.workspace.parse().context("Cargo.toml")?;
    let lock: Table = inputs.lock.parse().context("Cargo.lock")?;
    let toolchain: Table = inputs.toolchain.parse().context("rust-toolchain.toml")?;

    let dependencies = dependency_names(&manifest);
    let settings = serde_json::json!({
        "manifest": without(&manifest, "dev-dependencies"),
        "profiles": [
            at(&workspace, &["profile", "release"]),
            at(&workspace, &["profile", "guest"]),
        ],
        "package": at(&workspace, &["workspace", "package"]),
        "requirements": dependencies
            .iter()
            .map(|name| at(&workspace, &["workspace", "dependencies", name]))
            .collect::<Vec<_>>(),
        "locked": locked(&lock, dependencies),
        "toolchain": toolchain,
    });
    let mut bytes = serde_json::to_vec(&settings)?;
    for (path, content) in &inputs.sources {
        bytes.extend(format!("\0{path}\0{}\0", content.len()).bytes());
        bytes.extend(content);
    }
    Ok(Digest::of(&bytes))
}

fn at<'t>(table: &'t Table, path: &[&str]) -> Option<&'t Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(table.get(*first)?, |value, key| value.get(key))
}

fn without(table: &Table, key: &str) -> Table {
    let mut rest = table.clone();
    rest.remove(key);
    rest
}

/// The names in every `[dependencies]` table of a manifest.
fn dependency_names(manifest: &Table) -> BTreeSet<String> {
    let names = |table: Option<&Value>| {
        let table = table.and_then(Value::as_table);
        table.map_or(Vec::new(), |t| t.keys().cloned().collect())
    };
    let mut found = BTreeSet::from_iter(names(manifest.get("dependencies")));
    let targets = manifest.get("target").and_then(Value::as_table);
    for (_, target) in targets.into_iter().flatten() {
        found.extend(names(target.get("dependencies")));
    }
    found
}

/// The checksums of the packages `names` and all their dependencies in the lock file, by name and
/// version.
fn locked(lock: &Table, names: BTreeSet<String>) -> BTreeMap<String, Option<&str>> {
    let packages = lock.get("package").and_then(Value::as_array);
    let packages = packages.map_or(&[][..], Vec::as_slice);
    let text =
        |package: &'_ Value, key| package.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut wanted: Vec<String> = names.into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut entries = BTreeMap::new();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let is_it = |package: &&Value| text(package, "name").as_ref() == Some(&name);
        for package in packages.iter().filter(is_it) {
            let version = text(package, "version").unwrap_or_default();
            let checksum = package.get("checksum").and_then(Value::as_str);
            entries.insert(format!("{name} {version}"), checksum);
            let dependencies = package.get("dependencies").and_then(Value::as_array);
            let dependencies = dependencies.into_iter().flatten().filter_map(Value::as_str);
            // "name", or "name version" where several versions are locked.
            wanted.extend(dependencies.filter_map(|d| Some(d.split(' ').next()?.to_owned())));
        }
    }
    entries
}
