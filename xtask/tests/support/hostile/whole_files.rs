//! Files that people have: parts of models, other kinds of files, and layouts that look like a known one.

use xtask::make_model::gguf_writer::{F32, GgufHeader, I2_S, Value};

use super::base::Base;
use super::{Hostile, case};

pub(super) fn parts_and_other_kinds(base: &Base) -> Vec<Hostile> {
    let with = |key: &str, value| base.with_key(key, value);
    let text = |text: &str| Value::String(text.to_owned());
    let kind = |kind: &str| with("general.type", text(kind));
    let architecture = |name: &str| with("general.architecture", text(name));
    let mut later_part = GgufHeader::default();
    later_part.push_key("split.no", Value::U32(1));
    later_part.push_key("split.count", Value::U32(3));
    vec![
        case(
            "the first file of two",
            with("split.count", Value::U32(2)),
            &["split.count", "file 1 of", "2", "--merge"],
        ),
        case(
            "the second file of three",
            later_part.to_bytes(),
            &["split.count", "file 2 of", "3", "--merge"],
        ),
        case(
            "a number of files as a float",
            with("split.count", Value::F32(1.0)),
            &["split.count"],
        ),
        case(
            "a Hadamard transform",
            with("prism.hadamard.block_size", Value::U32(1024)),
            &["prism.hadamard.block_size", "Hadamard"],
        ),
        case("an adapter", kind("adapter"), &["general.type", "adapter"]),
        case("an imatrix", kind("imatrix"), &["general.type", "imatrix"]),
        case(
            "a vision tower",
            kind("mmproj"),
            &["general.type", "mmproj"],
        ),
        case("a vocabulary", kind("vocab"), &["general.type", "vocab"]),
        case("qwen35", architecture("qwen35"), &["qwen35", "delta-net"]),
        case("maple", architecture("maple"), &["maple", "experts"]),
        case("gemma3", architecture("gemma3"), &["gemma3", "norms"]),
        case("clip", architecture("clip"), &["clip", "vision"]),
        case("bert", architecture("bert"), &["bert", "embedding model"]),
        case(
            "an architecture that is not UTF-8",
            base.with_key(
                "general.architecture",
                Value::Raw {
                    type_id: 8,
                    bytes: [&2u64.to_le_bytes()[..], b"\xc3\x28"].concat(),
                },
            ),
            &["general.architecture", "UTF-8"],
        ),
    ]
}

pub(super) fn settings(base: &Base) -> Vec<Hostile> {
    let with = |key: &str, value| base.with_key(&format!("bitnet-b1.58.{key}"), value);
    let layout = Value::String("Meta AI original pth".into());
    vec![
        case(
            "experts",
            with("expert_count", Value::U32(8)),
            &["expert_count"],
        ),
        case(
            "experts below zero",
            with(
                "expert_count",
                Value::Raw {
                    type_id: 5,
                    bytes: (-1i32).to_le_bytes().to_vec(),
                },
            ),
            &["expert_count"],
        ),
        case(
            "attention in both directions",
            with("attention.causal", Value::Bool(false)),
            &["attention.causal"],
        ),
        case(
            "an embedding model",
            with("pooling_type", Value::U32(3)),
            &["pooling_type"],
        ),
        case(
            "scaled logits",
            with("logit_scale", Value::F32(0.5)),
            &["logit_scale"],
        ),
        case(
            "another order of rows",
            with("tensor_data_layout", layout),
            &["tensor_data_layout"],
        ),
        case(
            "a setting of unknown meaning",
            with("swin_norm", Value::Bool(false)),
            &["swin_norm"],
        ),
    ]
}

pub(super) fn foreign_tensors(base: &Base) -> Vec<Hostile> {
    const NAME: &str = "blk.1.attn_v.weight";
    const N_WEIGHTS: u64 = 128 * 64;
    let of_type = |type_id| base.with_type(NAME, type_id, N_WEIGHTS / 4);
    let with = |name: &str| base.with_header(|header| header.push_tensor(name, &[1], F32, 4));
    vec![
        case("TL1", of_type(38), &[NAME, "TL1"]),
        case("TL2", of_type(39), &[NAME, "TL2", "MXFP4"]),
        case("I8_S", of_type(37), &[NAME, "I8_S"]),
        case("Q1_0", of_type(41), &[NAME, "Q1_0"]),
        case("IQ1_BN", of_type(134), &[NAME, "IQ1_BN"]),
        case("IQ2_BN", of_type(135), &[NAME, "IQ2_BN"]),
        case("NVFP4", of_type(40), &[NAME, "NVFP4"]),
        case(
            "a scale in a tensor of its own",
            with("blk.0.attn_k.scale"),
            &["blk.0.attn_k.scale", "scale"],
        ),
    ]
}

pub(super) fn places(base: &Base) -> Vec<Hostile> {
    const NAME: &str = "blk.1.attn_v.weight";
    const N_WEIGHTS: u64 = 128 * 64;
    let behind = |n: usize| [base.bytes(), vec![0; n]].concat();
    let of_bytes = |type_id, n_bytes| base.with_type(NAME, type_id, n_bytes);
    vec![
        case("a byte behind the last tensor", behind(1), &["no tensor"]),
        case("bytes behind the last tensor", behind(4096), &["no tensor"]),
        // One f32 for each of 64 rows instead of 32 bytes.
        case(
            "I2_S with a scale for each row",
            of_bytes(I2_S, N_WEIGHTS / 4 + 4 * 64),
            &["no tensor"],
        ),
        case(
            "the first tensor behind a gap",
            [
                base.with_header(|header| {
                    for tensor in &mut header.tensors {
                        tensor.offset += 32;
                    }
                }),
                vec![0; 32],
            ]
            .concat(),
            &["header"],
        ),
        case(
            "Q2_0 of neither size",
            of_bytes(42, N_WEIGHTS / 64 * 18 + 32),
            &["type 42", "neither", "64 weights in 18", "128 in 34"],
        ),
        // The last tensor ends within the padding of both.
        case(
            "Q2_0 of either size",
            base.with_other(NAME, &[128, 1], 42, 36),
            &["type 42", "both", "64 weights in 18", "128 in 34"],
        ),
        case(
            "PQ2_0 of the size of Q2_0",
            of_bytes(142, N_WEIGHTS / 64 * 18),
            &[NAME],
        ),
        case(
            "PTQ1_0 of the size of TQ1_0",
            of_bytes(143, N_WEIGHTS / 256 * 54),
            &[NAME],
        ),
    ]
}

/// Bytes that start no GGUF file.
pub(super) fn other_formats() -> Vec<Hostile> {
    let padded = |start: &[u8]| [start, &[b' '; 4096]].concat();
    let safetensors = [&64u64.to_le_bytes()[..], b"{\"__metadata__\":{}}"].concat();
    vec![
        case("safetensors", padded(&safetensors), &["GGUF"]),
        case("PyTorch", padded(b"PK\x03\x04"), &["GGUF"]),
        case("a pickle", padded(b"\x80\x02}q\0"), &["GGUF"]),
        case("GGJT", padded(b"tjgg\x03\0\0\0"), &["GGUF"]),
        case("HTML", padded(b"<!DOCTYPE html><html>"), &["GGUF"]),
        case(
            "a git-LFS pointer",
            padded(b"version https://git-lfs.github.com/spec/v1\n"),
            &["GGUF"],
        ),
        case("noise", padded(b"\x07\x51\x22\x93"), &["GGUF"]),
    ]
}
