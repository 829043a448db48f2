//! What is kept of the logits at a position, besides the choice.

use engine_native::Choice;

use super::margin::Passing;
use crate::judge::{Ascent, MAX_RIVALS, Margin, Picked, Summit};

/// Keeps what is wanted of the logits at a position while they come in, in ascending order of tokens.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    pub(super) margin: Option<Passing>,
    pub(super) row: Option<RowKeeper>,
}

/// What is wanted of a row for the sensitivity of the model.
#[derive(Debug)]
pub(super) enum RowKeeper {
    Summit(Ascent),
    Logits(Picked),
}

/// What was kept of the logits at a position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// `Some` if margins are wanted and a token is claimed here.
    pub(super) margin: Option<Margin>,
    /// `Some` if the row is wanted, and all of its logits are finite.
    pub(super) row: Option<Row>,
}

/// What was kept of a row for the sensitivity of the model.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    Summit(Summit),
    /// The logits of the tokens of a summit, in their order.
    Logits(Vec<f32>),
}

impl Keeper {
    /// Whether anything is wanted.
    pub(super) fn is_wanted(&self) -> bool {
        self.margin.is_some() || self.row.is_some()
    }

    /// Takes the logits of the tokens from `first` on. They must be finite.
    pub(super) fn see(&mut self, first: u32, logits: &[f32]) {
        if let Some(margin) = &mut self.margin {
            margin.see(first, logits);
        }
        match &mut self.row {
            Some(RowKeeper::Summit(ascent)) => ascent.see(first, logits),
            Some(RowKeeper::Logits(picked)) => picked.see(first, logits),
            None => {}
        }
    }

    /// What was kept of the whole row. `own` is the reference's choice, at positions that choose a token. `None` if
    /// a margin is wanted and there is none ([`Passing::margin`]).
    pub(super) fn kept(self, own: Option<Choice>) -> Option<Kept> {
        let margin = self.margin.zip(own);
        Some(Kept {
            margin: match margin {
                Some((margin, own)) => Some(margin.margin(own)?),
                None => None,
            },
            row: self.row.and_then(|row| match row {
                RowKeeper::Summit(ascent) => Some(Row::Summit(ascent.summit())),
                RowKeeper::Logits(picked) => picked.logits().map(Row::Logits),
            }),
        })
    }
}

const SUMMIT: f64 = 1.0;
const LOGITS: f64 = 2.0;

impl Kept {
    /// What was kept, as numbers that travel between a browser's threads. Tokens and logits are exact in f64. The
    /// logits of a claim are left out: receipts have none.
    pub fn to_numbers(&self) -> Vec<f64> {
        let mut numbers = vec![flag(self.margin.is_some())];
        if let Some(margin) = &self.margin {
            numbers.extend([margin.spread, flag(margin.goes_on)]);
            numbers.extend(pair(&margin.claimed));
            numbers.extend(pair(&margin.chosen));
            numbers.push(margin.rivals.len() as f64);
            numbers.extend(margin.rivals.iter().flat_map(pair));
        }
        match &self.row {
            None => numbers.push(0.0),
            Some(Row::Summit(summit)) => {
                numbers.extend([SUMMIT, summit.spread, summit.largest.len() as f64]);
                numbers.extend(summit.largest.iter().flat_map(pair));
            }
            Some(Row::Logits(logits)) => {
                numbers.extend([LOGITS, logits.len() as f64]);
                numbers.extend(logits.iter().map(|&logit| f64::from(logit)));
            }
        }
        numbers
    }

    /// Takes the next of what [`Kept::to_numbers`] made. `None` if these are no such numbers.
    pub fn from_numbers(numbers: &mut impl Iterator<Item = f64>) -> Option<Self> {
        let margin = match numbers.next()? == flag(true) {
            true => Some(read_margin(numbers)?),
            false => None,
        };
        let row = match numbers.next()? {
            SUMMIT => Some(Row::Summit(Summit {
                spread: numbers.next()?,
                largest: read_choices(numbers)?,
            })),
            LOGITS => {
                let n = read_count(numbers)?;
                let logits = (0..n).map(|_| Some(numbers.next()? as f32));
                Some(Row::Logits(logits.collect::<Option<_>>()?))
            }
            _ => None,
        };
        Some(Self { margin, row })
    }
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

fn pair(choice: &Choice) -> [f64; 2] {
    [f64::from(choice.token), f64::from(choice.logit)]
}

fn read_margin(numbers: &mut impl Iterator<Item = f64>) -> Option<Margin> {
    Some(Margin {
        spread: numbers.next()?,
        goes_on: numbers.next()? == flag(true),
        claimed: read_choice(numbers)?,
        chosen: read_choice(numbers)?,
        rivals: read_choices(numbers)?,
        listed: Vec::new(),
    })
}

fn read_choice(numbers: &mut impl Iterator<Item = f64>) -> Option<Choice> {
    Some(Choice {
        token: numbers.next()? as u32,
        logit: numbers.next()? as f32,
    })
}

fn read_choices(numbers: &mut impl Iterator<Item = f64>) -> Option<Vec<Choice>> {
    let n = read_count(numbers)?;
    (0..n).map(|_| read_choice(numbers)).collect()
}

/// Reads the length of a list. No list is longer than that of a margin's rivals.
fn read_count(numbers: &mut impl Iterator<Item = f64>) -> Option<usize> {
    let n = numbers.next()? as usize;
    (n <= MAX_RIVALS).then_some(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(token: u32, logit: f32) -> Choice {
        Choice { token, logit }
    }

    #[test]
    fn everything_that_is_kept_travels_in_every_bit() {
        let margin = Margin {
            chosen: choice(u32::MAX, f32::MAX),
            goes_on: true,
            rivals: (0..MAX_RIVALS as u32)
                .map(|token| choice(token, -0.1 / (token as f32 + 1.0)))
                .collect(),
            claimed: choice(3, f32::MIN_POSITIVE / 3.0),
            spread: 0.1 + 0.2,
            listed: Vec::new(),
        };
        let summit = Summit {
            largest: vec![choice(1, 0.1), choice(0, -0.0)],
            spread: f64::MIN_POSITIVE,
        };
        let margins = [None, Some(margin)];
        let rows = [
            None,
            Some(Row::Summit(summit)),
            Some(Row::Logits(vec![0.3, -7.0])),
        ];
        let all: Vec<Kept> = margins
            .iter()
            .flat_map(|margin| {
                rows.iter().map(|row| Kept {
                    margin: margin.clone(),
                    row: row.clone(),
                })
            })
            .collect();
        let numbers: Vec<f64> = all.iter().flat_map(Kept::to_numbers).collect();
        let mut left = numbers.iter().copied();
        for kept in &all {
            assert_eq!(Kept::from_numbers(&mut left).as_ref(), Some(kept));
        }
        assert_eq!(left.next(), None);
        let mut short = numbers[..numbers.len() - 1].iter().copied();
        let whole = std::iter::from_fn(|| Kept::from_numbers(&mut short));
        assert_eq!(whole.count(), all.len() - 1);
    }
}
