//! How far a right engine's logits may be from the reference's. The one place for these numbers.
//!
//! They are in *spreads*: multiples of the standard deviation of the row of logits ([`super::Margin::spread`]).
//! `ci/tolerance/README.md` has the distributions of right and wrong engines that they come from.

use std::f64::consts::SQRT_2;

use serde::Serialize;

/// What the verifier allows. It is never the transcript's to say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tolerance {
    fixed: Option<Limit>,
    precision: Precision,
}

/// A right engine makes more ties than are allowed in at most so large a share of runs.
pub(super) const FALSE_ALARM: f64 = 1e-4;

/// The tolerance of all models that are not more sensitive than this. It is that of engines which compute
/// attention or matrices in bf16 or f16.
pub const DEFAULT: Limit = Limit {
    spreads: 0.5,
    noise: 0.15,
    value: 1.0,
    values_rms: 0.25,
};

/// The limits of a model, divided by its sensitivity, for engines that round to bf16 or f16 somewhere.
const PER_SENSITIVITY: Limit = Limit {
    spreads: 12.0,
    noise: 3.0,
    value: 20.0,
    values_rms: 3.5,
};

/// The same for engines that compute in f32 throughout.
const PER_SENSITIVITY_F32: Limit = Limit {
    spreads: 4.0,
    noise: 0.8,
    value: 10.0,
    values_rms: 0.8,
};

/// The fewest positions with logits whose root mean square is judged: that of a single row scatters.
pub(super) const MIN_ROWS: usize = 8;

/// How precise an engine is that is right. It is the verifier's expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// It rounds to bf16 or f16 somewhere, or quantizes activations in blocks of its own.
    #[default]
    Reduced,
    /// It computes in f32 throughout, and has the KV cache of the reference.
    F32,
}

/// How far logits may be apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Limit {
    /// How far the logit of a token may be below the largest, in spreads. Another token within it is a tie.
    pub spreads: f64,
    /// The standard deviation of the error in the difference between two logits, in spreads. Normal errors are
    /// assumed: it says how many ties are allowed.
    pub noise: f64,
    /// How far a logit that the engine shows may be off, in spreads. There are many of them, so the largest error
    /// is larger than that of the choices.
    pub value: f64,
    /// How far all logits that it shows may be off together, root mean square, in spreads.
    pub values_rms: f64,
}

/// Two limits. Within the first, a run is consistent. Beyond the second, it is rejected. They are equal but for a
/// model that makes so much of rounding that right engines differ by more than [`DEFAULT`] there: between
/// them, nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Limits {
    pub consistent: Limit,
    pub rejected: Limit,
}

impl Tolerance {
    /// A tolerance of so many spreads, from 0 up, whatever the model. What goes with it is in proportion to it.
    /// The default is measured by model instead.
    pub const fn of_spreads(spreads: f64) -> Self {
        Self {
            fixed: Some(DEFAULT.times(spreads / DEFAULT.spreads)),
            precision: Precision::Reduced,
        }
    }

    /// What the model allows an engine of this precision.
    pub const fn of_precision(precision: Precision) -> Self {
        Self {
            fixed: None,
            precision,
        }
    }

    /// The limits on a model of this sensitivity, if it is known.
    pub fn limits(self, sensitivity: Option<f64>) -> Limits {
        let fixed = self.fixed.or(sensitivity.is_none().then_some(DEFAULT));
        let per_sensitivity = match self.precision {
            Precision::Reduced => PER_SENSITIVITY,
            Precision::F32 => PER_SENSITIVITY_F32,
        };
        let of_model = || per_sensitivity.times(sensitivity.unwrap_or_default());
        let limit = fixed.unwrap_or_else(of_model);
        Limits {
            consistent: match self.fixed {
                Some(fixed) => fixed,
                None => limit.within(DEFAULT),
            },
            rejected: limit,
        }
    }
}

impl Limit {
    const fn times(self, factor: f64) -> Self {
        Self {
            spreads: self.spreads * factor,
            noise: self.noise * factor,
            value: self.value * factor,
            values_rms: self.values_rms * factor,
        }
    }

    fn within(self, other: Self) -> Self {
        Self {
            spreads: self.spreads.min(other.spreads),
            noise: self.noise.min(other.noise),
            value: self.value.min(other.value),
            values_rms: self.values_rms.min(other.values_rms),
        }
    }

    /// Whether a token whose logit is so many spreads below the largest is within the limit.
    pub(super) fn covers(self, spreads: f64) -> bool {
        spreads <= self.spreads
    }

    /// The probability that a right engine prefers a token whose logit is `spreads` below another one's.
    pub(super) fn preference(self, spreads: f64) -> f64 {
        match self.noise > 0.0 {
            true => libm::erfc(spreads / self.noise / SQRT_2) / 2.0,
            // Between equal logits, an engine without noise may prefer either.
            false => f64::from(u8::from(spreads <= 0.0)),
        }
    }
}

/// A number of spreads with as many decimals as are useful.
pub fn shown(spreads: f64) -> String {
    match spreads {
        0.0 => "0".into(),
        0.001.. => format!("{}", (spreads * 1e4).round() / 1e4),
        _ => format!("{spreads:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensitive_model_has_room_for_doubt_and_no_other_has() {
        let limits = |sensitivity| Tolerance::default().limits(sensitivity);
        let unknown = limits(None);
        assert_eq!((unknown.consistent, unknown.rejected), (DEFAULT, DEFAULT));
        let steady = limits(Some(0.01));
        assert_eq!(steady.consistent, steady.rejected);
        assert!(steady.consistent.spreads < DEFAULT.spreads);
        assert!(steady.consistent.noise < DEFAULT.noise);
        let shaky = limits(Some(0.5));
        assert_eq!(shaky.consistent, DEFAULT);
        assert!(shaky.rejected.spreads > DEFAULT.spreads && shaky.rejected.noise > DEFAULT.noise);
    }

    #[test]
    fn limits_are_those_of_the_precision() {
        let limits = |precision, sensitivity| {
            let limits = Tolerance::of_precision(precision).limits(sensitivity);
            (limits.consistent, limits.rejected)
        };
        let f32_throughout = Limit {
            spreads: 0.5,
            noise: 0.1,
            value: 1.25,
            values_rms: 0.1,
        };
        let rounded = Limit {
            spreads: 1.5,
            noise: 0.375,
            value: 2.5,
            values_rms: 0.4375,
        };
        let narrower = Limit {
            noise: 0.1,
            value: 1.0,
            values_rms: 0.1,
            ..DEFAULT
        };
        let of_an_eighth = |precision| limits(precision, Some(0.125));
        assert_eq!(of_an_eighth(Precision::F32), (narrower, f32_throughout));
        assert_eq!(of_an_eighth(Precision::Reduced), (DEFAULT, rounded));
        assert_eq!(limits(Precision::F32, None), (DEFAULT, DEFAULT));
    }

    #[test]
    fn limits_are_short() {
        let found = [0.0, 0.000_123_4, 0.1 + 0.2, 0.123_456, 12.0].map(shown);
        assert_eq!(found, ["0", "1.2e-4", "0.3", "0.1235", "12"]);
    }

    #[test]
    fn what_the_verifier_says_holds_for_any_model() {
        let limits = [None, Some(0.0), Some(0.5)].map(|s| Tolerance::of_spreads(0.25).limits(s));
        for Limits {
            consistent,
            rejected,
        } in limits
        {
            assert_eq!((consistent.spreads, rejected.spreads), (0.25, 0.25));
            assert_eq!(consistent.noise, 0.075);
        }
    }
}
