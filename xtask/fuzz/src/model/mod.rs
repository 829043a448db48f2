//! Generated model files: legal ones of odd sizes, ones with wild values, and damaged ones.

mod container;
mod contents;
mod damage;
mod keys;
mod sizes;
mod tensors;

use crate::choices::Choices;
pub use container::{File, Tensor, Value};
use sizes::Sizes;

/// What kind of file is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Valid, of any sizes and types, with numbers as models have them.
    Odd,
    /// Valid in form, with numbers of any magnitude.
    Wild,
    /// With keys missing, added, repeated or of another type; tensors of another name or form.
    Keys,
    /// With tensors, values or bytes damaged.
    Bytes,
}

/// A generated file.
pub struct Generated {
    pub kind: Kind,
    /// Whether it is undamaged and all its projections are I2_S, so that it can have another layout.
    pub is_i2s: bool,
    pub bytes: Vec<u8>,
}

/// The file that `choices` describe.
pub fn generate(choices: &mut Choices) -> Generated {
    use Kind::{Bytes, Keys, Odd, Wild};
    let kind = choices.of(&[Odd, Wild, Odd, Wild, Bytes, Keys, Bytes, Keys]);
    // In percent.
    let wildness = match kind {
        Odd | Keys => 0,
        Wild => 35,
        Bytes => 20,
    };
    let sizes = Sizes::choose(choices, kind);
    let mut file = File {
        version: choices.of(&[3, 2]),
        alignment: 32,
        keys: keys::keys(choices, &sizes, wildness),
        tensors: tensors::tensors(choices, &sizes, wildness),
        reversed_infos: false,
    };
    let bytes = match kind {
        Odd | Wild => file.to_bytes(),
        Keys => {
            damage::damage_keys(choices, &mut file, &sizes);
            file.to_bytes()
        }
        Bytes => damage::damaged_bytes(choices, file, &sizes),
    };
    Generated {
        kind,
        is_i2s: sizes.projections == Some(tensors::I2_S) && matches!(kind, Odd | Wild),
        bytes,
    }
}
