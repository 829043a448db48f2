//! Files that no GGUF reader may accept: small valid models, each with one thing wrong.
//!
//! The corpus is data, because two readers are tested with it and they need not refuse a file at
//! the same moment: one may check weights when it opens the file, the other when it loads a layer.

mod architectures;
mod base;
mod container;
mod dense;
mod grouped;
mod layouts;
mod metadata;
mod tensors;
mod ternary;
mod whole_files;

use base::Base;
use engine_native::{Architecture, I2sLayout};

/// A file to be refused.
pub struct Hostile {
    /// What is wrong with it; unique in the corpus.
    pub name: &'static str,
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What the error has to say, whichever reader says it: the key, the tensor or the value.
    pub must_mention: &'static [&'static str],
}

/// The valid models that the files of the corpus were made from, with names.
pub fn valid() -> Vec<(&'static str, Vec<u8>)> {
    let llama = Base::of_architecture(Architecture::Llama);
    let bitnet = Base::of_architecture(Architecture::Bitnet);
    let own = [
        ("BitNet b1.58 in I2_S", Base::new()),
        ("llama", llama),
        ("bitnet", bitnet),
        ("200 columns", Base::of_odd_columns()),
        ("two KV rows", Base::of_two_kv_rows()),
    ];
    let bases = own
        .into_iter()
        .chain(ternary::bases())
        .chain(dense::bases())
        .chain(grouped::bases());
    bases.map(|(name, base)| (name, base.bytes())).collect()
}

/// All files, for readers that take I2_S as published files have it.
pub fn corpus() -> Vec<Hostile> {
    let base = Base::new();
    let changed = [
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
        whole_files::parts_and_other_kinds,
        whole_files::settings,
        whole_files::foreign_tensors,
        whole_files::places,
    ];
    let changed = changed.iter().flat_map(|group| group(&base));
    let others = [
        architectures::rope_factors,
        architectures::rope_scaling,
        architectures::keys_and_tensors,
        ternary::codes,
        ternary::block_scales,
        ternary::elements,
        ternary::columns,
        dense::scales,
        dense::elements,
        dense::columns,
        dense::types,
        grouped::codes,
        grouped::scales,
        grouped::kinds,
        grouped::head_norms,
        grouped::yarn,
        whole_files::other_formats,
    ];
    changed
        .chain(others.iter().flat_map(|group| group()))
        .collect()
}

/// Files that are refused when their I2_S tensors are read in this layout.
pub fn in_layouts() -> Vec<(I2sLayout, Hostile)> {
    layouts::in_layouts()
}

fn case(name: &'static str, bytes: Vec<u8>, must_mention: &'static [&'static str]) -> Hostile {
    Hostile {
        name,
        bytes,
        must_mention,
    }
}
