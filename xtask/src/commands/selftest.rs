//! `selftest`: forged receipts before the verifier.

use std::{fs, path::Path};

use host::cancel::Cancel;

use crate::{
    args::SelftestArgs,
    exit::{Exit, Failure},
    output::print,
    selftest::{Drill, Vector, read_vectors},
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code; a forgery that is not caught is none.
pub fn run(args: &SelftestArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let vectors = read_folder(&args.vectors)?;
    let drill = Drill::new(&args.model, cancel)?;
    let mut n_killed = 0;
    for vector in &vectors {
        if cancel.is_requested() {
            return Err(Failure::interrupted());
        }
        match drill.survives(vector)? {
            None => n_killed += 1,
            Some(found) => {
                let rule = vector.caught_by.as_deref().unwrap_or("not a receipt");
                print(&format!(
                    "survived: {} (expected {rule}): {found}\n",
                    vector.name
                ))?;
            }
        }
    }
    print(&format!("killed {n_killed}/{}\n", vectors.len()))?;
    Ok(match n_killed == vectors.len() {
        true => Exit::Done,
        false => Exit::Rejected,
    })
}

/// The vectors of all TOML files in a folder, by file name.
fn read_folder(folder: &Path) -> Result<Vec<Vector>, Failure> {
    let failed = |e: std::io::Error| Failure::io(folder, &e);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    let mut vectors = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).map_err(|e| Failure::io(path, &e))?;
        let found = read_vectors(&text)
            .map_err(|e| Failure::new(Exit::BadInput, format_args!("{}: {e}", path.display())))?;
        vectors.extend(found);
    }
    if vectors.is_empty() {
        let line = format!(
            "{}: found no vectors, allowed TOML files such as receipts.toml",
            folder.display()
        );
        return Err(Failure::new(Exit::BadInput, line));
    }
    Ok(vectors)
}
