//! Files that the text refuses.

use std::{fs, path::Path, process::Command};

use engine_native::I2sLayout;

use crate::{python::folder, support::has_numpy};

#[allow(
    dead_code,
    reason = "what an error has to say is for readers with messages of their own"
)]
#[path = "../support/hostile/mod.rs"]
mod hostile;

/// Reads every file of a folder, whose name begins with a layout, and says which it refuses.
const READ_ALL: &str = "
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import spec
for path in pathlib.Path(sys.argv[2]).iterdir():
    try:
        spec.Model(spec.File(path, path.name.split('-')[0]))
        print(path.name, 'accepted')
    except (spec.Refused, UnicodeError):
        print(path.name, 'refused')
";

/// Names of the files that it accepts.
fn accepted(folder_of_files: &Path) -> Vec<String> {
    let output = Command::new("python3")
        .args(["-B", "-c", READ_ALL])
        .args([folder().as_os_str(), folder_of_files.as_os_str()])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let n_files = fs::read_dir(folder_of_files).unwrap().count();
    assert_eq!(lines.lines().count(), n_files);
    let accepted = lines
        .lines()
        .filter_map(|line| line.strip_suffix(" accepted"));
    accepted.map(str::to_owned).collect()
}

#[test]
fn the_second_reading_refuses_every_hostile_file() {
    if !has_numpy() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = hostile::corpus().into_iter();
    let files = files.map(|file| (I2sLayout::default(), file));
    let files: Vec<_> = files.chain(hostile::in_layouts()).collect();
    for (i, (layout, file)) in files.iter().enumerate() {
        let name = format!("{}-{i}", layout.as_str());
        fs::write(folder.path().join(name), &file.bytes).unwrap();
    }
    let accepted = accepted(folder.path());
    let index = |name: &String| name.rsplit('-').next().unwrap().parse::<usize>().unwrap();
    let names: Vec<_> = accepted
        .iter()
        .map(|name| files[index(name)].1.name)
        .collect();
    assert!(names.is_empty(), "accepted: {names:#?}");
}

#[test]
fn the_second_reading_accepts_what_hostile_files_were_made_of() {
    if !has_numpy() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let valid = hostile::valid();
    for (i, (_, bytes)) in valid.iter().enumerate() {
        fs::write(folder.path().join(format!("block128-{i}")), bytes).unwrap();
    }
    assert_eq!(accepted(folder.path()).len(), valid.len());
}
