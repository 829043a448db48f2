//! The model file changes while a command runs. Whatever ends well is about bytes that were once in the
//! file, and can be confirmed with them; nothing ends with a signal.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use engine_native::Model;
use host::digest::Digest;

use crate::process::{Ran, TINY, Workspace};

fn writer(workspace: &Workspace) -> File {
    let path = workspace.path("models/tiny.gguf");
    OpenOptions::new().write(true).open(path).unwrap()
}

/// Where the embedding of token 5 begins in the file. Every run below begins with this token.
fn row_of_token_5(bytes: &[u8]) -> usize {
    let model = Model::from_bytes(bytes.to_vec()).unwrap();
    let embedding = model.token_embd().dense().unwrap();
    let rows = embedding.rows(model.file_bytes());
    rows.as_ptr().addr() - model.file_bytes().as_ptr().addr() + 5 * embedding.row_bytes()
}

/// One row of the embedding is written again and again, in two versions. The row is a part of one page,
/// so that the file has one of two digests at any time.
#[test]
fn a_receipt_is_about_bytes_that_can_be_confirmed() {
    let bytes = fs::read(TINY).unwrap();
    let at = row_of_token_5(&bytes);
    let mut other = bytes.clone();
    // The first two elements change their sign, which changes every logit.
    other[at + 1] ^= 0x80;
    other[at + 3] ^= 0x80;
    let workspace = Workspace::new();
    let versions = [bytes, other];
    for (i, version) in versions.iter().enumerate() {
        workspace.write(format!("version-{i}.gguf"), version);
    }
    let digests = versions.each_ref().map(|v| Digest::of(v).to_string());
    let is_over = AtomicBool::new(false);
    let (mut n_receipts, mut n_refused) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| -> io::Result<()> {
            let file = writer(&workspace);
            for version in versions.iter().cycle() {
                if is_over.load(Relaxed) {
                    break;
                }
                file.write_all_at(&version[at..at + 4], at as u64)?;
                thread::sleep(Duration::from_millis(12));
            }
            Ok(())
        });
        for _ in 0..12 {
            let ran = workspace
                .run("benchmark --prompt-ids 5,6 --tokens 2 --repetitions 1 --threads 1 --quiet");
            if ran.code == Some(0) {
                let receipt = workspace.receipt_json();
                let found = receipt["model"]["sha256"].as_str().unwrap();
                let version = digests.iter().position(|digest| digest == found);
                let version = version.expect("a file that never was");
                let model = format!("--model version-{version}.gguf");
                workspace
                    .run(&format!("verify-receipt --quiet {model}"))
                    .exits(0);
                n_receipts += 1;
            } else {
                ran.fails(4, &["tiny.gguf: the file changed while it was read: "]);
                n_refused += 1;
            }
        }
        is_over.store(true, Relaxed);
    });
    println!("{n_receipts} receipts, {n_refused} refused");
}

/// The file loses its end at some moment of the run. While it is read, that is said; afterwards, it does
/// not matter.
#[test]
fn a_file_that_is_cut_short_ends_no_command_with_a_signal() {
    // A file that was cut before it was opened is another file: `model verify` calls it unknown.
    for (words, allowed) in [
        ("benchmark --tokens 40 --repetitions 1 --quiet", &[0, 4][..]),
        (
            "verify-receipt receipt.json --model models/tiny.gguf --quiet",
            &[0, 4],
        ),
        (
            "logits models/tiny.gguf --prompt-ids 1,2,3 --tokens 30 --output out.npy",
            &[0, 4],
        ),
        (
            "run models/tiny.gguf --prompt ab --tokens 40 --quiet",
            &[0, 4],
        ),
        ("inspect models/tiny.gguf", &[0, 4]),
        ("model verify models/tiny.gguf", &[0, 3, 4]),
    ] {
        let workspace = Workspace::new();
        workspace.benchmark("--quiet").exits(0);
        fs::rename(workspace.receipt(), workspace.path("receipt.json")).unwrap();
        for delay in [0, 5, 10, 20, 40, 80] {
            fs::write(workspace.receipt(), "old").unwrap();
            fs::copy(TINY, workspace.path("models/tiny.gguf")).unwrap();
            let mut command = workspace.command(words);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = command.spawn().unwrap();
            thread::sleep(Duration::from_millis(delay));
            writer(&workspace).set_len(5000).unwrap();
            let ran = Ran::of(child.wait_with_output().unwrap(), words);
            let shown = format!("{words}, after {delay} ms: {:?}\n{}", ran.code, ran.stderr);
            assert!(
                ran.code.is_some_and(|code| allowed.contains(&code)),
                "{shown}"
            );
            assert!(!ran.stderr.contains("panicked"), "{shown}");
            if words.starts_with("benchmark") && ran.code != Some(0) {
                assert_eq!(workspace.read("ci/inference.json"), b"old", "{shown}");
            }
        }
    }
}
