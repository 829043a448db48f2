//! The element type of a KV cache, as arguments, adapters, engines and the corpus name it.

use clap::{ValueEnum, builder::PossibleValue};
use engine_native::KvType;
use host::receipt::kv_type_name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Element type of a KV cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KvName {
    /// Half precision.
    #[default]
    F16,
    /// Single precision.
    F32,
}

/// Not derived: help would then explain each value, which needs no explanation.
impl ValueEnum for KvName {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::F16, Self::F32]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(kv_type_name((*self).into())))
    }
}

impl From<KvName> for KvType {
    fn from(name: KvName) -> Self {
        match name {
            KvName::F16 => Self::F16,
            KvName::F32 => Self::F32,
        }
    }
}

impl From<KvType> for KvName {
    fn from(kv_type: KvType) -> Self {
        match kv_type {
            KvType::F16 => Self::F16,
            KvType::F32 => Self::F32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_files_have_the_same_names() {
        for name in KvName::value_variants() {
            let argument = name.to_possible_value().unwrap();
            let in_a_file = serde_json::to_value(name).unwrap();
            assert_eq!(in_a_file, argument.get_name());
            assert_eq!(KvName::from(KvType::from(*name)), *name);
        }
    }
}
