//! The committed guest is the one that the sources make. Builds nothing, needs no wasm target.

use host::{digest::Digest, guest::GUEST_WASM};
use xtask::guest::{SourceInputs, read_artifact, source_sha256, workspace_root};

/// Changes one input.
type Edit = fn(&mut SourceInputs);

const ADVICE: &str = "run `cargo run -p xtask -- guest` and commit what it writes";

#[test]
fn the_embedded_guest_is_the_pinned_one() {
    let artifact = read_artifact(&workspace_root()).unwrap();
    assert_eq!(Digest::of(GUEST_WASM), artifact.wasm_sha256, "{ADVICE}");
    assert_eq!(GUEST_WASM.len() as u64, artifact.wasm_bytes, "{ADVICE}");
}

#[test]
fn the_guest_is_not_older_than_its_sources() {
    let root = workspace_root();
    let inputs = SourceInputs::read(&root).unwrap();
    let pinned = read_artifact(&root).unwrap().source_sha256;
    assert_eq!(source_sha256(&inputs).unwrap(), pinned, "{ADVICE}");
}

#[test]
fn everything_that_reaches_the_guest_changes_the_digest() {
    let inputs = SourceInputs::read(&workspace_root()).unwrap();
    let base = source_sha256(&inputs).unwrap();
    let edits: [(&str, Edit); 8] = [
        ("a source", |i| {
            i.sources.get_mut("src/lib.rs").unwrap().push(b' ')
        }),
        ("a new source", |i| {
            drop(i.sources.insert("src/new.rs".into(), vec![]))
        }),
        ("the manifest", |i| {
            replace(&mut i.manifest, "=0.2.14", "=0.2.13")
        }),
        ("the guest profile", |i| {
            replace(&mut i.workspace, "panic = \"abort\"", "")
        }),
        ("the release profile", |i| {
            replace(&mut i.workspace, "lto = \"thin\"", "")
        }),
        ("libm's requirement", |i| {
            replace(&mut i.workspace, "=0.2.16", "0.2.16")
        }),
        ("libm's lock", |i| {
            replace(
                &mut i.lock,
                "name = \"libm\"\nversion = \"0.2.16\"",
                "name = \"libm\"\nversion = \"0.2.15\"",
            )
        }),
        ("the toolchain", |i| {
            replace(&mut i.toolchain, "1.95.0", "1.96.0")
        }),
    ];
    for (what, edit) in edits {
        let mut edited = inputs.clone();
        edit(&mut edited);
        assert_ne!(source_sha256(&edited).unwrap(), base, "{what}");
    }
}

#[test]
fn what_does_not_reach_the_guest_changes_nothing() {
    let inputs = SourceInputs::read(&workspace_root()).unwrap();
    let base = source_sha256(&inputs).unwrap();
    let edits: [(&str, Edit); 3] = [
        ("a comment", |i| i.workspace.insert_str(0, "# a comment\n")),
        ("another crate's lock", |i| {
            replace(&mut i.lock, "name = \"clap\"", "name = \"clop\"")
        }),
        ("the dev profile", |i| {
            replace(
                &mut i.workspace,
                "[profile.dev.package.sha2]",
                "[profile.dev.package.sha3]",
            )
        }),
    ];
    for (what, edit) in edits {
        let mut edited = inputs.clone();
        edit(&mut edited);
        assert_eq!(source_sha256(&edited).unwrap(), base, "{what}");
    }
}

fn replace(text: &mut String, from: &str, to: &str) {
    assert!(text.contains(from), "nothing to edit: {from:?}");
    *text = text.replace(from, to);
}

/// Walks the module's sections: an import section would be number 2.
#[test]
fn the_guest_imports_nothing() {
    let (header, mut rest) = GUEST_WASM.split_at(8);
    assert_eq!(header, b"\0asm\x01\0\0\0");
    let mut sections = Vec::new();
    while let Some((&id, body)) = rest.split_first() {
        let (len, body) = leb128(body);
        sections.push(id);
        rest = &body[len..];
    }
    assert!(sections.contains(&10), "a module with code: {sections:?}");
    assert!(!sections.contains(&2), "no imports: {sections:?}");
}

/// An unsigned LEB128 number and what follows it.
fn leb128(bytes: &[u8]) -> (usize, &[u8]) {
    let len = bytes.iter().position(|b| b & 0x80 == 0).unwrap() + 1;
    let digits = bytes[..len].iter().rev();
    let value = digits.fold(0, |n, b| n << 7 | usize::from(b & 0x7f));
    (value, &bytes[len..])
}
