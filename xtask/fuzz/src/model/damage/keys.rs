//! Keys that are missing, added, repeated or of another type; tensors of another name or form.

use super::{change_alignment, number, remove, repeat, shuffle};
use crate::{
    choices::Choices,
    model::{
        container::{File, Value, array, string},
        keys,
        sizes::Sizes,
    },
};

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

/// Edits keys and tensor infos, several times.
pub fn damage_keys(choices: &mut Choices, file: &mut File, sizes: &Sizes) {
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
