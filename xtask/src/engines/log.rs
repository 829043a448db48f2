//! What an engine writes to standard error, in a file that is kept if it fails.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use host::plain::plain;
use tempfile::NamedTempFile;

/// So much of a log's end is looked at, and so much of that is shown.
const END_BYTES: u64 = 8 << 10;
const SHOWN_BYTES: usize = 400;

/// The log of an engine. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct Log {
    /// Nothing once it is kept.
    file: Option<NamedTempFile>,
}

impl Log {
    pub(super) fn new() -> io::Result<Self> {
        let named = tempfile::Builder::new()
            .prefix("bitreceipt-engine-")
            .suffix(".log")
            .tempfile()?;
        Ok(Self { file: Some(named) })
    }

    /// The file, for a process to write to. Several writers do not overwrite each other.
    pub(super) fn writer(&self) -> io::Result<File> {
        let file = self.file.as_ref();
        let file = file.ok_or_else(|| io::Error::other("the log is closed"))?;
        OpenOptions::new().append(true).open(file.path())
    }

    /// Its last lines on one, if it has any.
    pub(super) fn tail(&self) -> String {
        let text = self.text().unwrap_or_default();
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        let mut shown = String::new();
        for line in lines.iter().rev() {
            let line = plain(line, SHOWN_BYTES);
            if !shown.is_empty() && shown.len() + line.len() > SHOWN_BYTES {
                break;
            }
            shown = match shown.is_empty() {
                true => line,
                false => format!("{line} | {shown}"),
            };
        }
        shown
    }

    /// Its last bytes as text.
    pub(super) fn text(&self) -> io::Result<String> {
        self.file.as_ref().map_or_else(
            || Ok(String::new()),
            |file| end_of_log(file.path(), END_BYTES),
        )
    }

    /// Keeps the file, unless it is empty.
    pub(super) fn keep(&mut self) -> Option<PathBuf> {
        let file = self.file.take()?;
        match file.as_file().metadata().map(|m| m.len()) {
            Ok(0) | Err(_) => None,
            Ok(_) => file.keep().ok().map(|(_, path)| path),
        }
    }
}

/// At most the last `most` bytes of the log at `path`, as text.
///
/// # Errors
/// It cannot be read.
pub fn end_of_log(path: &Path, most: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn tail(text: &str) -> String {
        let log = Log::new().unwrap();
        log.writer().unwrap().write_all(text.as_bytes()).unwrap();
        log.tail()
    }

    #[test]
    fn the_tail_is_short_and_on_one_line() {
        assert_eq!(tail(""), "");
        assert_eq!(tail("one\n\n two\u{1b}[0m\n"), "one | two [0m");
        let long = format!("{}\nthe last line\n", "x".repeat(500));
        assert_eq!(tail(&long), "the last line");
        assert!(tail(&"y".repeat(100_000)).len() < 410);
    }

    #[test]
    fn no_more_than_the_end_is_read() {
        let log = Log::new().unwrap();
        log.writer().unwrap().write_all(b"one two").unwrap();
        let path = log.file.as_ref().unwrap().path();
        assert_eq!(end_of_log(path, 3).unwrap(), "two");
        assert_eq!(end_of_log(path, 99).unwrap(), "one two");
    }

    #[test]
    fn writers_take_turns() {
        let log = Log::new().unwrap();
        let [mut out, mut err] = [log.writer().unwrap(), log.writer().unwrap()];
        out.write_all(b"a\n").unwrap();
        err.write_all(b"b\n").unwrap();
        out.write_all(b"c\n").unwrap();
        assert_eq!(log.tail(), "a | b | c");
    }

    #[test]
    fn a_log_is_removed_unless_it_is_kept() {
        let log = Log::new().unwrap();
        log.writer().unwrap().write_all(b"words").unwrap();
        let path = log.file.as_ref().unwrap().path().to_owned();
        drop(log);
        assert!(!path.exists());
        let mut log = Log::new().unwrap();
        assert_eq!(log.keep(), None);
        let mut log = Log::new().unwrap();
        log.writer().unwrap().write_all(b"words").unwrap();
        let kept = log.keep().unwrap();
        assert_eq!(std::fs::read(&kept).unwrap(), b"words");
        std::fs::remove_file(kept).unwrap();
    }
}
