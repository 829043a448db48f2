//! What can be wrong with a file: its keys and names, its tensors, its bytes.

mod bytes;
mod keys;

use super::container::{File, Value, array};
use crate::choices::Choices;
pub use bytes::damaged_bytes;
pub use keys::damage_keys;

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
