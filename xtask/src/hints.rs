//! What to do about a file that is missing, or is of another kind than was asked for.

use std::{fs, path::Path};

use host::files;
use serde_json::Value;

use crate::program;

/// What a file is that is no model, and what to do with it. None if it is of no kind that people
/// mistake for one.
pub fn instead_of_a_model(path: &Path) -> Option<&'static str> {
    let head = files::read_bounded(path, 4096).ok()?;
    let text = std::str::from_utf8(&head).unwrap_or_default().trim_start();
    Some(match &head[..] {
        [] => "the file is empty; download or make it again",
        [_, _, _, _, _, _, 0, 0, b'{', ..] => {
            "this is a safetensors file; convert it to GGUF, with convert_hf_to_gguf.py of \
             llama.cpp for one"
        }
        [b'P', b'K', 3, 4, ..] => {
            "this is a zip archive or a PyTorch file; unpack it, or convert it to GGUF"
        }
        [0x1f, 0x8b, ..] => "this is a gzip file; unpack it first",
        [b'l', b'm', b'g', b'g', ..]
        | [b't', b'j', b'g', b'g', ..]
        | [b'f', b'm', b'g', b'g', ..] => {
            "this is a GGML file of the time before GGUF; convert it, or download a newer one"
        }
        [b'F', b'U', b'G', b'G', ..] => {
            "this is a big-endian GGUF file; only little-endian ones are read"
        }
        _ if text.starts_with("version https://git-lfs") => {
            "this is a Git LFS pointer; fetch the file itself with `git lfs pull`"
        }
        _ if text.starts_with("<!") || text.starts_with("<html") => {
            "this is a web page; download the file itself"
        }
        _ if text.starts_with('{') => "this is JSON; name the model file",
        _ => return None,
    })
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
    Some("ci/TRANSCRIPT.md describes a transcript").filter(|_| value.is_object())
}

/// What can be read instead of what is not at `path`: files of the same kind, or of the same name.
pub fn instead_of_what_is_missing(path: &Path) -> Option<String> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let is_like = |found: &Path| {
        found.extension() == path.extension() || found.file_stem() == path.file_stem()
    };
    let mut hints = Vec::new();
    if !folder.is_dir() {
        hints.push(format!("there is no folder {}", folder.display()));
    }
    match [folder, Path::new("."), Path::new("models")]
        .into_iter()
        .find_map(|folder| did_you_mean(folder, is_like))
    {
        Some(others) => hints.push(others),
        None => hints.extend(how_to_make(path)),
    }
    Some(hints.join("; ")).filter(|hint| !hint.is_empty())
}

/// What can be read in the folder at `path`, which is no file: models and receipts.
pub fn instead_of_a_folder(path: &Path) -> String {
    let is_like = |found: &Path| {
        KINDS
            .iter()
            .any(|kind| found.extension() == Some(kind.as_ref()))
    };
    did_you_mean(path, is_like).unwrap_or_else(|| "it is a folder; name a file".into())
}

/// How the names of models and of receipts end.
const KINDS: [&str; 2] = ["gguf", "json"];

/// The command that says how to get a model, or that writes a receipt.
fn how_to_make(path: &Path) -> Option<String> {
    let call = program::current().call();
    let kind = path.extension()?;
    match KINDS.map(|name| kind == name) {
        [true, _] => Some(format!("`{call} model list` says how to get models")),
        [_, true] => Some(format!("`{call} benchmark` writes a receipt")),
        _ => None,
    }
}

/// Asks about the files in a folder that are like the one that was meant.
fn did_you_mean(folder: &Path, is_like: impl Fn(&Path) -> bool) -> Option<String> {
    const MOST: usize = 5;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let paths = paths.filter(|path| path.extension().is_some() && is_like(path) && path.is_file());
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
        instead_of_a_folder, instead_of_a_model, instead_of_a_transcript,
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
            (b"PK\x03\x04rest", Some("PyTorch")),
            (b"lmgg\x01\x00", Some("GGML")),
            (b"version https://git-lfs.github.com/spec/v1", Some("LFS")),
            (b"<!DOCTYPE html>", Some("web page")),
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
    fn files_of_the_same_kind_or_name_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.gguf", "b.gguf", "c.json"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let hint = |name: &str| instead_of_what_is_missing(&folder.path().join(name)).unwrap();
        let of_models = hint("absent.gguf");
        assert!(
            of_models.contains("a.gguf, ") && of_models.ends_with("b.gguf?"),
            "{of_models}"
        );
        assert!(hint("c.jso").ends_with("c.json?"));
        assert!(hint("absent/m.xyz").starts_with("there is no folder "));
        let inside = instead_of_a_folder(folder.path());
        assert!(
            inside.contains("a.gguf") && inside.ends_with("c.json?"),
            "{inside}"
        );
    }
}
