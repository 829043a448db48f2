//! What each architecture does with the same weights.

use guest_reference::attention::KvType;
use guest_reference::error::Result;
use guest_reference::op::{Op, OpView};

use crate::support::bits::bits;
use crate::support::gguf::{F16, F32, Gguf, Value};
use crate::support::host::Host;
use crate::support::model::{as_architecture, key, small};
use crate::support::rejection::{assert_malformed, assert_non_finite, assert_unsupported, parse};

/// A host whose positions 0 and 1 went through layer 0.
fn host(file: &Gguf) -> Result<Host> {
    let mut host = Host::new(file.bytes(), KvType::F32, 2);
    host.load_layer(0)?;
    for position in 0..2 {
        host.embed(position, 20 + position)?;
        host.runner.layer(position)?;
    }
    Ok(host)
}

fn output(host: &Host, op: Op) -> Vec<f32> {
    match host.runner.outputs().view(op) {
        OpView::F32(values) => values.to_vec(),
        OpView::I8(values) => values.iter().map(|&q| q.into()).collect(),
    }
}

fn with_factors(factors: &[f32]) -> Gguf {
    let mut file = as_architecture(small(), "llama");
    let data = factors.iter().flat_map(|f| f.to_le_bytes()).collect();
    file.push_tensor("rope_freqs.weight", &[factors.len() as u64], F32, data);
    file
}

#[test]
fn names_alone_change_nothing() {
    let expected = host(&small()).expect("finite");
    let found = host(&as_architecture(small(), "bitnet-25")).expect("finite");
    let residual = |host: &Host| bits(host.runner.residual(1).expect("in range"));
    assert_eq!(residual(&found), residual(&expected));
    let silu = host(&as_architecture(small(), "bitnet")).expect("finite");
    assert_ne!(residual(&silu), residual(&expected));
}

#[test]
fn activations() {
    for (name, silu) in [
        ("bitnet-b1.58", false),
        ("bitnet-25", false),
        ("bitnet", true),
        ("llama", true),
        ("qwen3", true),
    ] {
        let host = host(&as_architecture(small(), name)).expect("finite");
        let (gate, up) = (output(&host, Op::FfnGate), output(&host, Op::FfnUp));
        for ((g, up), y) in gate.iter().zip(up).zip(output(&host, Op::FfnActivation)) {
            let (g, up) = (f64::from(*g), f64::from(up));
            let expected = match silu {
                true => g / (1.0 + (-g).exp()) * up,
                false => g.max(0.0) * g.max(0.0) * up,
            };
            let tolerance = 1e-6 * expected.abs() + 1e-30;
            assert!(
                (f64::from(y) - expected).abs() <= tolerance,
                "{name}: {g} {up} {y}"
            );
        }
    }
}

#[test]
fn without_sub_norms_their_inputs_are_quantized() {
    for name in ["llama", "qwen3"] {
        let host = host(&as_architecture(small(), name)).expect("finite");
        for (norm, input, quantized) in [
            (Op::AttnSubNorm, Op::Attention, Op::AttnOutputQuantize),
            (Op::FfnSubNorm, Op::FfnActivation, Op::FfnDownQuantize),
        ] {
            assert!(output(&host, norm).is_empty());
            let input = output(&host, input);
            let largest = input.iter().fold(0f32, |m, x| m.max(x.abs()));
            for (x, q) in input.iter().zip(output(&host, quantized)) {
                assert!((x * (127.0 / largest) - q).abs() <= 0.5);
            }
        }
    }
}

#[test]
fn head_norms_normalize_each_head_before_it_turns() {
    let file = as_architecture(small(), "qwen3");
    let found = host(&file).expect("finite");
    let projections = [
        (Op::AttnQ, Op::AttnQNorm, "attn_q_norm"),
        (Op::AttnK, Op::AttnKNorm, "attn_k_norm"),
    ];
    for (op, norm, part) in projections {
        let mut file = file.clone();
        let weights = &file.tensor(&format!("blk.0.{part}.weight")).data;
        let weights: Vec<f32> = weights
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let (before, after) = (output(&found, op), output(&found, norm));
        assert_eq!(before.len(), after.len());
        for (x, y) in before.chunks(64).zip(after.chunks(64)) {
            let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let r = 1.0 / (squares / 64.0 + 1e-5).sqrt();
            for ((&x, &y), &w) in x.iter().zip(y).zip(&weights) {
                let expected = f64::from(x) * r * f64::from(w);
                assert!((f64::from(y) - expected).abs() < 1e-5, "{part}: {x} {y}");
            }
        }
    }
    // What turns at position 1 is the normalized key; past the rotary dimension it stays.
    let (before, after) = (output(&found, Op::AttnKNorm), output(&found, Op::RopeK));
    assert_eq!(before[32..64], after[32..64]);
    let query = (output(&found, Op::AttnQNorm), output(&found, Op::RopeQ));
    assert_eq!(query.0[3 * 64 + 32..], query.1[3 * 64 + 32..]);
}

#[test]
fn head_norms_belong_to_their_architecture() {
    for part in ["attn_q_norm", "attn_k_norm"] {
        let name = format!("blk.1.{part}.weight");
        let mut file = as_architecture(small(), "qwen3");
        let tensor = file.tensor(&name);
        // One weight for each element of all heads, as in other architectures.
        (tensor.dims, tensor.data) = (vec![256], vec![0; 1024]);
        assert_malformed(parse(&file), &[&name, "[256]", "[64]"]);
        file.remove_tensor(&name);
        assert_malformed(parse(&file), &[&format!("`{name}` is missing")]);
        for other in ["bitnet-b1.58", "llama"] {
            let mut file = as_architecture(small(), other);
            file.push_tensor(&name, &[64], F32, vec![0; 256]);
            let found = format!("`{name}` is not part of a `{other}` model");
            assert_unsupported(parse(&file), &[&found]);
        }
    }
    let mut file = as_architecture(small(), "qwen3");
    file.tensor("blk.0.attn_q_norm.weight").data[20..24].copy_from_slice(&f32::NAN.to_le_bytes());
    let needles = ["`blk.0.attn_q_norm.weight`: row 0, element 5 is NaN;"];
    assert_malformed(host(&file).map(|_| ()), &needles);
}

#[test]
fn a_head_whose_squares_overflow_is_named() {
    for (part, op, head) in [
        ("attn_q", "attn_q_norm", "[0]"),
        ("attn_k", "attn_k_norm", "[0]"),
    ] {
        let mut file = as_architecture(small(), "qwen3");
        let data = &mut file.tensor(&format!("blk.0.{part}.weight")).data;
        let at = data.len() - 32;
        data[at..at + 4].copy_from_slice(&1e25f32.to_le_bytes());
        let place = format!("position 0, layer 0, {op}: sum of squares {head} is inf");
        assert_non_finite(host(&file).map(|_| ()), &[&place]);
    }
}

#[test]
fn yarn_reaches_every_layer() {
    let plain = host(&as_architecture(small(), "qwen3")).expect("finite");
    let mut file = as_architecture(small(), "qwen3");
    file.push_key("qwen3.rope.scaling.type", Value::text("yarn"));
    file.push_key("qwen3.rope.scaling.factor", Value::f32(4.0));
    let original = "qwen3.rope.scaling.original_context_length";
    file.push_key(original, Value::u32(4096));
    let scaled = host(&file).expect("finite");
    let (before, after) = (output(&plain, Op::RopeK), output(&scaled, Op::RopeK));
    let magnitude = (0.1 * 4f64.ln() + 1.0) as f32;
    // Pair 0 is fast: it turns as before, but grows.
    for i in [0, 16] {
        assert!((after[i] - before[i] * magnitude).abs() < 1e-5);
    }
    assert_eq!(before[32..64], after[32..64], "past the rotary dimension");
}

#[test]
fn rotary_pairs() {
    for (name, pair) in [
        ("bitnet", (|j| (j, j + 16)) as fn(usize) -> (usize, usize)),
        ("llama", |j| (2 * j, 2 * j + 1)),
        ("qwen3", |j| (j, j + 16)),
    ] {
        let host = host(&as_architecture(small(), name)).expect("finite");
        let before = match name {
            "qwen3" => output(&host, Op::AttnKNorm),
            _ => output(&host, Op::AttnK),
        };
        let after = output(&host, Op::RopeK);
        for j in 0..16 {
            let (a, b) = pair(j);
            let theta = 10_000f64.powf(-(j as f64) / 16.0);
            let expected = f64::from(before[a]) * theta.cos() - f64::from(before[b]) * theta.sin();
            assert!(
                (f64::from(after[a]) - expected).abs() < 1e-4,
                "{name}, pair {j}"
            );
        }
        assert_eq!(before[32..64], after[32..64], "past the rotary dimension");
    }
}

#[test]
fn frequency_factors_reach_every_layer() {
    let plain = host(&as_architecture(small(), "llama")).expect("finite");
    let ones = host(&with_factors(&[1.0; 16])).expect("finite");
    let rope = |host: &Host| bits(&output(host, Op::RopeK));
    assert_eq!(rope(&ones), rope(&plain));
    // Frequency divided by 4 at every pair: what linear scaling by 4 does.
    let fours = host(&with_factors(&[4.0; 16])).expect("finite");
    let mut scaled = as_architecture(small(), "llama");
    scaled.push_key("llama.rope.scaling.type", Value::text("linear"));
    scaled.push_key("llama.rope.scaling.factor", Value::f32(4.0));
    let scaled = host(&scaled).expect("finite");
    assert_eq!(rope(&fours), rope(&scaled));
    assert_ne!(rope(&fours), rope(&plain));
    let mut halves = with_factors(&[]);
    let tensor = halves.tensor("rope_freqs.weight");
    (tensor.type_id, tensor.dims) = (F16, vec![16]);
    tensor.data = 0x4400u16.to_le_bytes().repeat(16);
    assert_eq!(rope(&host(&halves).expect("finite")), rope(&fours));
}

#[test]
fn refused_frequency_factors() {
    for bad in [0.0, -0.0, -1.0, f32::NAN, f32::INFINITY] {
        let mut factors = [1.0; 16];
        factors[9] = bad;
        let found = host(&with_factors(&factors)).map(|_| ());
        assert_malformed(found, &["tensor `rope_freqs.weight`:", "element 9 is "]);
    }
    assert_malformed(
        parse(&with_factors(&[1.0; 15])),
        &["`rope_freqs.weight`", "[15]", "[16]"],
    );
    let mut file = with_factors(&[1.0; 16]);
    file.tensor("rope_freqs.weight").type_id = 30;
    assert_unsupported(parse(&file), &["`rope_freqs.weight`: type 30 (BF16)"]);
    let mut file = small();
    file.push_tensor("rope_freqs.weight", &[16], F32, vec![0; 64]);
    assert_unsupported(
        parse(&file),
        &["`rope_freqs.weight` is not part of", "bitnet-b1.58"],
    );
}

#[test]
fn sub_norms_belong_to_their_architectures() {
    let mut file = as_architecture(small(), "llama");
    file.push_tensor("blk.0.ffn_sub_norm.weight", &[384], F32, vec![0; 1536]);
    let needles = ["`blk.0.ffn_sub_norm.weight` is not part of a `llama` model"];
    assert_unsupported(parse(&file), &needles);
    let mut file = as_architecture(small(), "bitnet");
    file.remove_tensor("blk.0.ffn_sub_norm.weight");
    assert_malformed(parse(&file), &["`blk.0.ffn_sub_norm.weight` is missing"]);
}

#[test]
fn only_keys_under_the_own_prefix_count() {
    let mut file = as_architecture(small(), "llama");
    file.push_key(key("expert_count"), Value::u32(1));
    parse(&file).expect("the keys of another architecture mean nothing");
    file.push_key("llama.expert_count", Value::u32(1));
    assert_unsupported(parse(&file), &["`llama.expert_count`"]);
}

#[test]
fn kv_heads_default_to_query_heads() {
    let mut file = as_architecture(small(), "llama");
    for (name, n) in [("head_count", 2), ("key_length", 64), ("value_length", 64)] {
        file.set(&format!("llama.attention.{name}"), Value::u32(n));
    }
    file.remove_key("llama.attention.head_count_kv");
    // Two heads of 64 are 128 wide: the query matrix has 256 rows.
    assert_malformed(
        parse(&file),
        &["`blk.0.attn_q.weight`", "[128, 256]", "[128, 128]"],
    );
}
