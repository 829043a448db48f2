//! Scaling of rotary angles, from metadata.

use alloc::format;

use super::keys::{Keys, MAX_CONTEXT};
use crate::error::{Error, Result};

const TYPE: &str = "rope.scaling.type";
const FACTOR: &str = "rope.scaling.factor";
const ORIGINAL_CONTEXT: &str = "rope.scaling.original_context_length";
const BETA_FAST: &str = "rope.scaling.yarn_beta_fast";
const BETA_SLOW: &str = "rope.scaling.yarn_beta_slow";

/// How a model that was trained on short contexts turns at the positions of longer ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// Every angle is divided by this, finite and > 0.
    Linear(f32),
    /// Slow turns are divided by the factor, fast ones stay, and those between are mixed.
    Yarn(Yarn),
}

/// Parameters of YaRN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yarn {
    /// By how much the context was extended, finite and > 0.
    pub factor: f32,
    /// Positions of the context before that.
    pub original_context: usize,
    /// Pairs with more turns than this over the original context stay, finite.
    pub beta_fast: f32,
    /// Pairs with fewer turns than this are divided, > 0 and below `beta_fast`.
    pub beta_slow: f32,
}

impl RopeScaling {
    /// Reads the keys of scaling; `base` is the base of the angles.
    pub fn read(keys: &Keys<'_>, base: f32) -> Result<Self> {
        let factor = keys.positive_if_present(FACTOR)?;
        let kind = keys.text_if_present(TYPE)?.unwrap_or("none");
        if kind != "yarn" {
            refuse_betas(keys)?;
        }
        match (kind, factor) {
            ("none", None | Some(1.0)) => Ok(Self::None),
            ("none", Some(factor)) => Err(Error::Unsupported(format!(
                "key `{}` is {factor} without a type of scaling; `linear` or `yarn` has to stand \
                 beside it",
                keys.full(FACTOR)
            ))),
            ("linear" | "yarn", None) => Err(Error::Malformed(format!(
                "key `{}` is missing; scaling `{kind}` needs it",
                keys.full(FACTOR)
            ))),
            ("linear", Some(factor)) => Ok(Self::Linear(factor)),
            ("yarn", Some(factor)) => Yarn::read(keys, factor, base).map(Self::Yarn),
            _ => Err(Error::Unsupported(format!(
                "key `{}` is `{kind}`; `none`, `linear` and `yarn` are supported",
                keys.full(TYPE)
            ))),
        }
    }
}

impl Yarn {
    fn read(keys: &Keys<'_>, factor: f32, base: f32) -> Result<Self> {
        // Its ramp divides by the logarithm of the base.
        if base <= 1.0 {
            return Err(Error::Malformed(format!(
                "key `{}` is {base}; a value > 1 is required by scaling `yarn`",
                keys.full("rope.freq_base")
            )));
        }
        let beta_fast = keys.positive_if_present(BETA_FAST)?.unwrap_or(32.0);
        let beta_slow = keys.positive_if_present(BETA_SLOW)?.unwrap_or(1.0);
        if beta_fast <= beta_slow {
            return Err(Error::Malformed(format!(
                "key `{}` is {beta_fast}; a value above `{}`, {beta_slow}, is required",
                keys.full(BETA_FAST),
                keys.full(BETA_SLOW)
            )));
        }
        Ok(Self {
            factor,
            original_context: keys.size(ORIGINAL_CONTEXT, 1..=MAX_CONTEXT)?,
            beta_fast,
            beta_slow,
        })
    }
}

/// Refuses the keys that only YaRN has.
fn refuse_betas(keys: &Keys<'_>) -> Result<()> {
    for key in [BETA_FAST, BETA_SLOW] {
        if keys.positive_if_present(key)?.is_some() {
            return Err(Error::Unsupported(format!(
                "key `{}` belongs to scaling `yarn`, which `{}` does not name",
                keys.full(key),
                keys.full(TYPE)
            )));
        }
    }
    Ok(())
}
