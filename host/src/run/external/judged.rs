//! The reference's judgement of an engine's tokens, for every measurement that has them.

use std::num::NonZeroUsize;

use engine_native::Shape;

use super::measurement::{ExternalMeasurement, ExternalRepetition};
