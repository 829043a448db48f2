//! The bits do not depend on how the same weights are stored.

use guest_reference::attention::KvType;
use guest_reference::error::Result;
use guest_reference::op::{Op, OpView};
use guest_reference::ternary::{I2sLayout, weight};

use crate::support::gguf::{F16, F32, Gguf, I2_S, Value};
use crate::support::host::{Host, Trace};
use crate::support::model::{key, small};
use crate::support::rejection::{assert_malformed, parse};

const BF16: u32 = 30;
const TQ1_0: u32 = 34;
const TQ2_0: u32 = 35;

/// A scale that all types hold exactly.
const SCALE: f32 = 9.0 / 128.0;

/// Stores a row of weights as `type_id`.
fn row(type_id: u32, weights: &[i32]) -> Vec<u8> {
    let half = guest_reference::half::narrow(SCALE)
        .expect("in range")
        .to_le_bytes();
    let value = |w: i32| w as f32 * SCALE;
    match type_id {
        F32 => weights
            .iter()
            .flat_map(|&w| value(w).to_le_bytes())
            .collect(),
        BF16 => weights
            .iter()
            .flat_map(|&w| value(w).to_le_bytes()[2..].to_vec())
            .collect(),
        F16 => {
            let bits = |w| guest_reference::half::narrow(value(w)).expect("in range");
            weights
                .iter()
                .flat_map(|&w| bits(w).to_le_bytes())
                .collect()
        }
        TQ2_0 => weights
            .chunks(256)
            .flat_map(|w| [tq2_0(w), half.to_vec()].concat())
            .collect(),
        TQ1_0 => weights
            .chunks(256)
            .flat_map(|w| [tq1_0(w), half.to_vec()].concat())
            .collect(),
        _ => unreachable!("a type of this test"),
    }
}

fn tq2_0(w: &[i32]) -> Vec<u8> {
    let byte = |h: usize, m: usize| {
        (0..4)
            .map(|n| (w[128 * h + m + 32 * n] + 1) << (2 * n))
            .sum()
    };
    let bytes = (0..64).map(|i| -> i32 { byte(i / 32, i % 32) });
    bytes.map(|b| b as u8).collect()
}

fn tq1_0(w: &[i32]) -> Vec<u8> {
    // The first trit is the most significant of five; rounded up so that multiplying finds it.
    let byte = |trits: Vec<i32>| {
        let mut q = trits.iter().fold(0, |q, t| 3 * q + t + 1);
        (trits.len()..5).for_each(|_| q *= 3);
        (q as u32 * 256).div_ceil(243) as u8
    };
    let part = |first: usize, n_bytes: usize, n_trits: usize| {
        let trits = move |m| (0..n_trits).map(|n| w[first + m + n_bytes * n]).collect();
        (0..n_bytes)
            .map(move |m| byte(trits(m)))
            .collect::<Vec<_>>()
    };
    [part(0, 32, 5), part(160, 16, 5), part(240, 4, 4)].concat()
}

/// Rows of weights of an I2_S tensor in layout `block128`.
fn weights(data: &[u8], n_cols: usize) -> Vec<Vec<i32>> {
    let rows = data[..data.len() - 32].chunks(n_cols / 4);
    rows.map(|row| (0..n_cols).map(|c| weight(row, c)).collect())
        .collect()
}

/// The small model with one scale everywhere; `store` rewrites each projection.
fn stored(store: impl Fn(&str, &[Vec<i32>]) -> Option<(u32, Vec<u8>)>) -> Gguf {
    let mut file = small();
    for tensor in file.tensors.iter_mut().filter(|t| t.type_id == I2_S) {
        let at = tensor.data.len() - 32;
        tensor.data[at..at + 4].copy_from_slice(&SCALE.to_le_bytes());
        let rows = weights(&tensor.data, tensor.dims[0] as usize);
        let name = str::from_utf8(&tensor.name).expect("ascii");
        if let Some((type_id, data)) = store(name, &rows) {
            (tensor.type_id, tensor.data) = (type_id, data);
        }
    }
    file
}

fn trace(file: &Gguf, layout: I2sLayout) -> Result<Trace> {
    let mut host = Host::with_layout(file.bytes(), KvType::F16, layout, 3)?;
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

fn plain() -> Trace {
    trace(&stored(|_, _| None), I2sLayout::Block128).expect("finite")
}

#[test]
fn every_type_of_projection() {
    for type_id in [F32, F16, BF16, TQ1_0, TQ2_0] {
        let file = stored(|_, rows| {
            // Blocks of 256 fit the output projection only.
            let fits = type_id < TQ1_0 || rows[0].len() == 256;
            let data = || rows.iter().flat_map(|w| row(type_id, w)).collect();
            fits.then(|| (type_id, data()))
        });
        let found = trace(&file, I2sLayout::Block128).expect("finite");
        assert_eq!(found, plain(), "type {type_id}");
    }
}

#[test]
fn types_may_differ_from_tensor_to_tensor() {
    let file = stored(|name, rows| {
        let type_id = match name {
            "blk.0.attn_q.weight" | "blk.1.ffn_down.weight" => F16,
            "blk.0.ffn_up.weight" => F32,
            "blk.1.attn_output.weight" => TQ1_0,
            _ => return None,
        };
        Some((type_id, rows.iter().flat_map(|w| row(type_id, w)).collect()))
    });
    assert_eq!(trace(&file, I2sLayout::Block128).expect("finite"), plain());
}

/// Four weights a byte, the first in the high bits, then the scale.
fn i2s(groups: impl Iterator<Item = [i32; 4]>) -> Vec<u8> {
    let byte = |w: [i32; 4]| w.iter().fold(0, |byte, w| byte << 2 | (w + 1) as u8);
    let mut data: Vec<u8> = groups.map(byte).collect();
    data.extend(SCALE.to_le_bytes());
    data.resize(data.len() + 28, 0);
    data
}

#[test]
fn every_layout_of_i2s() {
    let row4 = stored(|_, rows| Some((I2_S, row4(rows))));
    let block64 = stored(|_, rows| Some((I2_S, block64(rows))));
    for (file, layout, other) in [
        (row4, I2sLayout::Row4, I2sLayout::Block128),
        (block64, I2sLayout::Block64, I2sLayout::Row4),
    ] {
        assert_eq!(trace(&file, layout).expect("finite"), plain(), "{layout:?}");
        // A wrong layout is not an error: it is another model.
        assert_ne!(trace(&file, other).expect("finite"), plain());
    }
}

fn row4(rows: &[Vec<i32>]) -> Vec<u8> {
    let column = |four: &[Vec<i32>], c: usize| [0, 1, 2, 3].map(|r| four[r][c]);
    let groups = rows
        .chunks(4)
        .flat_map(|four| (0..four[0].len()).map(move |c| column(four, c)));
    i2s(groups)
}

fn block64(rows: &[Vec<i32>]) -> Vec<u8> {
    let blocks = rows.iter().flat_map(|row| row.chunks(64));
    i2s(blocks.flat_map(|w| (0..16).map(|k| [0, 16, 32, 48].map(|n| w[k + n]))))
}

/// The small model with 320 elements in its feed-forward network: two and a half blocks of 128.
fn narrow(store: impl Fn(&[Vec<i32>]) -> (u32, Vec<u8>)) -> Gguf {
    const N_FF: usize = 320;
    let mut file = stored(|name, rows| {
        let rows: Vec<_> = match name.contains("ffn_down") {
            true => rows.iter().map(|row| row[..N_FF].to_vec()).collect(),
            false => rows.iter().take(N_FF).cloned().collect(),
        };
        Some(store(&rows))
    });
    file.set(&key("feed_forward_length"), Value::u32(N_FF as u32));
    for tensor in &mut file.tensors {
        let name = str::from_utf8(&tensor.name).expect("ascii");
        for dim in tensor.dims.iter_mut().filter(|dim| **dim == 384) {
            *dim = N_FF as u64;
        }
        if name.contains("ffn_sub_norm") {
            tensor.data.truncate(4 * N_FF);
        }
    }
    file
}

#[test]
fn rows_of_half_a_block_of_128() {
    let dense = narrow(|rows| (F32, rows.iter().flat_map(|w| self::row(F32, w)).collect()));
    let expected = trace(&dense, I2sLayout::Block128).expect("finite");
    let (row4, block64) = (
        narrow(|rows| (I2_S, row4(rows))),
        narrow(|rows| (I2_S, block64(rows))),
    );
    assert_eq!(trace(&row4, I2sLayout::Row4).expect("finite"), expected);
    assert_eq!(
        trace(&block64, I2sLayout::Block64).expect("finite"),
        expected
    );
    assert_malformed(
        trace(&block64, I2sLayout::Block128),
        &["`blk.0.ffn_down.weight`: 320 columns", "multiple of 128"],
    );
    let odd = trace(&stored_of_columns(36), I2sLayout::Block64);
    assert_malformed(odd, &["36 columns", "multiple of 64"]);
    trace(&stored_of_columns(36), I2sLayout::Row4).expect("whole bytes");
}

/// The small model with this many elements in its feed-forward network, all weights 0.
fn stored_of_columns(n_ff: usize) -> Gguf {
    let mut file = small();
    file.set(&key("feed_forward_length"), Value::u32(n_ff as u32));
    for tensor in &mut file.tensors {
        for dim in tensor.dims.iter_mut().filter(|dim| **dim == 384) {
            *dim = n_ff as u64;
        }
        let elements = tensor.dims.iter().product::<u64>() as usize;
        if tensor.type_id == I2_S {
            tensor.data = vec![0x55; elements / 4];
            tensor.data.extend(SCALE.to_le_bytes());
            tensor.data.resize(elements / 4 + 32, 0);
        }
        if tensor.type_id == F32 {
            tensor.data.truncate(4 * elements);
        }
    }
    file
}

#[test]
fn rows_in_fours_for_row4() {
    let mut file = small();
    file.set(&key("feed_forward_length"), Value::u32(382));
    for tensor in &mut file.tensors {
        for dim in tensor.dims.iter_mut().filter(|dim| **dim == 384) {
            *dim = 382;
        }
        let elements: u64 = tensor.dims.iter().product();
        match tensor.type_id {
            I2_S => tensor.data.resize(elements as usize / 4 + 32, 0),
            F32 => tensor.data.resize(elements as usize * 4, 0),
            _ => {}
        }
    }
    for layer in 0..2 {
        let down = file.tensor(&format!("blk.{layer}.ffn_down.weight"));
        (down.type_id, down.data) = (F32, vec![0; 4 * 382 * 128]);
    }
    let found = |layout| Host::with_layout(file.bytes(), KvType::F16, layout, 1).map(|_| ());
    found(I2sLayout::Block64).expect("any number of rows");
    assert_malformed(
        found(I2sLayout::Row4),
        &["`blk.0.ffn_gate.weight`: 382 rows", "multiple of 4"],
    );
}

#[test]
fn columns_are_whole_blocks() {
    for (name, type_id, columns, multiple) in [
        ("blk.0.attn_q.weight", TQ1_0, 128, 256),
        ("blk.1.ffn_down.weight", TQ2_0, 384, 256),
        ("token_embd.weight", 12, 128, 256),
        ("token_embd.weight", 14, 128, 256),
    ] {
        let mut file = small();
        file.tensor(name).type_id = type_id;
        let found = format!("`{name}`: {columns} columns; a multiple of {multiple}");
        assert_malformed(parse(&file), &[&found]);
    }
}

#[test]
fn a_refused_weight_names_tensor_and_row() {
    let mut file = stored(|name, rows| {
        let data = rows.iter().flat_map(|w| row(F32, w)).collect();
        (name == "blk.1.attn_v.weight").then_some((F32, data))
    });
    let at = 4 * (70 * 128 + 5);
    file.tensor("blk.1.attn_v.weight").data[at..at + 4].copy_from_slice(&2f32.to_le_bytes());
    let mut host = Host::new(file.bytes(), KvType::F16, 1);
    host.load_layer(0).expect("sound");
    let needles = ["tensor `blk.1.attn_v.weight`: row 70: element 5: scale is 2 after"];
    assert_malformed(host.load_layer(1), &needles);
}

#[test]
fn a_tensor_of_zeros_forgets_the_scale_of_the_layer_before() {
    let file = stored(|name, rows| match name {
        "blk.1.ffn_up.weight" => Some((F32, vec![0; 4 * rows.len() * rows[0].len()])),
        _ => None,
    });
    let mut host = Host::new(file.bytes(), KvType::F16, 1);
    host.load_layer(0).expect("sound");
    host.load_layer(1).expect("sound");
    host.embed(0, 3).expect("sound");
    host.runner.layer(0).expect("finite");
    let zeros = vec![0f32; 384];
    assert_eq!(host.runner.outputs().view(Op::FfnUp), OpView::F32(&zeros));
}
