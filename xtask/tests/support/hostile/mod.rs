//! Files that no GGUF reader may accept: a small valid model, each with one thing wrong.
//!
//! The corpus is data, because two readers are tested with it and they need not refuse a file at
//! the same moment: one may check weights when it opens the file, the other when it loads a layer.

mod base;
mod container;
mod metadata;
mod tensors;

use base::Base;

/// A file to be refused.
pub struct Hostile {
    /// What is wrong with it; unique in the corpus.
    pub name: &'static str,
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What the error has to say, whichever reader says it: the key, the tensor or the value.
    pub must_mention: &'static [&'static str],
}

/// The valid model that every file of the corpus was made from.
pub fn valid() -> Vec<u8> {
    base::valid()
}

/// All files.
pub fn corpus() -> Vec<Hostile> {
    let base = Base::new();
    let groups = [
        container::truncations,
        container::preamble,
        container::encodings,
        container::arrays,
        metadata::missing_keys,
        metadata::wrong_types,
        metadata::wrong_values,
        metadata::reals,
        tensors::missing_tensors,
        tensors::extra_tensors,
        tensors::dimensions,
        tensors::element_types,
        tensors::offsets,
        tensors::weights,
        tensors::scales,
    ];
    groups.iter().flat_map(|group| group(&base)).collect()
}

fn case(name: &'static str, bytes: Vec<u8>, must_mention: &'static [&'static str]) -> Hostile {
    Hostile {
        name,
        bytes,
        must_mention,
    }
}
