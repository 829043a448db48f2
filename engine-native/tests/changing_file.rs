//! A model file that somebody writes to while it is read, or after. What was read is what runs, or the
//! reading ends with the name of what changed.

#![cfg(unix)]

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use engine_native::{ModelError, ModelSource, Observer};

/// More than is read between two questions to the observer.
const LEN: u64 = 40 << 20;

/// A file in the test's own folder, written an hour ago, and removed at the end.
struct Model(PathBuf);

impl Model {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("changing-{name}"));
        let file = File::create(&path).unwrap();
        file.set_len(LEN).unwrap();
        let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
        file.set_modified(an_hour_ago).unwrap();
        Self(path)
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn writer(path: &Path) -> File {
    OpenOptions::new().write(true).open(path).unwrap()
}

/// Does something to the file when it is asked for the second time: a part has been read by then.
struct Meddler<'m> {
    path: &'m Path,
    meddle: fn(&File),
    questions: AtomicU64,
}

impl Observer for Meddler<'_> {
    fn is_cancelled(&self) -> bool {
        if self.questions.fetch_add(1, Relaxed) == 1 {
            (self.meddle)(&writer(self.path));
        }
        false
    }
}

/// What reading says if `meddle` happens in the middle.
fn read_while(name: &str, meddle: fn(&File)) -> ModelError {
    let model = Model::new(name);
    let meddler = Meddler {
        path: &model.0,
        meddle,
        questions: AtomicU64::new(0),
    };
    let read = ModelSource::open(&model.0).unwrap().read(&meddler);
    assert!(meddler.questions.load(Relaxed) > 1, "nothing happened");
    read.expect_err("a file that changed was read")
}

#[track_caller]
fn names(error: ModelError, change: &str) {
    assert!(
        matches!(&error, ModelError::Changed { what, .. } if *what == change),
        "{error}"
    );
}

#[test]
fn a_byte_rewritten_behind_the_reader_is_a_change() {
    let meddle = |file: &File| file.write_all_at(&[1], 5).unwrap();
    names(read_while("behind", meddle), "mtime");
}

#[test]
fn a_byte_rewritten_ahead_of_the_reader_is_a_change() {
    let meddle = |file: &File| file.write_all_at(&[1], LEN - 5).unwrap();
    names(read_while("ahead", meddle), "mtime");
}

/// Whoever sets the time of the last write back cannot set back that of the last change.
#[test]
fn a_hidden_write_is_a_change() {
    let meddle = |file: &File| {
        let mtime = file.metadata().unwrap().modified().unwrap();
        file.write_all_at(&[1], 5).unwrap();
        file.set_modified(mtime).unwrap();
    };
    names(read_while("hidden", meddle), "ctime");
}

#[test]
fn a_file_that_becomes_shorter_or_longer_is_a_change() {
    names(read_while("shorter", |f| f.set_len(100).unwrap()), "size");
    names(
        read_while("longer", |f| f.set_len(LEN + 100).unwrap()),
        "size",
    );
}

#[test]
fn what_was_read_stays_whatever_happens_to_the_file() {
    let model = Model::new("after");
    let file = ModelSource::open(&model.0).unwrap().read(&()).unwrap();
    writer(&model.0).write_all_at(&[1; 4096], 4096).unwrap();
    writer(&model.0).set_len(8192).unwrap();
    assert_eq!(file.len() as u64, LEN);
    assert!(file.iter().all(|&byte| byte == 0));
}

/// The header of a file larger than any memory is read all the same.
#[test]
fn a_header_is_read_without_the_rest() {
    // One tensor, F32, of 2^38 elements.
    let mut header = b"GGUF\x03\0\0\0".to_vec();
    header.extend([1u64, 0, 1].map(u64::to_le_bytes).concat());
    header.extend(b"t\x01\0\0\0");
    header.extend((1u64 << 38).to_le_bytes());
    header.extend([0; 4 + 8]);
    header.resize(header.len().next_multiple_of(32), 0);
    let model = Model::new("huge");
    fs::write(&model.0, &header).unwrap();
    let n_bytes = header.len() as u64 + (1 << 40);
    writer(&model.0).set_len(n_bytes).unwrap();
    let source = ModelSource::open(&model.0).unwrap();
    assert_eq!(source.file_len(), n_bytes);
    assert_eq!(source.header().unwrap().n_parameters(), 1 << 38);
}

/// Longer than the first piece that is read, with nothing cut off.
#[test]
fn a_long_header_is_read_whole() {
    let mut header = b"GGUF\x03\0\0\0".to_vec();
    header.extend(0u64.to_le_bytes());
    header.extend(3u64.to_le_bytes());
    for key in ["a", "b", "c"] {
        header.extend(1u64.to_le_bytes());
        header.extend(key.as_bytes());
        header.extend(8u32.to_le_bytes());
        header.extend((12u64 << 20).to_le_bytes());
        header.resize(header.len() + (12 << 20), b'x');
    }
    let model = Model::new("long-header");
    fs::write(&model.0, &header).unwrap();
    let whole = ModelSource::open(&model.0).unwrap().header().unwrap();
    assert_eq!(whole.metadata.string("c").unwrap().unwrap().len(), 12 << 20);
    writer(&model.0).set_len(header.len() as u64 - 1).unwrap();
    let cut = ModelSource::open(&model.0).unwrap().header();
    assert!(cut.unwrap_err().to_string().contains("truncated"));
}
