//! The command line as a real process, in a folder of its own.
#![allow(dead_code, reason = "each test uses a part")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// The committed model.
pub const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");

/// Variables that a developer's shell may have set.
const VARIABLES: [&str; 3] = ["BITNET_DETERMINISTIC", "BITNET_SEED", "RAYON_NUM_THREADS"];

/// A folder with `models/tiny.gguf`, as in a checkout, and a receipt's place.
pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// A new one.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["models", "ci"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::copy(TINY, folder.path().join("models/tiny.gguf")).unwrap();
        Self { folder }
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a receipt goes by default.
    pub fn receipt(&self) -> PathBuf {
        self.path("ci/inference.json")
    }

    /// The content of a file in it.
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Writes a file in it.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// The receipt, as JSON.
    pub fn receipt_json(&self) -> Value {
        serde_json::from_slice(&self.read("ci/inference.json")).unwrap()
    }

    /// The names of the files in a folder of it, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The program with `words`, which spaces separate, to be run in it.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(words.split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the program with `words`.
    pub fn run(&self, words: &str) -> Ran {
        Ran::of(self.command(words).output().unwrap(), words)
    }

    /// Runs a small benchmark without a replay; `words` may say otherwise.
    pub fn benchmark(&self, words: &str) -> Ran {
        let mut all = format!("benchmark {words}");
        for small in [
            "--tokens 3",
            "--prompt-tokens 4",
            "--repetitions 1",
            "--parity off",
        ] {
            let (flag, _) = small.split_once(' ').unwrap();
            if !words.split_whitespace().any(|word| word == flag) {
                all = format!("{all} {small}");
            }
        }
        self.run(&all)
    }
}

/// A process that has ended.
pub struct Ran {
    words: String,
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Of the process that was started with `words`.
    pub fn of(output: Output, words: &str) -> Self {
        Self {
            words: words.to_owned(),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It ended with `code`, and did not panic.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let shown = format!("{}\n{}{}", self.words, self.stdout, self.stderr);
        assert_eq!(self.code, Some(code), "{shown}");
        assert!(!self.stderr.contains("panicked"), "{shown}");
        self
    }

    /// It ended with `code`, printed nothing but one line to standard error, and that line has
    /// all of `parts`.
    #[track_caller]
    pub fn fails(self, code: i32, parts: &[&str]) -> Self {
        let ran = self.ends(code, parts);
        assert_eq!(ran.stdout, "", "{}", ran.words);
        ran
    }

    /// As [`Ran::fails`], with something on standard output before.
    #[track_caller]
    pub fn ends(self, code: i32, parts: &[&str]) -> Self {
        let ran = self.exits(code);
        let line = ran.stderr.strip_suffix('\n').unwrap_or(&ran.stderr);
        assert!(line.starts_with("error: "), "{}: {line}", ran.words);
        assert!(!line.contains(char::is_control), "{}: {line:?}", ran.words);
        for part in parts {
            assert!(line.contains(part), "{}: no {part:?} in: {line}", ran.words);
        }
        ran
    }

    /// The argument parser refused the words: its first line has all of `parts`.
    #[track_caller]
    pub fn refuses_words(self, parts: &[&str]) {
        let ran = self.exits(2);
        let line = ran.stderr.lines().next().unwrap_or_default();
        assert!(line.starts_with("error: "), "{}: {line}", ran.words);
        for part in parts {
            assert!(
                ran.stderr.contains(part),
                "{}: no {part:?} in: {}",
                ran.words,
                ran.stderr
            );
        }
    }

    /// Standard output as JSON, and nothing else there.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("standard output is one JSON value")
    }
}
