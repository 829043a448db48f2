//! What to do about a file that is missing, or is of another kind than was asked for.

mod foreign_file;

use std::{fs, path::Path};

use host::{files, machine::thread_limits};
use serde_json::Value;

use crate::program;

/// How much of a file shows what it is.
const HEAD_BYTES: u64 = 4096;

/// What stands in the way of more threads, and what to do about it.
pub fn no_more_threads() -> String {
    match &thread_limits()[..] {
        [] => "use fewer, or raise the system's limit on threads".to_owned(),
        limits => format!("{}; raise the limit, or use fewer", limits.join(", ")),
    }
}

/// What a file is that is no model, and what to do with it. None if it is of no kind that people
/// mistake for one.
pub fn instead_of_a_model(path: &Path) -> Option<String> {
    let head = files::read_bounded(path, HEAD_BYTES).ok()?;
    if let Some((what, advice)) = foreign_file::describe(&head) {
        return Some(format!("this is {what}; {advice}"));
    }
    let text = std::str::from_utf8(&head).unwrap_or_default().trim_start();
    let what = match &head[..] {
        [] => "the file is empty; download or make it again",
        _ if is_receipt(path) => "this is a receipt, not a model; name a .gguf file",
        _ if text.starts_with('{') => "this is JSON; name the model file",
        _ => return None,
    };
    Some(what.into())
}

/// What a JSON file is that is no transcript, and what to do with it.
pub fn instead_of_a_transcript(bytes: &[u8]) -> Option<&'static str> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let has = |key| value.get(key).is_some();
    if has("receipt_sha256") || has("compute_path") {
        return Some("this is a receipt; use verify-receipt");
    }
    if has("payloadType") {
        return Some("this is a signed bundle; use verify-receipt --bundle");
    }
    let form = r#"a transcript is {"version": 1, "prompt_ids": […], "tokens": […]}"#;
    Some(form).filter(|_| value.is_object())
}

/// What a file should be that a command reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A model.
    Model,
    /// A receipt.
    Receipt,
    /// A policy.
    Policy,
    /// Something else.
    Other,
}

impl Kind {
    /// Whether what is at `found` can be meant by somebody who named `path`.
    fn is_like(self, path: &Path, found: &Path) -> bool {
        let ends_with = |kind: &str| found.extension() == Some(kind.as_ref());
        match self {
            Self::Model => ends_with("gguf"),
            Self::Receipt => is_receipt(found),
            Self::Policy => ends_with("toml"),
            Self::Other => {
                found.extension() == path.extension() || found.file_stem() == path.file_stem()
            }
        }
    }

    /// What to do where there is no such file.
    fn how_to_get(self) -> Option<String> {
        let call = program::current().call();
        match self {
            Self::Model => Some(format!("`{call} model list` says how to get models")),
            Self::Receipt => Some(format!("`{call} benchmark` writes a receipt")),
            Self::Policy => Some("name a TOML file, or leave --policy out".into()),
            Self::Other => None,
        }
    }
}

/// Whether the file at `path` is a receipt, by its beginning.
pub fn is_receipt(path: &Path) -> bool {
    let head = files::read_bounded(path, HEAD_BYTES).unwrap_or_default();
    let head = String::from_utf8_lossy(&head);
    head.trim_start().starts_with('{') && head.contains("\"receipt_schema\"")
}

/// Whether bytes are a JSON object.
pub fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice(bytes).is_ok_and(|value: Value| value.is_object())
}

/// What can be read instead of what is not at `path`: files that can be meant, or how to get one.
pub fn instead_of_what_is_missing(path: &Path, kind: Kind) -> Option<String> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut hints = Vec::new();
    let mut folders = vec![folder];
    if !folder.is_dir() {
        hints.push(format!("there is no folder {}", folder.display()));
        folders = vec![Path::new(".")];
    }
    if kind == Kind::Model {
        folders.push(Path::new("models"));
    }
    match folders
        .into_iter()
        .find_map(|folder| did_you_mean(folder, |found| kind.is_like(path, found)))
    {
        Some(others) => hints.push(others),
        None => hints.extend(kind.how_to_get()),
    }
    Some(hints.join("; ")).filter(|hint| !hint.is_empty())
}

/// What can be read in the folder at `path`, which is no file.
pub fn instead_of_a_folder(path: &Path, kind: Kind) -> String {
    let what = match kind {
        Kind::Model => "a model file",
        Kind::Receipt => "a receipt",
        Kind::Policy => "a policy",
        Kind::Other => return "name a file".into(),
    };
    let others = did_you_mean(path, |found| kind.is_like(path, found));
    others.unwrap_or_else(|| format!("name {what}"))
}

/// Asks about the files in a folder that are like the one that was meant.
fn did_you_mean(folder: &Path, is_like: impl Fn(&Path) -> bool) -> Option<String> {
    const MOST: usize = 5;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let paths = paths.filter(|path| path.is_file() && path.extension().is_some() && is_like(path));
    let shown = paths.map(|path| {
        let path = path.strip_prefix(".").unwrap_or(&path);
        path.display().to_string()
    });
    let mut others: Vec<String> = shown.collect();
    others.sort();
    let more = match others.len() {
        0 => return None,
        1..=MOST => String::new(),
        n => format!(" or one of {} more", n - MOST),
    };
    others.truncate(MOST);
    Some(format!("did you mean {}{more}?", others.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::{
        Kind, instead_of_a_folder, instead_of_a_model, instead_of_a_transcript,
        instead_of_what_is_missing,
    };

    #[test]
    fn kinds_of_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.gguf");
        for (bytes, kind) in [
            (
                &b"\x40\x00\x00\x00\x00\x00\x00\x00{\"a\""[..],
                Some("safetensors"),
            ),
            (b"PK\x03\x04rest", Some("ZIP")),
            (b"PK\x03\x04archive/data.pkl", Some("PyTorch")),
            (b"\x80\x02}q\0", Some("pickle")),
            (b"\0\0\0\0\0\0\0\0", Some("zeros")),
            (b"lmgg\x01\x00", Some("GGML")),
            (b"version https://git-lfs.github.com/spec/v1", Some("LFS")),
            (b"\xef\xbb\xbf\n<!doctype html>", Some("web page")),
            (b" {\"a\": 1}", Some("JSON")),
            (b"", Some("empty")),
            (b"# a text", None),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let hint = instead_of_a_model(&path);
            assert_eq!(hint.is_some(), kind.is_some(), "{bytes:?}");
            assert!(hint.unwrap_or_default().contains(kind.unwrap_or_default()));
        }
    }

    #[test]
    fn a_receipt_is_no_transcript() {
        let receipt = br#"{"schema_version": "1.0.0", "compute_path": "real"}"#;
        assert!(
            instead_of_a_transcript(receipt)
                .unwrap()
                .contains("verify-receipt")
        );
        assert_eq!(instead_of_a_transcript(b"no JSON"), None);
    }

    #[test]
    fn files_that_can_be_meant_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("a.gguf", ""),
            ("b.gguf", ""),
            ("c.json", "{\"receipt_schema\": \"1.2.0\"}"),
            ("d.json", "{}"),
            ("e.toml", ""),
        ] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let hint =
            |name: &str, kind| instead_of_what_is_missing(&folder.path().join(name), kind).unwrap();
        let of_models = hint("absent", Kind::Model);
        assert!(
            of_models.contains("a.gguf, ") && of_models.ends_with("b.gguf?"),
            "{of_models}"
        );
        // Whatever the name ends with, only receipts are shown.
        for name in ["c.jso", "absent.json", "absent"] {
            let hint = hint(name, Kind::Receipt);
            assert!(hint.ends_with("c.json?") && !hint.contains(','), "{hint}");
        }
        assert!(hint("absent.json", Kind::Policy).ends_with("e.toml?"));
        assert!(hint("d.jso", Kind::Other).ends_with("d.json?"));
        assert!(hint("absent/m.xyz", Kind::Other).starts_with("there is no folder "));
        let inside = |kind| instead_of_a_folder(folder.path(), kind);
        let models = inside(Kind::Model);
        assert!(
            models.contains("a.gguf") && models.ends_with("b.gguf?"),
            "{models}"
        );
        assert!(inside(Kind::Receipt).ends_with("c.json?"));
    }

    #[test]
    fn where_there_are_none_the_argument_decides_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for (kind, how, instead) in [
            (
                Kind::Receipt,
                "benchmark` writes a receipt",
                "name a receipt",
            ),
            (Kind::Policy, "leave --policy out", "name a policy"),
        ] {
            let hint = instead_of_what_is_missing(&folder.join("m"), kind).unwrap();
            assert!(hint.contains(how), "{hint}");
            assert_eq!(instead_of_a_folder(folder, kind), instead);
        }
        assert_eq!(
            instead_of_a_folder(folder, Kind::Model),
            "name a model file"
        );
    }
}
