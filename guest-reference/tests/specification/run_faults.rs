//! Values that become non-finite during a run: the error names position, layer and operation, and
//! the run's state stays as it was.

use guest_reference::attention::KvType;

use crate::support::bits::bits;
use crate::support::gguf::{F32, Gguf};
use crate::support::host::Host;
use crate::support::model::{N_VOCAB, small};
use crate::support::rejection::assert_non_finite;

/// The small model with another scale in one projection.
fn scaled(name: &str, scale: f32) -> Gguf {
    let mut file = small();
    let data = &mut file.tensor(name).data;
    let at = data.len() - 32;
    data[at..at + 4].copy_from_slice(&scale.to_le_bytes());
    file
}

/// Position 0 through layer 0 undamaged, then asserts that layer 1 fails in `needles`.
#[track_caller]
fn assert_layer_fails(file: &Gguf, kv_type: KvType, needles: &[&str]) {
    let mut host = Host::new(file.bytes(), kv_type, 2);
    host.embed(0, 9).expect("finite");
    host.load_layer(0).expect("sound");
    host.runner.layer(0).expect("finite");
    host.load_layer(1).expect("sound");
    let before = bits(host.runner.residual(0).expect("in range"));
    // Twice: a failed layer counts no position and leaves the residual stream alone.
    for _ in 0..2 {
        assert_non_finite(host.runner.layer(0), needles);
        assert_eq!(bits(host.runner.residual(0).expect("in range")), before);
    }
}

#[test]
fn attention_scores() {
    let file = scaled("blk.1.attn_q.weight", 3e38);
    let needles = [
        "position 0, layer 1, attention:",
        "attention score of position [0]",
    ];
    assert_layer_fails(&file, KvType::F32, &needles);
}

#[test]
fn keys_and_values_that_an_f16_cache_cannot_hold() {
    let file = scaled("blk.1.attn_k.weight", 1e10);
    let needles = ["position 0, layer 1, rope_k:", "key in an f16 cache"];
    assert_layer_fails(&file, KvType::F16, &needles);
    let file = scaled("blk.1.attn_v.weight", 1e10);
    let needles = ["position 0, layer 1, rope_k:", "value in an f16 cache"];
    assert_layer_fails(&file, KvType::F16, &needles);
}

#[test]
fn sums_of_squares() {
    let cases = [
        ("attn_v", "attn_sub_norm"),
        ("attn_output", "ffn_norm"),
        ("ffn_gate", "ffn_sub_norm"),
    ];
    for (part, op) in cases {
        let file = scaled(&format!("blk.1.{part}.weight"), 1e30);
        let place = format!("position 0, layer 1, {op}:");
        assert_layer_fails(&file, KvType::F32, &[&place, "sum of squares"]);
    }
}

#[test]
fn elements_that_enter_quantization() {
    let cases = [
        ("attn_norm", "attn_qkv_quantize"),
        ("attn_sub_norm", "attn_output_quantize"),
        ("ffn_norm", "ffn_gate_up_quantize"),
        ("ffn_sub_norm", "ffn_down_quantize"),
    ];
    for (part, op) in cases {
        let mut file = small();
        let data = &mut file.tensor(&format!("blk.1.{part}.weight")).data;
        let len = data.len() / 4;
        *data = f32::MAX.to_le_bytes().repeat(len);
        let place = format!("position 0, layer 1, {op}:");
        assert_layer_fails(&file, KvType::F32, &[&place, "element ["]);
    }
}

#[test]
fn hidden_elements() {
    let mut file = small();
    file.tensor("output_norm.weight").data = f32::MAX.to_le_bytes().repeat(128);
    let mut host = Host::new(file.bytes(), KvType::F32, 1);
    host.embed(0, 9).expect("finite");
    host.load_head(0).expect("sound");
    let needles = ["position 0, output_norm:", "hidden element ["];
    assert_non_finite(host.runner.head_norm(0), &needles);
    assert!(host.runner.head_rows(0).is_err(), "no choice was started");
}

#[test]
fn the_final_sum_of_squares() {
    // A layer's output is not normalized before it is added to the stream.
    let mut host = Host::new(
        scaled("blk.0.ffn_down.weight", 1e30).bytes(),
        KvType::F32,
        1,
    );
    host.embed(0, 9).expect("finite");
    host.load_layer(0).expect("sound");
    host.runner.layer(0).expect("finite");
    host.load_head(0).expect("sound");
    let needles = ["position 0, output_norm:", "sum of squares"];
    assert_non_finite(host.runner.head_norm(0), &needles);
}

#[test]
fn logits() {
    let mut file = small();
    let output = f32::MAX.to_le_bytes().repeat(128 * N_VOCAB as usize);
    file.push_tensor("output.weight", &[128, N_VOCAB], F32, output);
    file.tensor("output_norm.weight").data = 1.5f32.to_le_bytes().repeat(128);
    let mut host = Host::new(file.bytes(), KvType::F32, 1);
    host.embed(0, 9).expect("finite");
    host.load_head(0).expect("sound");
    host.runner.head_norm(0).expect("finite");
    let needles = ["position 0, output rows from 0:", "logit of loaded row [0]"];
    assert_non_finite(host.runner.head_rows(0), &needles);
    assert!(host.runner.choice(0).is_err(), "no row was chosen");
}
