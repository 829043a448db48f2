//! `models/tiny.gguf` with grouped ternary matrices: every projection, and the embedding.

use std::{path::Path, sync::Arc};

use engine_native::{
    Model,
    gguf::{Gguf, TensorInfo},
};
use half::f16;

/// Q2_0: an F16 scale and 64 codes of two bits.
const TYPE_ID: u32 = 42;
const GROUP: u64 = 64;
const CODE_BYTES: usize = 16;

const ALIGNMENT: usize = 32;

/// The model with norms multiplied: by tensor name, the factor.
pub fn model(factors: &[(&str, f32)]) -> Arc<Model> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tiny.gguf");
    let file = std::fs::read(&path).unwrap();
    let tensors = Gguf::parse(&file).unwrap().tensors;
    let mut header = file[..infos_start(&file, &tensors)].to_vec();
    let mut data = Vec::new();
    for tensor in &tensors {
        let bytes = match tensor.dims.len() {
            1 => multiplied(&file[tensor.in_memory()], factor(factors, &tensor.name)),
            _ => blocks(tensor.n_elements() / GROUP),
        };
        let type_id = if tensor.dims.len() == 1 { 0 } else { TYPE_ID };
        push_info(&mut header, tensor, type_id, data.len() as u64);
        data.extend(bytes);
        data.resize(data.len().next_multiple_of(ALIGNMENT), 0);
    }
    header.resize(header.len().next_multiple_of(ALIGNMENT), 0);
    header.extend(data);
    Arc::new(Model::from_bytes(header).unwrap())
}

/// Where the keys end.
fn infos_start(file: &[u8], tensors: &[TensorInfo]) -> usize {
    let name = tensors[0].name.as_bytes();
    let first = [&(name.len() as u64).to_le_bytes(), name].concat();
    let mut places = file.windows(first.len());
    places.position(|found| found == first).unwrap()
}

fn push_info(header: &mut Vec<u8>, tensor: &TensorInfo, type_id: u32, offset: u64) {
    header.extend((tensor.name.len() as u64).to_le_bytes());
    header.extend(tensor.name.as_bytes());
    header.extend((tensor.dims.len() as u32).to_le_bytes());
    header.extend(tensor.dims.iter().flat_map(|n| n.to_le_bytes()));
    header.extend(type_id.to_le_bytes());
    header.extend(offset.to_le_bytes());
}

fn factor(factors: &[(&str, f32)], name: &str) -> f32 {
    let found = factors.iter().find(|(of, _)| *of == name);
    found.map_or(1.0, |(_, factor)| *factor)
}

fn multiplied(norm: &[u8], factor: f32) -> Vec<u8> {
    let weights = norm.as_chunks().0.iter();
    weights
        .flat_map(|x| (f32::from_le_bytes(*x) * factor).to_le_bytes())
        .collect()
}

/// Blocks with weights and scales as by chance.
fn blocks(n: u64) -> Vec<u8> {
    let mut state = 1u32;
    let mut random = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % n
    };
    let mut bytes = Vec::new();
    for _ in 0..n {
        let scale = 0.02 + random(1000) as f32 * 1e-5;
        bytes.extend(f16::from_f32(scale).to_le_bytes());
        for _ in 0..CODE_BYTES {
            let codes = (0..4).map(|i| random(3) << (2 * i));
            bytes.push(codes.sum::<u32>() as u8);
        }
    }
    bytes
}
