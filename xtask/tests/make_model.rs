//! Generated models: the committed file is what the generator writes, shapes of all kinds come out
//! as files that an independent walk can read, and the rejection corpus is what it says.

#[path = "support/hostile/mod.rs"]
mod hostile;
#[path = "support/walk.rs"]
mod walk;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use walk::Walk;
use xtask::make_model::gguf_writer::{F16, F32, I2_S};
use xtask::make_model::{Preset, Shape, preset, to_vec, write_model};

/// One entry of `models/manifest.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    file: String,
    preset: String,
    seed: u64,
    bytes: u64,
    sha256: String,
    licence: String,
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

fn published(preset: &Preset) -> Published {
    let manifest = fs::read(models().join("manifest.json")).unwrap();
    let entries: Vec<Published> = serde_json::from_slice(&manifest).unwrap();
    entries
        .into_iter()
        .find(|entry| entry.preset == preset.name)
        .unwrap()
}

/// Counts and digests what is written to it.
#[derive(Default)]
struct Digester {
    sha256: Sha256,
    n_bytes: u64,
}

impl Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sha256.update(bytes);
        self.n_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Generates the preset and compares it with its entry in the manifest.
fn check_published(name: &str) {
    let preset = preset(name).unwrap();
    let expected = published(&preset);
    let mut written = Digester::default();
    let mut last_report = (0, 0);
    let mut progress = |done, total| last_report = (done, total);
    write_model(
        &preset.shape,
        preset.model_name,
        expected.seed,
        &mut written,
        &mut progress,
    )
    .unwrap();

    let sha256: String = written
        .sha256
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!((written.n_bytes, sha256), (expected.bytes, expected.sha256));
    assert_eq!(last_report, (expected.bytes, expected.bytes));
    assert_eq!(expected.seed, preset.default_seed);
    assert_eq!(expected.file, format!("{name}.gguf"));
    assert_eq!(expected.licence, env!("CARGO_PKG_LICENSE"));
}

#[test]
fn tiny_has_its_published_digest() {
    check_published("tiny");
}

#[test]
#[ignore = "generates 1.2 GB, about 6 s"]
fn model_2b4t_has_its_published_digest() {
    check_published("2b4t");
}

#[test]
fn committed_tiny_is_what_the_generator_writes() {
    let tiny = preset("tiny").unwrap();
    let generated = to_vec(&tiny.shape, tiny.model_name, tiny.default_seed).unwrap();
    // No assert_eq: its message would be megabytes.
    assert!(fs::read(models().join("tiny.gguf")).unwrap() == generated);
}

#[test]
fn every_seed_gives_another_model() {
    let shape = odd_shapes().remove(0);
    let files: HashSet<Vec<u8>> = (0..4)
        .map(|s| to_vec(&shape, "seeded", s).unwrap())
        .collect();
    assert_eq!(files.len(), 4);
}

/// Head counts and widths that presets do not have.
fn odd_shapes() -> Vec<Shape> {
    let shape = |n_embd, n_heads, n_kv_heads, head_dim, n_ff| Shape {
        n_vocab: 263,
        n_embd,
        n_layers: 2,
        n_heads,
        n_kv_heads,
        head_dim,
        n_ff,
        context_length: 32,
        rope_base: 10_000.0,
        rms_epsilon: 1e-6,
    };
    vec![
        shape(128, 2, 2, 64, 128),
        shape(384, 3, 1, 128, 640),
        shape(640, 8, 1, 80, 256),
        shape(256, 8, 4, 80, 384),
        shape(1152, 9, 3, 128, 128),
    ]
}

#[test]
fn odd_shapes_read_back() {
    for shape in odd_shapes() {
        let file = to_vec(&shape, "odd", 7).unwrap();
        let read = Walk::over(&file);
        let has_own_head_dim = shape.n_heads * shape.head_dim != shape.n_embd;
        let key_length = read.keys.get("bitnet-b1.58.attention.key_length");
        assert_eq!(key_length.is_some(), has_own_head_dim);
        assert_eq!(
            read.keys["bitnet-b1.58.rope.dimension_count"],
            shape.head_dim.to_le_bytes()
        );
        assert_eq!(read.keys["general.file_type"], 40u32.to_le_bytes());
        assert_eq!(read.tensors.len(), 2 + 11 * 2);
        check_tensors(&read, &file);
    }
}

#[test]
fn dimensions_of_projections_are_columns_then_rows() {
    let shape = &odd_shapes()[3];
    let file = to_vec(shape, "odd", 7).unwrap();
    let dims: HashMap<String, Vec<u64>> = Walk::over(&file)
        .tensors
        .into_iter()
        .map(|tensor| (tensor.name, tensor.dims))
        .collect();
    for (name, expected) in [
        ("token_embd", vec![256, 263]),
        ("blk.0.attn_q", vec![256, 640]),
        ("blk.0.attn_k", vec![256, 320]),
        ("blk.1.attn_v", vec![256, 320]),
        ("blk.1.attn_output", vec![640, 256]),
        ("blk.1.attn_sub_norm", vec![640]),
        ("blk.1.ffn_up", vec![256, 384]),
        ("blk.1.ffn_down", vec![384, 256]),
        ("blk.1.ffn_sub_norm", vec![384]),
    ] {
        assert_eq!(dims[&format!("{name}.weight")], expected, "{name}");
    }
}

/// Tensors fill the data section in order without a gap, and hold what their type allows.
fn check_tensors(read: &Walk, file: &[u8]) {
    let mut end = 0;
    for tensor in &read.tensors {
        assert_eq!(tensor.offset, end, "{}", tensor.name);
        let n: u64 = tensor.dims.iter().product();
        let start = read.data_start + tensor.offset as usize;
        end += match tensor.type_id {
            F32 => 4 * n,
            F16 => 2 * n,
            I2_S => n / 4 + 32,
            other => panic!("{}: type {other}", tensor.name),
        };
        let bytes = &file[start..read.data_start + end as usize];
        if tensor.type_id == I2_S {
            check_ternary(bytes, n as usize / 4);
        }
    }
    assert_eq!(read.data_start + end as usize, file.len());
}

/// All three weights about as often as intended, none invalid; scale, then zeros.
fn check_ternary(bytes: &[u8], n_packed: usize) {
    let mut counts = [0usize; 4];
    for byte in &bytes[..n_packed] {
        (0..4).for_each(|field| counts[usize::from(byte >> (2 * field) & 3)] += 1);
    }
    let n = 4 * n_packed;
    let near = |count: usize, share: f64| (count as f64 / n as f64 - share).abs() < 0.02;
    assert!(
        near(counts[0], 0.25) && near(counts[1], 0.5) && near(counts[2], 0.25),
        "{counts:?}"
    );
    assert_eq!(counts[3], 0);
    let scale = f32::from_le_bytes(bytes[n_packed..n_packed + 4].try_into().unwrap());
    assert!(scale > 0.0 && scale < 1.0);
    assert_eq!(bytes[n_packed + 4..], [0; 28]);
}

#[test]
fn hostile_files_have_names_of_their_own_and_differ() {
    let corpus = hostile::corpus();
    let names: HashSet<&str> = corpus.iter().map(|file| file.name).collect();
    let contents: HashSet<&[u8]> = corpus.iter().map(|file| file.bytes.as_slice()).collect();
    assert!(corpus.len() >= 40);
    assert_eq!((names.len(), contents.len()), (corpus.len(), corpus.len()));
    assert!(!contents.contains(hostile::valid().as_slice()));
    let mentions = |file: &hostile::Hostile| file.must_mention.iter().all(|text| !text.is_empty());
    assert!(corpus.iter().all(mentions));
}
