//! What can be wrong with a file: its keys and names, its tensors, its bytes.

use super::{
    container::{File, Value, array, string},
    keys,
    sizes::Sizes,
};
use crate::choices::Choices;

/// Edits keys and tensor infos, several times.
pub fn keys_and_names(choices: &mut Choices, file: &mut File, sizes: &Sizes) {
    for _ in 0..choices.of(&[1, 1, 2, 3]) {
        match choices.below(16) {
            0 | 1 => change_type_of_key(choices, file),
            2 | 3 => drop(remove(choices, &mut file.keys)),
            4 => repeat(choices, &mut file.keys),
            5 => {
                let name = choices.of(&OPTIONAL);
                let key = format!("{}.{name}", sizes.architecture);
                file.keys.retain(|(found, _)| *found != key);
            }
            6 => add_key(choices, file, sizes),
            7 => add_scaling(choices, file, sizes),
            8 => change_dims(choices, file),
            9 => change_name(choices, file),
            10 => change_alignment(choices, file),
            11 => add_foreign_key(choices, file),
            12 => {
                shuffle(choices, &mut file.keys);
                shuffle(choices, &mut file.tensors);
            }
            13 => add_neutral_key(choices, file, sizes),
            14 => add_part_or_kind(choices, file),
            _ => change_architecture(choices, file, sizes),
        }
    }
}

/// The bytes of `file` with one thing damaged.
pub fn contents(choices: &mut Choices, mut file: File, sizes: &Sizes) -> Vec<u8> {
    match choices.below(18) {
        13 | 14 => lengthen(choices, &mut file),
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
        _ => file.version = choices.of(&[0, 1, 4, 3 << 24, u32::MAX]),
    }
    file.to_bytes()
}

/// Keys that may be missing.
const OPTIONAL: [&str; 7] = [
    "rope.freq_base",
    "attention.key_length",
    "attention.value_length",
    "vocab_size",
    "rope.dimension_count",
    "attention.head_count_kv",
    "rope.scaling.factor",
];

fn remove<T>(choices: &mut Choices, list: &mut Vec<T>) -> Option<T> {
    (!list.is_empty()).then(|| list.remove(choices.below(list.len())))
}

fn repeat<T: Clone>(choices: &mut Choices, list: &mut Vec<T>) {
    if !list.is_empty() {
        let again = choices.of(list);
        list.insert(choices.below(list.len()), again);
    }
}

fn shuffle<T>(choices: &mut Choices, list: &mut [T]) {
    let mut noise = choices.noise();
    for last in (1..list.len()).rev() {
        list.swap(last, noise.below(last + 1));
    }
}

/// The number `n` in one of the types that there are.
fn number(choices: &mut Choices, n: u64) -> Value {
    match choices.below(13) {
        0 => Value::new(0, [n as u8]),
        1 => Value::new(1, [n as u8]),
        2 => Value::new(2, (n as u16).to_le_bytes()),
        3 => Value::new(3, (n as u16).to_le_bytes()),
        4 => Value::u32(n),
        5 => Value::new(5, (n as u32).to_le_bytes()),
        6 => Value::f32(n as f32),
        7 => Value::new(7, [n as u8]),
        8 => Value::text(n.to_string()),
        9 => array(4, &[&(n as u32).to_le_bytes()]),
        10 => Value::new(10, n.to_le_bytes()),
        11 => Value::new(11, n.to_le_bytes()),
        _ => Value::new(12, (n as f64).to_le_bytes()),
    }
}

fn change_type_of_key(choices: &mut Choices, file: &mut File) {
    if file.keys.is_empty() {
        return;
    }
    let at = choices.below(file.keys.len());
    let value = &mut file.keys[at].1;
    let n = match (value.type_id, <[u8; 4]>::try_from(&value.bytes[..])) {
        (4, Ok(bytes)) => u32::from_le_bytes(bytes).into(),
        _ => choices.of(&[1, 2, 32, 64]),
    };
    *value = number(choices, n);
}

fn add_key(choices: &mut Choices, file: &mut File, sizes: &Sizes) {
    let others = [
        "rope.scaling.original_context_length",
        "rope.scaling.finetuned",
        "rope.scaling.type",
        "expert_count",
        "attention.causal",
        "",
    ];
    let name = choices.of(&[&OPTIONAL[..], &others].concat());
    let n = choices.of(&[
        sizes.head_dim,
        sizes.n_vocab,
        sizes.n_kv_heads,
        sizes.n_heads,
        sizes.n_embd / sizes.n_heads,
        0,
        1,
        2,
        3,
        255,
        1 << 31,
    ]);
    let value = number(choices, n as u64);
    file.keys
        .push((format!("{}.{name}", sizes.architecture), value));
}

fn add_scaling(choices: &mut Choices, file: &mut File, sizes: &Sizes) {
    let key = |name: &str| format!("{}.rope.scaling.{name}", sizes.architecture);
    let types = ["none", "linear", "yarn", "", "LINEAR", "linear\0", "linéar"];
    file.keys
        .push((key("type"), Value::text(choices.of(&types))));
    if choices.chance(50) {
        let factors = [1.0, 2.0, 0.0, -1.0, f32::NAN, f32::INFINITY, 1e-45];
        file.keys
            .push((key("factor"), Value::f32(choices.of(&factors))));
    }
}

/// A key that changes nothing, perhaps at another value or of another type.
fn add_neutral_key(choices: &mut Choices, file: &mut File, sizes: &Sizes) {
    for (name, mut value) in choices.of(&keys::neutral()) {
        match choices.below(6) {
            0 => value = number(choices, 0),
            1 => value = number(choices, 1),
            2 => value.bytes = choices.noise().bytes(value.bytes.len()),
            _ => {}
        }
        file.keys
            .push((format!("{}.{name}", sizes.architecture), value));
    }
}

/// What tells a part of a model, or another kind of file.
fn add_part_or_kind(choices: &mut Choices, file: &mut File) {
    let n = choices.of(&[0, 1, 2, u64::MAX]);
    let (key, value) = match choices.below(6) {
        0 => ("split.count", number(choices, n)),
        1 => ("split.no", number(choices, n)),
        2 => ("prism.hadamard.block_size", number(choices, n)),
        3 => (
            "general.type",
            Value::text(choices.of(&["adapter", "vocab", "mmproj"])),
        ),
        4 => (
            "general.type",
            Value::text(choices.of(&["model", "", "Adapter", "\u{fe}"])),
        ),
        _ => ("general.type", number(choices, n)),
    };
    file.keys.push((key.to_owned(), value));
}

/// Bytes that belong to no tensor, behind one of them; or some of its own, missing.
fn lengthen(choices: &mut Choices, file: &mut File) {
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

fn change_dims(choices: &mut Choices, file: &mut File) {
    if file.tensors.is_empty() {
        return;
    }
    let at = choices.below(file.tensors.len());
    let dims = &mut file.tensors[at].dims;
    match choices.below(6) {
        0 => dims.push(1),
        1 => dims.extend([1, 1, 1]),
        2 => dims.insert(0, 1),
        3 => dims.truncate(1),
        4 => *dims = vec![dims.iter().product()],
        _ => dims.reverse(),
    }
}

fn change_name(choices: &mut Choices, file: &mut File) {
    if file.tensors.is_empty() {
        return;
    }
    let at = choices.below(file.tensors.len());
    let name = &mut file.tensors[at].name;
    *name = match choices.below(9) {
        0 => format!("{name} "),
        1 => name.to_uppercase(),
        2 => name.replace("weight", "bias"),
        3 => "blk.00.attn_q.weight".to_owned(),
        4 => "blk.9.attn_q.weight".to_owned(),
        5 => "rope_freqs.weight".to_owned(),
        6 => "x".repeat(64),
        7 => "x".repeat(65),
        _ => format!("{name}\0"),
    };
}

fn change_alignment(choices: &mut Choices, file: &mut File) {
    let alignment = choices.of(&[8, 16, 32, 64, 4096, 65_536, 131_072, 4, 1, 0, 33]);
    if alignment > 0 {
        file.alignment = alignment;
    }
    let value = match choices.chance(25) {
        true => number(choices, alignment as u64),
        false => Value::u32(alignment as u64),
    };
    file.keys.push(("general.alignment".to_owned(), value));
}

/// Keys that nobody asks for have to be well formed.
fn add_foreign_key(choices: &mut Choices, file: &mut File) {
    let key = choices.of(&["x", "general.name2", "tokenizer.chat_template", "é.b", ""]);
    let nested = |depth: usize| {
        let innermost = array(0, &[b"a"]).bytes;
        (1..depth).fold(innermost, |inner, _| array(9, &[&inner]).bytes)
    };
    let value = match choices.below(12) {
        0 => Value::text(b"\xff\xfe"),
        1 => Value::text(""),
        2 => Value::text("a\0b"),
        3 => array(8, &[&string(b"a"), &string(b"\xff")]),
        4 => Value::new(9, nested(4)),
        5 => Value::new(9, nested(5)),
        6 => array(7, &[&[1], &[2]]),
        7 => array(6, &[&f32::NAN.to_le_bytes()]),
        8 => Value::new(7, [2]),
        9 => Value::new(12, [0xff; 8]),
        10 => array(13, &[]),
        _ => array(4, &[]),
    };
    file.keys.push((key.to_owned(), value));
}

fn change_architecture(choices: &mut Choices, file: &mut File, sizes: &Sizes) {
    let new = choices.of(&[
        "bitnet-b1.58",
        "bitnet-25",
        "bitnet",
        "llama",
        "Llama",
        "llama ",
        "bitnet-b1.58\0",
        "gpt2",
        "qwen3",
        "qwen35",
    ]);
    let with_prefixes = choices.chance(70);
    for (key, value) in &mut file.keys {
        if key == "general.architecture" {
            *value = Value::text(new);
        } else if with_prefixes && let Some(rest) = key.strip_prefix(sizes.architecture) {
            *key = format!("{new}{rest}");
        }
    }
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
