//! `logits`: the array that anybody can compare with, from either side.

use engine_native::gguf::Gguf;
use half::f16;
use npyz::NpyFile;
use serde_json::json;

use crate::process::Workspace;

const WORDS: &str = "logits --model models/tiny.gguf --prompt-ids 7,100,3 --tokens 4 --format json";

#[test]
fn both_sides_write_the_same_bytes() {
    let workspace = Workspace::new();
    for kv_type in ["f16", "f32"] {
        let outputs = ["native", "guest"].map(|engine| {
            let output = format!("{engine}-{kv_type}.npy");
            let flags = format!("--engine {engine} --kv-type {kv_type} --output {output}");
            let ran = workspace.run(&format!("{WORDS} {flags}")).exits(0);
            (ran.json(), workspace.read(output))
        });
        assert_eq!(outputs[0].0, outputs[1].0, "tokens");
        assert!(outputs[0].1 == outputs[1].1, "arrays with {kv_type}");
    }
    // The comparison can fail: another cache type is another array.
    assert!(workspace.read("native-f16.npy") != workspace.read("native-f32.npy"));
}

#[test]
fn a_row_for_every_position_fed() {
    let workspace = Workspace::new();
    let ran = workspace.run(&format!("{WORDS} --output out.npy")).exits(0);
    let bytes = workspace.read("out.npy");
    let npy = NpyFile::new(&bytes[..]).unwrap();
    assert_eq!(npy.shape(), [6, 512]);
    let values: Vec<f32> = npy.into_vec().unwrap();
    let chosen: Vec<usize> = values.chunks(512).skip(2).map(argmax).collect();
    assert_eq!(
        ran.json(),
        json!({ "tokens": chosen }),
        "the first from row n_prompt − 1 on"
    );
}

/// Index of the largest value, the first of equal ones.
fn argmax(row: &[f32]) -> usize {
    (0..row.len())
        .rev()
        .max_by(|&a, &b| row[a].total_cmp(&row[b]))
        .unwrap()
}

#[test]
fn what_cannot_be_run_is_refused_on_both_sides() {
    let workspace = Workspace::new();
    for engine in ["native", "guest"] {
        let logits = |words: &str| {
            let common = format!("logits --model models/tiny.gguf --engine {engine}");
            workspace.run(&format!("{common} {words}"))
        };
        let out = "--output out.npy";
        let ran = logits(&format!("--prompt-ids 1,512 {out}"));
        ran.fails(2, &["prompt id", "found 512", "allowed 0 to 511"]);
        let ran = logits(&format!("--prompt-ids 1,2 --tokens 2048 {out}"));
        ran.fails(2, &["context", "2049", "2048"]);
        let ran = logits(&format!("--prompt-ids 1,2 --tokens 16777216 {out}"));
        ran.fails(2, &["context", "2048"]);
        logits("--prompt-ids 1 --output absent/out.npy").fails(5, &["absent/out.npy"]);
        logits(&format!("--prompt-ids 1 --tokens 0 {out}")).refuses_words(&["--tokens"]);
        logits(&format!("--prompt-ids 1,x {out}")).refuses_words(&["--prompt-ids"]);
    }
    assert_eq!(
        workspace.names("."),
        ["ci", "models"],
        "no array, nothing temporary"
    );
}

/// A logit that is computed and not finite ends a run on both sides, also where no token is chosen.
#[test]
fn a_logit_that_overflows_inside_the_prompt_ends_both_sides() {
    let workspace = Workspace::new();
    let mut file = workspace.read("models/tiny.gguf");
    overflow_after_token_500(&mut file);
    workspace.write("large.gguf", &file);
    for engine in ["native", "guest"] {
        let logits = |ids: &str| {
            let common = format!("logits -q --model large.gguf --engine {engine} --output out.npy");
            workspace.run(&format!("{common} --prompt-ids {ids}"))
        };
        logits("100,250,500,250,100").fails(1, &["position 2", "output", "0x7f800000"]);
        assert_eq!(workspace.names("."), ["ci", "large.gguf", "models"]);
        logits("100,250,250,100").exits(0);
        std::fs::remove_file(workspace.path("out.npy")).unwrap();
    }
}

/// Makes embeddings and the last norm so large that the largest logit after token 500 is 5 % above the
/// largest f32, and those after 100 and 250 are below it.
fn overflow_after_token_500(file: &mut [u8]) {
    let header = Gguf::parse(file).unwrap();
    for tensor in header.tensors {
        let bytes = &mut file[tensor.in_memory()];
        match &*tensor.name {
            "token_embd.weight" => bytes.as_chunks_mut().0.iter_mut().for_each(|x| {
                let larger = f16::from_le_bytes(*x).to_f32() * 1024.0;
                *x = f16::from_f32(larger).to_le_bytes();
            }),
            "output_norm.weight" => bytes.as_chunks_mut().0.iter_mut().for_each(|x| {
                *x = (f32::from_le_bytes(*x) * 8.77e33).to_le_bytes();
            }),
            _ => {}
        }
    }
}

/// An activation of a grouped product that is too large for its scale ends a run on both sides at the same
/// operation. No logit of such a matrix can overflow.
#[test]
fn a_scale_that_overflows_ends_both_sides() {
    let workspace = Workspace::new();
    let words = "make-model qwen3-tiny --weights pq2_0 --output qwen3.gguf";
    workspace.run(words).exits(0);
    let file = workspace.read("qwen3.gguf");
    for (factors, place, op) in [
        (
            &[("blk.1.attn_norm.weight", 1e9)][..],
            "layer 1, op attn_qkv_quantize",
            "layer 1, attn_qkv_quantize",
        ),
        (
            &[
                ("blk.1.attn_norm.weight", 1e5),
                ("blk.1.attn_v.weight", 1e4),
            ],
            "layer 1, op attn_output_quantize",
            "layer 1, attn_output_quantize",
        ),
        (
            &[("blk.1.ffn_norm.weight", 1e9)],
            "layer 1, op ffn_gate_up_quantize",
            "layer 1, ffn_gate_up_quantize",
        ),
        (
            &[("blk.1.ffn_norm.weight", 1e5)],
            "layer 1, op ffn_down_quantize",
            "layer 1, ffn_down_quantize",
        ),
        (
            &[("output_norm.weight", 1e9)],
            "op output_quantize",
            "output rows from 0",
        ),
    ] {
        let mut large = file.clone();
        for (tensor, factor) in factors {
            multiply(&mut large, tensor, *factor);
        }
        workspace.write("large.gguf", &large);
        for (engine, place) in [("native", place), ("guest", op)] {
            let words = "logits -q --model large.gguf --kv-type f32 --output out.npy";
            let ran = workspace.run(&format!("{words} --prompt-ids 9,5 --engine {engine}"));
            let place = format!("position 0, {place}: ");
            ran.fails(1, &[&place]);
        }
    }
    let words = "logits --model qwen3.gguf --prompt-ids 9,5 --output out.npy";
    workspace.run(words).exits(0);
}

/// Makes a norm, or the scales of a PQ2_0 tensor, larger.
fn multiply(file: &mut [u8], name: &str, factor: f32) {
    let header = Gguf::parse(file).unwrap();
    let mut tensors = header.tensors.iter();
    let tensor = tensors.find(|tensor| tensor.name == name).unwrap();
    let bytes = &mut file[tensor.in_memory()];
    match tensor.dims.len() {
        1 => bytes.as_chunks_mut().0.iter_mut().for_each(|x| {
            *x = (f32::from_le_bytes(*x) * factor).to_le_bytes();
        }),
        _ => bytes.as_chunks_mut::<34>().0.iter_mut().for_each(|block| {
            let scale = f16::from_le_bytes([block[0], block[1]]).to_f32() * factor;
            block[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
        }),
    }
}
