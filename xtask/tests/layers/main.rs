//! No import runs upward: in each crate the modules stand on floors, and a module imports only from
//! floors below its own. `ARCHITECTURE.md` says which floor is which.
//!
//! Files are read as `syn` reads them, and paths are followed through `use` and `pub use` to the file
//! that defines what they name. What no path names is not seen: a method that another file gives to a
//! type, and what a macro makes.

mod circles;
mod floors;
mod imports;
mod mentions;
mod modules;
mod small_crates;

use std::fs;
use std::path::{Path, PathBuf};

use modules::{Crate, Sources};

#[test]
fn no_import_runs_upward() {
    let document = fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let mut failures = String::new();
    for name in members() {
        let mut sources = Sources::new();
        let source = workspace().join(&name).join("src");
        add_sources(&source, &source, &mut sources);
        let report = report(&sources, &floors::read(&document, &name));
        if report.is_empty() {
            continue;
        }
        failures += &format!("{name}/src\n{report}");
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// Everything that is wrong with a crate; empty if nothing is.
fn report(sources: &Sources, floors: &floors::Floors) -> String {
    let krate = Crate::read(sources);
    let imports = krate.imports();
    let mut report = String::new();
    for circle in circles::circles(&krate, &imports) {
        report += "  a circle:\n";
        report += &circles::show(&krate, &circle);
    }
    for violation in floors::violations(&krate, &imports, floors) {
        report += &format!("  {violation}\n");
    }
    report
}

fn workspace() -> PathBuf {
    let this_crate = Path::new(env!("CARGO_MANIFEST_DIR"));
    this_crate.parent().unwrap().to_owned()
}

/// The crates of the workspace: a new one has to have floors, too.
fn members() -> Vec<String> {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let names = members.iter().map(|name| name.as_str().unwrap().to_owned());
    names.collect()
}

fn add_sources(root: &Path, folder: &Path, sources: &mut Sources) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_sources(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            let name = name.replace(std::path::MAIN_SEPARATOR, "/");
            sources.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}
