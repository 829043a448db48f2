//! The board: who is ranked among whom, and who stands apart.

use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
};

use host::{digest::Digest, plain::plain, verify::Conclusion};

use super::{collect::Collected, row::Row};
use crate::verdicts::ReadVerdict;

/// Receipts in their groups.
#[derive(Debug)]
pub struct Board {
    /// A sentence on who verified.
    pub source: String,
    /// Those that are ranked, by model and CPU.
    pub groups: Vec<Group>,
    /// Those whose tokens were not all replayed. They have no rank.
    pub apart: Vec<Row>,
    /// Those with a broken rule.
    pub rejected: Vec<Row>,
    notes: Vec<String>,
}

/// The receipts of one model on one CPU, by their decode rate.
#[derive(Debug)]
pub struct Group {
    /// SHA-256 of the model's file.
    pub model_sha256: Digest,
    /// The name of the file in the receipt with the first rank.
    pub model: String,
    /// As the receipts name it.
    pub cpu: String,
    /// At least one.
    pub rows: Vec<Row>,
}

impl Board {
    /// Sorts what was collected.
    pub fn of(collected: Collected) -> Self {
        let Collected {
            source,
            verdicts,
            skipped,
        } = collected;
        let (rows, repeated) = once(verdicts);
        let mut board = Self {
            source,
            groups: Vec::new(),
            apart: Vec::new(),
            rejected: Vec::new(),
            notes: skipped.into_iter().chain(repeated).collect(),
        };
        let mut groups: BTreeMap<(Digest, String), Vec<(f64, Row)>> = BTreeMap::new();
        for row in rows {
            match (row.ranked_rate(), row.receipt()) {
                (Some(rate), Some(receipt)) => {
                    let key = (receipt.model.sha256, receipt.claimed.cpu.clone());
                    groups.entry(key).or_default().push((rate, row));
                }
                _ if row.is_rejected() => board.rejected.push(row),
                _ => board.apart.push(row),
            }
        }
        let groups = groups.into_iter().map(|((model_sha256, cpu), rows)| {
            let rows = ranked(rows);
            let first = rows.first().and_then(Row::receipt);
            Group {
                model_sha256,
                model: first.map_or(String::new(), |r| r.model.file_name.clone()),
                cpu,
                rows,
            }
        });
        board.groups = groups.collect();
        let name = |group: &Group| (group.model.clone(), group.model_sha256, group.cpu.clone());
        board.groups.sort_by_key(name);
        board
    }

    /// Every row: ranked, apart, rejected.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        let ranked = self.groups.iter().flat_map(|group| &group.rows);
        ranked.chain(&self.apart).chain(&self.rejected)
    }

    /// What the reader has to know besides, each on a line. They quote strangers.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.notes.iter().map(|note| plain(note, 1000))
    }

    /// How many there are of each kind.
    pub fn counts(&self) -> String {
        let n_ranked: usize = self.groups.iter().map(|group| group.rows.len()).sum();
        format!(
            "{n_ranked} ranked, {} not proved, {} rejected; {}",
            self.apart.len(),
            self.rejected.len(),
            self.source
        )
    }
}

/// Rows in the order of their rates. Equal rates share a rank.
fn ranked(mut rows: Vec<(f64, Row)>) -> Vec<Row> {
    let digest = |row: &Row| row.receipt().map(|receipt| receipt.receipt_sha256);
    rows.sort_by(|(a, first), (b, second)| {
        let by_rate = b.partial_cmp(a).unwrap_or(Ordering::Equal);
        by_rate.then_with(|| digest(first).cmp(&digest(second)))
    });
    let mut rank = 0;
    let mut last = None;
    let ranked = rows.into_iter().zip(1..).map(|((rate, row), place)| {
        if last != Some(rate) {
            rank = place;
        }
        last = Some(rate);
        Row {
            rank: Some(rank),
            ..row
        }
    });
    ranked.collect()
}

/// Each receipt once, and notes on those that are there more often. Only a digest that is that of the
/// content says that two files are the same receipt: another file may name any digest.
fn once(verdicts: Vec<(String, ReadVerdict)>) -> (Vec<Row>, Vec<String>) {
    let mut rows: Vec<Row> = Vec::new();
    let mut known: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut notes = Vec::new();
    for (place, verdict) in verdicts {
        let receipt = verdict.receipt.as_ref();
        let digest = receipt.filter(|_| verdict.has_own_digest());
        let digest = digest.map(|receipt| receipt.receipt_sha256);
        if let Some(&at) = digest.and_then(|digest| known.get(&digest)) {
            let first = &mut rows[at];
            notes.push(format!(
                "{place}: the same receipt as {}, counted once",
                first.place
            ));
            if first.verdict.conclusion != verdict.conclusion {
                notes.push(format!(
                    "{place}: its verdicts differ: {} and {}",
                    first.verdict.conclusion.as_str(),
                    verdict.conclusion.as_str()
                ));
            }
            if weight(&verdict) > weight(&first.verdict) {
                first.verdict = verdict;
            }
            continue;
        }
        if let Some(digest) = digest {
            known.insert(digest, rows.len());
        }
        rows.push(Row {
            place,
            verdict,
            rank: None,
        });
    }
    (rows, notes)
}

/// Which of two verdicts on a receipt counts: one that rejects, then one that accepts, and of these the
/// one that replayed more.
fn weight(verdict: &ReadVerdict) -> impl Ord + use<> {
    let order = match verdict.conclusion {
        Conclusion::Rejected => 0,
        Conclusion::Accepted => 1,
        Conclusion::Unverifiable => 2,
    };
    (Reverse(order), verdict.replayed)
}
