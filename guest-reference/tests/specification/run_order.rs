//! The bits do not depend on the order in which a run is driven.

use guest_reference::attention::KvType;
use guest_reference::error::Result;
use guest_reference::head::CHUNK_BYTES;
use guest_reference::op::{OPS, Op, OpOutputs, OpView};

use crate::support::bits::bits;
use crate::support::gguf::{F32, Gguf};
use crate::support::host::{Host, Trace};
use crate::support::model::{N_LAYERS, N_VOCAB, as_architecture, small, untied};

const TOKENS: [usize; 9] = [3, 39, 0, 17, 17, 8, 21, 5, 30];

fn host(file: &Gguf, kv_type: KvType) -> Host {
    Host::new(file.bytes(), kv_type, TOKENS.len())
}

/// Each position through every layer before the next one.
fn position_major(file: &Gguf, kv_type: KvType) -> Result<Trace> {
    let (mut host, mut trace) = (host(file, kv_type), Trace::default());
    for (position, &token) in TOKENS.iter().enumerate() {
        host.embed(position, token)?;
        for layer in 0..N_LAYERS {
            host.load_layer(layer)?;
            host.runner.layer(position)?;
        }
        host.head(position, &mut trace)?;
    }
    Ok(trace)
}

/// All positions through each layer before the next one; caches are dropped on the way.
fn layer_major(file: &Gguf, kv_type: KvType) -> Result<Trace> {
    let (mut host, mut trace) = (host(file, kv_type), Trace::default());
    for (position, &token) in TOKENS.iter().enumerate() {
        host.embed(position, token)?;
    }
    for layer in 0..N_LAYERS {
        host.load_layer(layer)?;
        (0..TOKENS.len()).try_for_each(|position| host.runner.layer(position))?;
        host.runner.release_layer(layer)?;
    }
    (0..TOKENS.len()).try_for_each(|position| host.head(position, &mut trace))?;
    Ok(trace)
}

#[test]
fn position_major_equals_layer_major() {
    for file in [small(), untied()] {
        for kv_type in [KvType::F32, KvType::F16] {
            let by_position = position_major(&file, kv_type).expect("finite");
            assert_eq!(by_position, layer_major(&file, kv_type).expect("finite"));
            assert_eq!(by_position.choices.len(), TOKENS.len());
        }
    }
}

#[test]
fn positions_differ_and_so_do_cache_types() {
    let trace = position_major(&small(), KvType::F32).expect("finite");
    // The same token at two positions.
    assert_ne!(trace.hidden[3], trace.hidden[4]);
    let rounded = position_major(&small(), KvType::F16).expect("finite");
    assert_ne!(trace.hidden, rounded.hidden);
}

#[test]
fn choices_are_the_largest_logits() {
    let trace = position_major(&small(), KvType::F16).expect("finite");
    for (logits, &(token, bits)) in trace.logits.iter().zip(&trace.choices) {
        let logit = |row: usize| f32::from_bits(logits[row]);
        assert_eq!(logits.len() as u64, N_VOCAB);
        assert_eq!(logit(token).to_bits(), bits);
        assert!((0..token).all(|row| logit(row) < logit(token)));
        assert!((token..logits.len()).all(|row| logit(row) <= logit(token)));
    }
}

#[test]
fn an_output_matrix_equal_to_the_embedding_changes_nothing() {
    let tied = small();
    let mut separate = tied.clone();
    let mut output = separate.tensor("token_embd.weight").clone();
    output.name = b"output.weight".to_vec();
    separate.tensors.push(output);
    let found = position_major(&separate, KvType::F16).expect("finite");
    assert_eq!(found, position_major(&tied, KvType::F16).expect("finite"));
}

#[test]
fn operation_outputs_have_their_shapes_and_end_in_the_residual() {
    for name in ["bitnet-b1.58", "llama", "qwen3"] {
        let mut host = host(&as_architecture(small(), name), KvType::F16);
        host.embed(0, 11).expect("finite");
        host.load_layer(0).expect("sound");
        host.runner.layer(0).expect("finite");
        let outputs = host.runner.outputs();
        for (i, (op, name)) in OPS.into_iter().enumerate() {
            let (view, quantized) = (outputs.view(op), name.ends_with("quantize"));
            assert_eq!((op as usize, op.name()), (i, name));
            assert_eq!(view.width(), if quantized { 1 } else { 4 }, "{name}");
        }
        assert_shapes(outputs, name == "bitnet-b1.58", name == "qwen3");
        let residual = host.runner.residual(0).expect("in range");
        assert_eq!(outputs.view(Op::FfnResidual), OpView::F32(residual));
    }
}

fn assert_shapes(outputs: &OpOutputs, sub_norms: bool, head_norms: bool) {
    for (op, name) in OPS {
        let elements = match op {
            Op::AttnSubNorm | Op::FfnSubNorm if !sub_norms => 0,
            Op::AttnQNorm | Op::AttnKNorm if !head_norms => 0,
            Op::AttnQ | Op::AttnQNorm | Op::RopeQ | Op::Attention => 256,
            Op::AttnSubNorm | Op::AttnOutputQuantize => 256,
            Op::FfnGate | Op::FfnUp | Op::FfnActivation => 384,
            Op::FfnSubNorm | Op::FfnDownQuantize => 384,
            _ => 128,
        };
        assert_eq!(outputs.view(op).elements(), elements, "{name}");
    }
}

/// The small model with so many F32 embedding rows that the matrix takes two chunks.
///
/// All rows are zero, except those in `marked`, which hold the same small number everywhere.
fn with_two_chunks(n_rows: usize, marked: &[usize]) -> Gguf {
    let mut file = small();
    let embedding = file.tensor("token_embd.weight");
    embedding.type_id = F32;
    embedding.dims[1] = n_rows as u64;
    embedding.data = vec![0; n_rows * 512];
    for &row in marked {
        embedding.data[row * 512..][..512].copy_from_slice(&0.5f32.to_le_bytes().repeat(128));
    }
    file.set(
        &crate::support::model::key("vocab_size"),
        crate::support::gguf::Value::u32(n_rows as u32),
    );
    file
}

#[test]
fn a_choice_spans_chunks_and_keeps_the_lowest_row() {
    let rows_per_chunk = CHUNK_BYTES / 512;
    let marked = [rows_per_chunk - 1, rows_per_chunk, rows_per_chunk + 5];
    for first in 0..marked.len() {
        let file = with_two_chunks(rows_per_chunk + 6, &marked[first..]);
        let mut host = Host::new(file.bytes(), KvType::F16, 1);
        assert_eq!(host.runner.n_chunks(), 2);
        let mut trace = Trace::default();
        host.embed(0, marked[2]).expect("finite");
        host.head(0, &mut trace).expect("finite");
        let positive = f32::from_bits(trace.choices[0].1) > 0.0;
        assert_eq!((trace.choices[0].0, positive), (marked[first], true));
        let nonzero = trace.logits[0].iter().filter(|&&bits| bits != 0).count();
        assert_eq!(nonzero, marked.len() - first);
    }
}

#[test]
fn a_run_can_start_over_after_its_caches_are_released() {
    let mut host = host(&small(), KvType::F16);
    let mut run = || -> Result<Vec<u32>> {
        for layer in 0..N_LAYERS {
            host.runner.release_layer(layer)?;
        }
        for (position, &token) in TOKENS.iter().enumerate() {
            host.embed(position, token)?;
            for layer in 0..N_LAYERS {
                host.load_layer(layer)?;
                host.runner.layer(position)?;
            }
        }
        host.runner.residual(TOKENS.len() - 1).map(bits)
    };
    let first = run().expect("finite");
    assert_eq!(run().expect("finite"), first);
}
