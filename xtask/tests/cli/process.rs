//! The command line as a real process, in a folder of its own.
#![allow(dead_code, reason = "each test uses a part")]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// The committed model.
pub const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");

/// Variables that a developer's shell may have set.
const VARIABLES: [&str; 3] = ["BITNET_DETERMINISTIC", "BITNET_SEED", "RAYON_NUM_THREADS"];

/// The programs.
pub const XTASK: &str = env!("CARGO_BIN_EXE_xtask");
pub const BITRECEIPT: &str = env!("CARGO_BIN_EXE_bitreceipt");

/// A folder in which a program runs, and its cache, which starts empty.
pub struct Workspace {
    program: &'static str,
    root: TempDir,
}

impl Workspace {
    /// A folder for `xtask`, with `models/tiny.gguf`, as in a checkout, and a receipt's place.
    pub fn new() -> Self {
        let workspace = Self::empty(XTASK);
        for name in ["models", "ci"] {
            std::fs::create_dir(workspace.path(name)).unwrap();
        }
        std::fs::copy(TINY, workspace.path("models/tiny.gguf")).unwrap();
        workspace
    }

    /// An empty folder for `program`.
    pub fn empty(program: &'static str) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("here")).unwrap();
        Self { program, root }
    }

    /// The folder.
    pub fn folder(&self) -> PathBuf {
        self.root.path().join("here")
    }

    /// The program's cache folder, which nobody has made yet.
    pub fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder().join(name)
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
        let mut command = Command::new(self.program);
        command.args(words.split_whitespace());
        self.prepare(&mut command);
        command
    }

    /// A shell with a script, in which `$PROGRAM` is the program, to be run in it.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("PROGRAM", self.program);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command
            .current_dir(self.folder())
            .env("BITRECEIPT_CACHE", self.cache())
            .stdin(Stdio::null());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
    }

    /// Runs the program with `words`.
    pub fn run(&self, words: &str) -> Ran {
        Ran::of(self.command(words).output().unwrap(), words)
    }

    /// Runs the program with `words` as a user without rights. None, and said, where this user cannot
    /// become another one.
    pub fn run_unprivileged(&self, words: &str) -> Option<Ran> {
        let id = Command::new("id").arg("-u").output().unwrap();
        if id.stdout.trim_ascii() != b"0" {
            eprintln!("SKIPPED, not root: {words}");
            return None;
        }
        // The folder of a test is its owner's alone.
        let open = |path: &Path| {
            let status = Command::new("chmod").args(["go+rx"]).arg(path).status();
            assert!(status.unwrap().success());
        };
        open(self.root.path());
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid=65532",
                "--regid=65532",
                "--clear-groups",
                self.program,
            ])
            .args(words.split_whitespace());
        self.prepare(&mut command);
        Some(Ran::of(command.output().unwrap(), words))
    }

    /// Runs the program with `words`, with `input` on its standard input.
    pub fn run_with_input(&self, words: &str, input: impl AsRef<[u8]>) -> Ran {
        let mut command = self.command(words);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not read to the end is not this function's to judge.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        Ran::of(child.wait_with_output().unwrap(), words)
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
