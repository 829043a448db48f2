//! Tensors, values or bytes that are damaged.

use super::{change_alignment, remove, repeat, shuffle};
use crate::{
    choices::Choices,
    model::{
        container::{File, Value},
        sizes::Sizes,
    },
};

/// The bytes of `file` with one thing damaged.
pub fn damaged_bytes(choices: &mut Choices, mut file: File, sizes: &Sizes) -> Vec<u8> {
    match choices.below(18) {
        0 => {
            let at = choices.below(file.keys.len());
            let value = &mut file.keys[at].1;
            value.bytes = choices.noise().bytes(value.bytes.len());
        }
        1 => change_number(choices, &mut file),
        2 => {
            let at = choices.below(file.tensors.len());
            let dims = &mut file.tensors[at].dims;
            let dim = choices.below(dims.len());
            dims[dim] = choices.of(&[
                0,
                1,
                2,
                1 << 20,
                1 << 31,
                1 << 32,
                1 << 61,
                1 << 63,
                u64::MAX,
            ]);
        }
        3 => {
            let at = choices.below(file.tensors.len());
            let types = [
                0,
                1,
                2,
                3,
                8,
                12,
                14,
                30,
                34,
                35,
                36,
                37,
                38,
                39,
                40,
                41,
                42,
                99,
                134,
                135,
                142,
                143,
                u32::MAX,
            ];
            file.tensors[at].type_id = choices.of(&types);
        }
        4 => damage_data(choices, &mut file),
        5 => drop(remove(choices, &mut file.tensors)),
        6 => repeat(choices, &mut file.tensors),
        7 => change_alignment(choices, &mut file),
        8 => {
            let bytes = file.to_bytes();
            let len = choices.below(bytes.len());
            return bytes[..len].to_vec();
        }
        9 => return damage_header(choices, &file),
        10 => return overwrite_number(choices, &file),
        11 => add_odd_value(choices, &mut file, sizes),
        13 | 14 => change_length(choices, &mut file),
        15 => {
            let mut bytes = file.to_bytes();
            bytes.resize(bytes.len() + choices.of(&[1, 31, 32, 4096]), 0);
            return bytes;
        }
        // Without the padding of the last tensor, or a part of it.
        16 => {
            let padding = file.last_padding();
            let bytes = file.to_bytes();
            return bytes[..bytes.len() - choices.below(padding + 1)].to_vec();
        }
        17 => shuffle_infos(choices, &mut file),
        _ => file.version = choices.of(&[0, 1, 4, 3 << 24, u32::MAX]),
    }
    file.to_bytes()
}

/// Takes bytes from the end of a tensor's data, or adds some there that belong to no tensor.
fn change_length(choices: &mut Choices, file: &mut File) {
    let at = choices.below(file.tensors.len());
    let data = &mut file.tensors[at].data;
    match choices.below(3) {
        0 => data.truncate(data.len() - data.len().min(choices.of(&[1, 32, 256]))),
        _ => data.resize(data.len() + choices.of(&[1, 31, 32, 64, 256]), 0),
    }
}

/// Tensors in the data section in another order than their infos: they are the same model.
fn shuffle_infos(choices: &mut Choices, file: &mut File) {
    shuffle(choices, &mut file.tensors);
    file.reversed_infos = choices.chance(50);
}

fn change_number(choices: &mut Choices, file: &mut File) {
    let at = choices.below(file.keys.len());
    let value = &mut file.keys[at].1;
    match value.type_id {
        4 => {
            let n = [
                0,
                1,
                2,
                3,
                31,
                1 << 16,
                1 << 20,
                (1 << 20) + 1,
                1 << 24,
                (1 << 24) + 1,
            ];
            *value = Value::u32(choices.of(&[&n[..], &[1 << 31, u32::MAX.into()]].concat()));
        }
        6 => {
            let x = [0.0, -0.0, -1.0, f32::INFINITY, f32::NAN, 1e-45, 3e38];
            *value = Value::f32(choices.of(&x));
        }
        _ => *value = Value::text(""),
    }
}

fn damage_data(choices: &mut Choices, file: &mut File) {
    let at = choices.below(file.tensors.len());
    let data = &mut file.tensors[at].data;
    for _ in 0..choices.of(&[1, 1, 4, 64]) {
        let place = choices.below(data.len());
        let any = choices.below(256) as u8;
        data[place] = choices.of(&[0, 255, 0x7f, 0x80, 0x7c, 0xfc, any]);
    }
}

fn damage_header(choices: &mut Choices, file: &File) -> Vec<u8> {
    let mut bytes = file.to_bytes();
    let header = file.header().len();
    for _ in 0..choices.of(&[1, 1, 2, 8]) {
        let place = choices.below(header);
        bytes[place] = choices.below(256) as u8;
    }
    bytes
}

fn overwrite_number(choices: &mut Choices, file: &File) -> Vec<u8> {
    let mut bytes = file.to_bytes();
    let place = choices.below(file.header().len() - 8);
    let n = choices.of(&[u64::MAX, 0, 1 << 63, 1 << 32, 65_537]);
    bytes[place..place + 8].copy_from_slice(&n.to_le_bytes());
    bytes
}

fn add_odd_value(choices: &mut Choices, file: &mut File, sizes: &Sizes) {
    let own = ["vocab_size", "attention.head_count_kv"];
    let own = own.map(|name| format!("{}.{name}", sizes.architecture));
    let foreign = ["a.b", "tokenizer.ggml.tokens", "general.alignment", ""];
    let foreign = foreign.map(str::to_owned);
    let key = choices.of(&[&own[..], &foreign].concat());
    let huge = [&4u32.to_le_bytes()[..], &(1u64 << 40).to_le_bytes()].concat();
    let value = match choices.below(10) {
        0 => Value::new(0, [1]),
        1 => Value::new(1, [0xff]),
        2 => Value::new(2, [1, 0]),
        3 => Value::new(5, [0xff; 4]),
        4 => Value::new(7, [2]),
        5 => Value::new(7, [1]),
        6 => Value::new(10, [0xff; 8]),
        7 => Value::new(12, [0; 8]),
        8 => Value::new(9, huge),
        _ => Value::new(13, []),
    };
    file.keys.push((key, value));
}
