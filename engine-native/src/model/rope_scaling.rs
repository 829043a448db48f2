//! RoPE for contexts longer than those of training, from the metadata keys.

use super::{
    ModelError,
    keys::{Keys, MAX_COUNT},
};
use crate::gguf::GgufError;

/// How RoPE's frequencies are scaled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All are divided by a factor.
    Linear {
        /// The factor, above 0.
        factor: f32,
    },
    /// Low ones are divided by a factor, high ones stay.
    Yarn(Yarn),
}

/// The settings of YaRN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Yarn {
    /// The factor, above 0.
    pub factor: f32,
    /// Positions that the model was first trained for.
    pub original_context_length: u64,
    /// Frequencies with more turns than this in the original context stay.
    pub beta_fast: f32,
    /// Frequencies with fewer turns than this in the original context are divided.
    pub beta_slow: f32,
}

/// Reads the scaling from the metadata.
pub(super) fn rope_scaling(keys: &Keys) -> Result<RopeScaling, ModelError> {
    let key = keys.name("rope.scaling.type");
    let scaling = match keys.metadata.string(&key)? {
        Some("linear") => RopeScaling::Linear {
            factor: keys.required_f32("rope.scaling.factor")?,
        },
        Some("yarn") => return Ok(RopeScaling::Yarn(yarn(keys)?)),
        None | Some("none") => unscaled(keys)?,
        Some(other) => {
            return Err(ModelError::Unsupported {
                what: key,
                found: format!("\"{}\"", other.escape_default()),
                supported: "none, linear, yarn".into(),
            });
        }
    };
    refuse_yarn_keys(keys)?;
    Ok(scaling)
}

/// A factor without a type could mean any of them, unless it is 1.
fn unscaled(keys: &Keys) -> Result<RopeScaling, ModelError> {
    match keys.optional_f32("rope.scaling.factor")? {
        None | Some(1.0) => Ok(RopeScaling::None),
        Some(factor) => Err(ModelError::Unsupported {
            what: keys.name("rope.scaling.factor"),
            found: format!("{factor} without a type of scaling"),
            supported: "1, or rope.scaling.type \"linear\" or \"yarn\" beside it".into(),
        }),
    }
}

const BETAS: [&str; 2] = ["rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow"];

fn yarn(keys: &Keys) -> Result<Yarn, ModelError> {
    let [fast, slow] = BETAS.map(|suffix| keys.optional_f32(suffix));
    let (beta_fast, beta_slow) = (fast?.unwrap_or(32.0), slow?.unwrap_or(1.0));
    if beta_fast <= beta_slow {
        return Err(GgufError::invalid(
            keys.name(BETAS[0]),
            beta_fast,
            format_args!("a number above yarn_beta_slow, {beta_slow}"),
        )
        .into());
    }
    let base = keys.rope_base()?;
    if base <= 1.0 {
        let key = keys.name("rope.freq_base");
        return Err(GgufError::invalid(key, base, "a number above 1, for YaRN").into());
    }
    Ok(Yarn {
        factor: keys.required_f32("rope.scaling.factor")?,
        original_context_length: keys
            .required("rope.scaling.original_context_length", MAX_COUNT)?,
        beta_fast,
        beta_slow,
    })
}

/// Refuses settings of YaRN beside another type of scaling.
fn refuse_yarn_keys(keys: &Keys) -> Result<(), ModelError> {
    let key = BETAS.map(|suffix| keys.name(suffix));
    match key.into_iter().find(|key| keys.metadata.get(key).is_some()) {
        None => Ok(()),
        Some(what) => Err(ModelError::Unsupported {
            what,
            found: "a setting of YaRN without rope.scaling.type \"yarn\"".into(),
            supported: "such settings only beside that type".into(),
        }),
    }
}
