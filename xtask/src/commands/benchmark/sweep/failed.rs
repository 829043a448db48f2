//! Why a sweep has no receipts.

use host::failure::RunFailure;

use super::proof::Disagreement;
use crate::{
    commands::benchmark::settings::Planned,
    exit::{Exit, Failure},
};

/// Why a sweep has no receipts.
pub struct Failed {
    /// What is said.
    pub failure: Failure,
    /// A cell that computed something wrong: its old receipt does not stand for it any more.
    pub wrong_cell: Option<usize>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            wrong_cell: None,
        }
    }
}

impl Failed {
    /// Of the cell at this place, which is named.
    pub fn of_cell(planned: &[Planned], at: usize, failure: RunFailure) -> Self {
        let is_wrong = failure.is_wrong_result();
        let is_of_the_file = matches!(failure, RunFailure::Model { .. } | RunFailure::Prompt(_));
        let is_of_a_cell = !is_of_the_file && !matches!(failure, RunFailure::Interrupted);
        let mut failure = Failure::from(failure);
        if is_of_a_cell {
            failure = failure.about(place(planned, at));
        }
        Self {
            failure,
            wrong_cell: is_wrong.then_some(at),
        }
    }

    /// Of cells that disagree, where nothing was replayed.
    pub fn unreplayed(planned: &[Planned], wrong: &Disagreement) -> Self {
        let what = match wrong.with {
            Some(other) => format!(
                "its transcript is not that of {}, and no number of threads, kernel or packing may \
                 change it",
                place(planned, other)
            ),
            None => "its repetitions have other transcripts".to_owned(),
        };
        let failure = Failure::new(Exit::Rejected, what)
            .about(place(planned, wrong.at))
            .with_hint("leave --parity off out, to see what is wrong");
        Self {
            failure,
            wrong_cell: Some(wrong.at),
        }
    }
}

fn place(planned: &[Planned], at: usize) -> String {
    format!("cell {}", planned[at].name)
}
