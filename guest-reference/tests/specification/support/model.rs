//! A small random model that obeys every rule of the format. Its sizes differ, so that a mix-up
//! shows.

use std::sync::LazyLock;

use super::gguf::{F16, F32, Gguf, I2_S, Value};
use super::random::Random;

pub const ARCHITECTURE: &str = "bitnet-b1.58";
pub const N_LAYERS: usize = 2;
pub const N_VOCAB: u64 = 40;
pub const CONTEXT: usize = 16;
const N_EMBD: u64 = 128;
const N_QUERY: u64 = 256;
const N_KEY: u64 = 128;
const HEAD_DIM: u64 = 64;
const N_FF: u64 = 384;

/// The key under the architecture's prefix.
pub fn key(name: &str) -> String {
    format!("{ARCHITECTURE}.{name}")
}

/// 128 wide, 4 query heads over 2 KV heads of 64, 384 wide in the FFN, tied F16 embedding.
pub fn small() -> Gguf {
    SMALL.clone()
}

/// Made once: an interpreter takes seconds for its weights.
static SMALL: LazyLock<Gguf> = LazyLock::new(|| {
    let mut file = Gguf::new();
    add_keys(&mut file);
    let random = &mut Random::new(0x1d2f_0a37);
    let embedding = halves(random, N_EMBD * N_VOCAB);
    file.push_tensor("token_embd.weight", &[N_EMBD, N_VOCAB], F16, embedding);
    for layer in 0..N_LAYERS {
        add_layer(&mut file, layer, random);
    }
    file.push_tensor("output_norm.weight", &[N_EMBD], F32, norm(random, N_EMBD));
    file
});

/// The same with a separate F32 output matrix.
pub fn untied() -> Gguf {
    let mut file = small();
    let random = &mut Random::new(99);
    let output = (0..N_EMBD * N_VOCAB).flat_map(|_| random.float().to_le_bytes());
    file.push_tensor("output.weight", &[N_EMBD, N_VOCAB], F32, output.collect());
    file
}

/// The small model as one of another architecture: other keys, and the norms that it has.
pub fn as_architecture(mut file: Gguf, name: &str) -> Gguf {
    file.set("general.architecture", Value::text(name));
    for (key, _) in &mut file.keys {
        if let Some(own) = key.strip_prefix(ARCHITECTURE.as_bytes()) {
            *key = [name.as_bytes(), own].concat();
        }
    }
    if matches!(name, "llama" | "qwen3") {
        file.tensors
            .retain(|t| !t.name.ends_with(b"sub_norm.weight"));
    }
    if name == "qwen3" {
        let random = &mut Random::new(0x9e);
        for layer in 0..N_LAYERS {
            for part in ["attn_q_norm", "attn_k_norm"] {
                let name = format!("blk.{layer}.{part}.weight");
                file.push_tensor(&name, &[HEAD_DIM], F32, norm(random, HEAD_DIM));
            }
        }
    }
    file
}

fn add_keys(file: &mut Gguf) {
    file.push_key("general.architecture", Value::text(ARCHITECTURE));
    file.push_key("tokenizer.ggml.tokens", Value::array(8, 0, &[]));
    let sizes = [
        ("vocab_size", N_VOCAB),
        ("context_length", CONTEXT as u64),
        ("embedding_length", N_EMBD),
        ("block_count", N_LAYERS as u64),
        ("feed_forward_length", N_FF),
        ("rope.dimension_count", 32),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
        ("attention.key_length", 64),
        ("attention.value_length", 64),
    ];
    for (name, n) in sizes {
        file.push_key(key(name), Value::u32(n as u32));
    }
    file.push_key(key("rope.freq_base"), Value::f32(10_000.0));
    file.push_key(key("attention.layer_norm_rms_epsilon"), Value::f32(1e-5));
}

fn add_layer(file: &mut Gguf, layer: usize, random: &mut Random) {
    let name = |part: &str| format!("blk.{layer}.{part}.weight");
    let norms = [
        ("attn_norm", N_EMBD),
        ("attn_sub_norm", N_QUERY),
        ("ffn_norm", N_EMBD),
        ("ffn_sub_norm", N_FF),
    ];
    for (part, len) in norms {
        file.push_tensor(&name(part), &[len], F32, norm(random, len));
    }
    let matrices = [
        ("attn_q", N_QUERY, N_EMBD),
        ("attn_k", N_KEY, N_EMBD),
        ("attn_v", N_KEY, N_EMBD),
        ("attn_output", N_EMBD, N_QUERY),
        ("ffn_gate", N_FF, N_EMBD),
        ("ffn_up", N_FF, N_EMBD),
        ("ffn_down", N_EMBD, N_FF),
    ];
    for (part, rows, cols) in matrices {
        let data = ternary(random, rows * cols);
        file.push_tensor(&name(part), &[cols, rows], I2_S, data);
    }
}

fn halves(random: &mut Random, n: u64) -> Vec<u8> {
    (0..n).flat_map(|_| random.half().to_le_bytes()).collect()
}

fn norm(random: &mut Random, n: u64) -> Vec<u8> {
    (0..n)
        .flat_map(|_| (1.0 + 0.3 * random.float()).to_le_bytes())
        .collect()
}

/// `n` random weights, a scale near 0.07 and padding that is not zero.
pub fn ternary(random: &mut Random, n: u64) -> Vec<u8> {
    let mut data: Vec<u8> = (0..n / 4).map(|_| random.codes()).collect();
    let scale = 0.07 + 0.01 * random.float();
    data.extend(scale.to_le_bytes());
    data.resize(data.len() + 28, 0x5a);
    data
}
