//! `challenge serve` as a process.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::process::{Ran, Workspace};

/// A challenger that runs, and ends with this value.
pub struct Challenger {
    child: Option<Child>,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    /// `http://127.0.0.1:PORT`
    pub url: String,
}

/// A workspace with the challenger's key.
pub fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.run("keygen --output challenger.key").exits(0);
    workspace
}

impl Challenger {
    /// Starts one; it has two rounds unless `words` say otherwise.
    pub fn start(workspace: &Workspace, words: &str) -> Self {
        let rounds = match words.contains("--rounds") {
            true => "",
            false => "--rounds 2",
        };
        let all =
            format!("challenge serve --listen 127.0.0.1:0 --key challenger.key {rounds} {words}");
        let mut command = workspace.command(&all);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it says where it listens").unwrap();
        let url = match words.contains("--format json") {
            true => {
                let event: Value = serde_json::from_str(&first).unwrap();
                assert_eq!(event["event"], "listening");
                event["address"].as_str().unwrap().to_owned()
            }
            false => {
                let url = first.strip_prefix("listening on ").unwrap();
                url.split(',').next().unwrap().to_owned()
            }
        };
        Self {
            child: Some(child),
            lines,
            url,
        }
    }

    /// The port.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// The next line that it says.
    pub fn line(&mut self) -> String {
        self.lines.next().expect("it says something").unwrap()
    }

    /// The next line with `part` in it.
    #[track_caller]
    pub fn says(&mut self, part: &str) -> String {
        let mut seen = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.contains(part) {
                return line;
            }
            seen.push(line);
        }
        panic!("no {part:?} in {seen:?}")
    }

    /// Waits for its end.
    pub fn ends(mut self) -> Ran {
        let rest: Vec<String> = self.lines.by_ref().map(Result::unwrap).collect();
        let child = self.child.take().unwrap();
        let mut ran = Ran::of(child.wait_with_output().unwrap(), "challenge serve");
        ran.stdout = rest.join("\n");
        ran
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Challenger {
    fn drop(&mut self) {
        self.kill();
    }
}
