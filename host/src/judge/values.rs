//! An engine's logits, compared with the reference's.

use serde::Serialize;

use super::{claim::Claim, margin::Margin};

/// How far an engine's logits are from the reference's, in spreads. Compared are differences from the engine's
/// largest logit, since an engine may add a constant to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Values {
    /// Number of logits that were compared.
    pub count: usize,
    /// The root of the mean square of the deviations.
    pub rms: f64,
    /// The largest deviation.
    pub largest: f64,
}

impl Values {
    /// The deviations of all positions. `None` if no logit can be compared.
    pub(super) fn of(margins: &[Margin], claim: Claim) -> Option<Self> {
        let positions = margins.iter().enumerate();
        let at = positions.flat_map(|(index, margin)| deviations(margin, claim.listed(index)));
        Self::over(at)
    }

    /// The deviations at one position, whose listed logits are in the order of the margin's.
    pub(super) fn at(margin: &Margin, listed: &[(u32, f32)]) -> Option<Self> {
        Self::over(deviations(margin, listed))
    }

    fn over(deviations: impl Iterator<Item = f64>) -> Option<Self> {
        let (mut count, mut sum, mut largest) = (0usize, 0.0, 0.0f64);
        for deviation in deviations {
            count += 1;
            sum += deviation * deviation;
            largest = largest.max(deviation);
        }
        (count > 0).then(|| Self {
            count,
            rms: (sum / count as f64).sqrt(),
            largest,
        })
    }
}

/// The absolute deviation, in spreads, of each listed logit but the largest.
fn deviations<'a>(margin: &'a Margin, listed: &'a [(u32, f32)]) -> impl Iterator<Item = f64> + 'a {
    let own = listed
        .iter()
        .zip(&margin.listed)
        .map(|(&(_, logit), &of_reference)| (f64::from(logit), f64::from(of_reference)));
    let largest = own.clone().reduce(|a, b| if b.0 > a.0 { b } else { a });
    let at = listed
        .iter()
        .position(|&(_, logit)| largest.is_some_and(|(l, _)| l == f64::from(logit)));
    let others = own.enumerate().filter(move |&(i, _)| Some(i) != at);
    others.filter_map(move |(_, (logit, of_reference))| {
        let (top, top_of_reference) = largest?;
        let off = (logit - top) - (of_reference - top_of_reference);
        Some(margin.in_spreads(off.abs()))
    })
}
