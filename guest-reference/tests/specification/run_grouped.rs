//! Runs with grouped ternary projections, embeddings and output matrices.

use guest_reference::attention::KvType;
use guest_reference::error::Result;
use guest_reference::half;
use guest_reference::head::CHUNK_BYTES;
use guest_reference::op::{Op, OpView};
use guest_reference::ops::grouped_product;
use guest_reference::ternary::{GroupedType, PackedMatrix, Scales};

use crate::support::bits::bits;
use crate::support::gguf::{F32, Gguf, Value};
use crate::support::grouped::{TYPES, push_grouped_matrix, row, with_grouped_projections};
use crate::support::host::{Host, Trace};
use crate::support::model::{N_VOCAB, as_architecture, small};
use crate::support::rejection::{assert_malformed, assert_non_finite, assert_unsupported, parse};

const SHAPE: [u64; 2] = [128, N_VOCAB];

/// A `qwen3` model with grouped projections and embedding, which is the output matrix too.
fn tied(grouped: (GroupedType, u32)) -> Gguf {
    let mut file = with_grouped_projections(as_architecture(small(), "qwen3"), grouped);
    push_grouped_matrix(&mut file, "token_embd.weight", grouped, SHAPE);
    file
}

/// The same with an F32 embedding of the same values, and the matrix as output matrix alone.
fn untied(grouped: (GroupedType, u32)) -> Gguf {
    let mut file = tied(grouped);
    push_grouped_matrix(&mut file, "output.weight", grouped, SHAPE);
    let values: Vec<u8> = (0..N_VOCAB as usize)
        .flat_map(|token| embedding_row(&file, token))
        .flat_map(f32::to_le_bytes)
        .collect();
    let embedding = file.tensor("token_embd.weight");
    (embedding.type_id, embedding.data) = (F32, values);
    file
}

fn embedding_row(file: &Gguf, token: usize) -> Vec<f32> {
    let mut host = Host::new(file.bytes(), KvType::F16, 1);
    host.embed(0, token).expect("sound");
    host.runner.residual(0).expect("in range").to_vec()
}

fn trace(file: &Gguf) -> Result<Trace> {
    let mut host = Host::new(file.bytes(), KvType::F16, 3);
    let mut trace = Trace::default();
    for (position, token) in [3, 39, 17].into_iter().enumerate() {
        host.embed(position, token)?;
        for layer in 0..2 {
            host.load_layer(layer)?;
            host.runner.layer(position)?;
        }
        host.head(position, &mut trace)?;
    }
    Ok(trace)
}

#[test]
fn the_bits_do_not_depend_on_the_type_or_on_tying() {
    let expected = trace(&tied(TYPES[0])).expect("finite");
    // The last is the older form of type 42.
    for grouped in TYPES.into_iter().chain([(GroupedType::Pq2_0, 42)]) {
        assert_eq!(
            trace(&tied(grouped)).expect("finite"),
            expected,
            "{grouped:?}"
        );
        let found = trace(&untied(grouped)).expect("finite");
        assert_eq!(found, expected, "{grouped:?}, untied");
    }
    let mut mixed = tied(TYPES[0]);
    for (name, grouped) in [("token_embd.weight", TYPES[2]), ("output.weight", TYPES[1])] {
        push_grouped_matrix(&mut mixed, name, grouped, SHAPE);
    }
    assert_eq!(trace(&mixed).expect("finite"), expected);
}

#[test]
fn projections_and_matrices_may_be_of_different_kinds() {
    let numbers = with_grouped_projections(as_architecture(small(), "llama"), TYPES[1]);
    let mut ternary = small();
    push_grouped_matrix(&mut ternary, "token_embd.weight", TYPES[1], SHAPE);
    for file in [numbers, ternary] {
        trace(&file).expect("finite");
    }
}

#[test]
fn an_embedding_is_weight_times_scale_with_its_sign() {
    let (grouped_type, type_id) = TYPES[0];
    let mut file = tied(TYPES[0]);
    let (mut weights, halves) = ([0; 128], [0x8000, 0x3800]);
    (weights[0], weights[2], weights[64], weights[66]) = (1, -1, 1, -1);
    let embedding = file.tensor("token_embd.weight");
    assert_eq!(embedding.type_id, type_id);
    let at = 7 * 36;
    embedding.data[at..at + 36].copy_from_slice(&row(grouped_type, &weights, &halves));
    let found = bits(&embedding_row(&file, 7));
    let minus_zero = (-0.0f32).to_bits();
    assert_eq!(found[..3], [minus_zero, minus_zero, 0]);
    assert_eq!(found[64..67], [0.5, 0.0, -0.5].map(f32::to_bits));
}

/// The model with so many rows that its output matrix takes two chunks.
#[test]
fn chunks_of_the_output_matrix() {
    let (grouped_type, type_id) = TYPES[2];
    // 32 bytes of codes and two scales.
    let first_chunk = CHUNK_BYTES / 40;
    let n_rows = first_chunk + 3;
    let mut file = tied(TYPES[2]);
    file.remove_key("qwen3.vocab_size");
    let embedding = file.tensor("token_embd.weight");
    let row_of = |r: usize| {
        let weights: Vec<i8> = (0..128).map(|c| ((r / 7 + c * 5) % 3) as i8 - 1).collect();
        row(grouped_type, &weights, &[0x3000 + (r % 512) as u16; 2])
    };
    (embedding.dims[1], embedding.type_id) = (n_rows as u64, type_id);
    embedding.data = (0..n_rows).flat_map(row_of).collect();
    let mut host = Host::new(file.bytes(), KvType::F16, 1);
    assert_eq!(host.runner.n_chunks(), 2);
    host.embed(0, n_rows - 1).expect("sound");
    let mut found = Trace::default();
    host.head(0, &mut found).expect("finite");
    assert_eq!(
        host.runner.loaded_rows().expect("loaded"),
        first_chunk..n_rows
    );

    let mut matrix = PackedMatrix::grouped(n_rows, 128).expect("small");
    let data = &file.tensor("token_embd.weight").data;
    matrix
        .load_grouped_rows(grouped_type, 0, data)
        .expect("valid");
    let hidden = host.runner.hidden(0).expect("in range");
    let (mut q, mut scales) = ([0; 128], [0.0; 4]);
    guest_reference::ops::quantize_blocks(hidden, &mut q, &mut scales).expect("finite");
    let mut x = guest_reference::fast::PackedActivations::with_capacity(128).expect("small");
    x.pack(&q);
    let (codes, mut expected) = (matrix.matrix().codes, vec![0.0; n_rows]);
    let Scales::OfGroups(d) = matrix.matrix().scales else {
        panic!("every group has a scale");
    };
    grouped_product(codes, d, &x, &scales, &mut expected);
    assert_eq!(found.logits[0], bits(&expected));

    // A refused row of the second chunk is named as a row of the tensor.
    let at = (first_chunk + 1) * 28 + 27;
    file.tensor("token_embd.weight").data[at] = 0x80 | 0x30;
    let mut host = Host::new(file.bytes(), KvType::F16, 1);
    host.load_head(0).expect("sound");
    let needle = format!(
        "`token_embd.weight`: row {}: block 0: scale is -",
        first_chunk + 1
    );
    assert_malformed(host.load_head(1), &[&needle]);
}

#[test]
fn refused_weights_are_named() {
    let mut file = tied(TYPES[1]);
    // Row 70 of 128 columns; its scale becomes negative.
    file.tensor("blk.1.attn_v.weight").data[70 * 34 + 1] |= 0x80;
    let mut host = Host::new(file.bytes(), KvType::F16, 1);
    host.load_layer(0).expect("sound");
    let needles = ["tensor `blk.1.attn_v.weight`: row 70: block 0: scale is -"];
    assert_malformed(host.load_layer(1), &needles);
    let mut file = tied(TYPES[1]);
    file.tensor("token_embd.weight").data[5 * 34 + 4] = 0xff;
    let mut host = Host::new(file.bytes(), KvType::F16, 1);
    host.load_embedding(4).expect("another row");
    let needles = [
        "tensor `token_embd.weight`: row 5: block 0: byte 2 (0xff)",
        "code 3",
    ];
    assert_malformed(host.load_embedding(5), &needles);
    assert_malformed(host.load_head(0), &needles);
}

#[test]
fn all_projections_are_grouped_or_none_is() {
    let parts = ["attn_q", "attn_k", "attn_output", "ffn_gate", "ffn_down"];
    for part in parts {
        for layer in [0, 1] {
            let name = format!("blk.{layer}.{part}.weight");
            let mut file = small();
            let tensor = file.tensor(&name);
            (tensor.type_id, tensor.data) = (
                142,
                vec![0; (tensor.dims[0] / 128 * 34 * tensor.dims[1]) as usize],
            );
            let found = "all projections of a file must be alike";
            assert_unsupported(parse(&file), &["`blk.", "a scale for every group", found]);
        }
    }
}

#[test]
fn columns_are_whole_groups() {
    for grouped in &TYPES[1..] {
        let mut file = tied(*grouped);
        for layer in 0..2 {
            file.tensor(&format!("blk.{layer}.ffn_down.weight")).dims[0] = 320;
            for part in ["ffn_gate", "ffn_up"] {
                file.tensor(&format!("blk.{layer}.{part}.weight")).dims[1] = 320;
            }
        }
        file.set("qwen3.feed_forward_length", Value::u32(320));
        let needles = ["`blk.0.ffn_down.weight`: 320 columns", "a multiple of 128"];
        assert_malformed(parse(&file), &needles);
    }
}

#[test]
fn a_block_that_no_half_can_scale_names_position_layer_and_operation() {
    for (part, op) in [
        ("attn_norm", "attn_qkv_quantize"),
        ("ffn_norm", "ffn_gate_up_quantize"),
    ] {
        let mut file = tied(TYPES[0]);
        file.tensor(&format!("blk.1.{part}.weight")).data[4 * 70..4 * 71]
            .copy_from_slice(&1e9f32.to_le_bytes());
        let mut host = Host::new(file.bytes(), KvType::F32, 1);
        host.embed(0, 9).expect("finite");
        host.load_layer(0).expect("sound");
        host.runner.layer(0).expect("finite");
        host.load_layer(1).expect("sound");
        let place = format!("position 0, layer 1, {op}: f16 scale of block [2] is ");
        assert_non_finite(host.runner.layer(0), &[&place]);
    }
    let mut file = tied(TYPES[0]);
    file.tensor("output_norm.weight").data = 1e9f32.to_le_bytes().repeat(128);
    let mut host = Host::new(file.bytes(), KvType::F32, 1);
    host.embed(0, 9).expect("finite");
    host.load_head(0).expect("sound");
    host.runner.head_norm(0).expect("finite");
    let place = "position 0, output rows from 0: f16 scale of block [0] is ";
    assert_non_finite(host.runner.head_rows(0), &[place]);
}

#[test]
fn quantized_inputs_are_those_of_blocks() {
    let mut host = Host::new(tied(TYPES[0]).bytes(), KvType::F32, 1);
    host.embed(0, 9).expect("finite");
    host.load_layer(0).expect("sound");
    host.runner.layer(0).expect("finite");
    let view = |op| host.runner.outputs().view(op);
    let (OpView::F32(x), OpView::I8(q)) = (view(Op::FfnActivation), view(Op::FfnDownQuantize))
    else {
        panic!("an operation and its quantized output");
    };
    for (x, q) in x.chunks(32).zip(q.chunks(32)) {
        let largest = x.iter().fold(0f32, |m, x| m.max(x.abs()));
        assert_ne!(half::round_through(largest / 127.0), Some(0.0));
        for (x, q) in x.iter().zip(q) {
            assert!((x * (127.0 / largest) - f32::from(*q)).abs() <= 0.5);
        }
    }
}
