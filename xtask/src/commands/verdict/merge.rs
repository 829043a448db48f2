//! The rules of a merge. The merged verdict is accepted only if every layer and every choice of one run
//! was audited, by verifiers that agree on everything.

use std::ops::Range;

use host::{
    digest::Digest,
    verify::{Conclusion, Covered, Outcome},
};
use serde::Serialize;

use super::gaps::{gaps, shown};
use crate::verdicts::{Part, ReadAudit, ReadReceipt, ReadRule, ReadVerdict};

/// A verdict and where it was read.
#[derive(Debug)]
pub struct Named {
    /// The file.
    pub place: String,
    /// Its content.
    pub verdict: ReadVerdict,
}

/// A merged verdict: the fields of one that `verify-receipt` prints, without a verifier.
#[derive(Debug, Serialize)]
pub struct Merged {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// What is known about the tokens.
    pub tokens: String,
    /// The content of the receipt, as the first verdict has it.
    pub receipt: Option<ReadReceipt>,
    /// How much was replayed by all together.
    pub replayed: Part,
    /// The number of verdicts.
    pub merged_from: usize,
    /// The guest of all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest_sha256: Option<Digest>,
    /// What all of them covered together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<ReadAudit>,
    /// Who covered what.
    pub parts: Vec<CoveredPart>,
    /// Every rule, with the worst of its outcomes, and those of the merge.
    pub rules: Vec<ReadRule>,
}

/// What one verdict covered.
#[derive(Debug, Serialize)]
pub struct CoveredPart {
    /// The file of the verdict.
    pub place: String,
    /// What it covered, in words.
    pub covered: String,
}

/// Merges verdicts, of which there is at least one.
pub fn merge(parts: &[Named]) -> Merged {
    let counted: Vec<_> = parts.iter().filter_map(covered).collect();
    let all = together(&counted);
    let mut rules = worst(parts);
    rules.push(rule("merge_same", same(parts)));
    rules.push(rule("merge_complete", complete(all.as_ref())));
    let conclusion = Conclusion::of(rules.iter().map(|rule| rule.outcome));
    let first = |outcome| rules.iter().find(|rule| rule.outcome == outcome);
    let tokens = match (first(Outcome::Fail), first(Outcome::Unverifiable)) {
        (Some(broken), _) => format!("not proved ({}: {})", broken.rule, broken.evidence),
        (None, Some(open)) => format!("not proved ({}: {})", open.rule, open.evidence),
        (None, None) => {
            let n = all.as_ref().map_or(0, |all| all.n_positions);
            format!(
                "every part was replayed by a worker, bit for bit ({n} positions); nothing was replayed here"
            )
        }
    };
    let guests = parts.iter().find_map(|part| part.verdict.guest_sha256);
    Merged {
        conclusion,
        tokens,
        receipt: parts.iter().find_map(|part| part.verdict.receipt.clone()),
        replayed: match conclusion {
            Conclusion::Accepted => Part::Merged,
            _ if counted.is_empty() => Part::Nothing,
            _ => Part::Layers,
        },
        merged_from: n_workers(parts),
        guest_sha256: guests,
        parts: parts.iter().map(part).collect(),
        audit: all.map(|covered| ReadAudit { covered }),
        rules,
    }
}

/// The number of workers. A verdict may itself be a merged one.
fn n_workers(parts: &[Named]) -> usize {
    let of_each = parts
        .iter()
        .map(|part| part.verdict.merged_from.unwrap_or(1));
    of_each.fold(0, usize::saturating_add)
}

/// What a verdict covered, if its verifier accepted that.
fn covered(part: &Named) -> Option<&Covered> {
    let audit = part.verdict.audit.as_ref()?;
    (part.verdict.conclusion == Conclusion::Accepted).then_some(&audit.covered)
}

fn part(part: &Named) -> CoveredPart {
    let covered = match covered(part) {
        None => format!("nothing ({})", part.verdict.conclusion.as_str()),
        Some(covered) => {
            let layers = shown(ranges_of(&covered.layers));
            let positions = shown(covered.positions.clone());
            let named = [("layers", layers), ("output at positions", positions)];
            let named = named.into_iter().filter(|(_, ranges)| !ranges.is_empty());
            let named: Vec<_> = named.map(|(of, ranges)| format!("{of} {ranges}")).collect();
            named.join("; ")
        }
    };
    CoveredPart {
        place: part.place.clone(),
        covered,
    }
}

fn ranges_of(layers: &[usize]) -> Vec<Range<usize>> {
    layers.iter().map(|&layer| layer..layer + 1).collect()
}

/// What all of them cover together.
fn together(counted: &[&Covered]) -> Option<Covered> {
    let mut all = Covered {
        layers: Vec::new(),
        positions: Vec::new(),
        ..(*counted.first()?).clone()
    };
    for covered in counted {
        all.layers.extend_from_slice(&covered.layers);
        all.positions.extend_from_slice(&covered.positions);
    }
    all.layers.sort_unstable();
    all.layers.dedup();
    all.positions.sort_by_key(|range| (range.start, range.end));
    all.positions.dedup();
    Some(all)
}

/// Checks that nothing is missing.
fn complete(all: Option<&Covered>) -> Result<(), String> {
    let all = all.ok_or("no worker has accepted a part")?;
    let layers = shown(gaps(ranges_of(&all.layers), all.n_layers));
    let positions = shown(gaps(all.positions.clone(), all.n_positions));
    let mut missing = Vec::new();
    if !layers.is_empty() {
        missing.push(format!("layers {layers} of {} (--layers)", all.n_layers));
    }
    if !positions.is_empty() {
        missing.push(format!("the output at positions {positions} (--heads)"));
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("missing: {}", missing.join("; "))),
    }
}

/// What has to be equal: its name, and where a verdict has it.
type Compared = (&'static str, fn(&ReadVerdict) -> Option<String>);

/// Checks that all verdicts are about the same run, and come from the same reference and demands.
fn same(parts: &[Named]) -> Result<(), String> {
    let compared: [Compared; 7] = [
        ("receipt", |v| {
            Some(v.receipt.as_ref()?.receipt_sha256.to_string())
        }),
        ("model", |v| {
            Some(v.receipt.as_ref()?.model.sha256.to_string())
        }),
        ("checksum", |v| {
            Some(v.receipt.as_ref()?.checksum.to_string())
        }),
        ("guest", |v| Some(v.guest_sha256?.to_string())),
        ("number of layers", |v| {
            Some(v.audit.as_ref()?.covered.n_layers.to_string())
        }),
        ("verifier", |v| Some(v.verifier.as_ref()?.id.clone())),
        ("policy", |v| {
            let policy = v.verifier.as_ref()?.policy.as_ref();
            Some(policy.map_or("none".into(), ToString::to_string))
        }),
    ];
    for part in parts.iter().filter(|part| covered(part).is_some()) {
        if part.verdict.guest_sha256.is_none() {
            return Err(format!("{}: found no guest", part.place));
        }
        if !part.verdict.has_own_digest() {
            return Err(format!("{}: found no rule receipt_sha256", part.place));
        }
    }
    for (what, of) in compared {
        let mut found = parts
            .iter()
            .filter_map(|part| Some((&part.place, of(&part.verdict)?)));
        let Some((first, wanted)) = found.next() else {
            continue;
        };
        if let Some((other, value)) = found.find(|(_, value)| *value != wanted) {
            return Err(format!(
                "{other} has the {what} {value}, {first} has {wanted}"
            ));
        }
    }
    Ok(())
}

fn rule(rule: &str, result: Result<(), String>) -> ReadRule {
    ReadRule {
        rule: rule.into(),
        outcome: match result {
            Ok(()) => Outcome::Pass,
            Err(_) => Outcome::Unverifiable,
        },
        evidence: result.err().unwrap_or_default(),
    }
}

/// Every rule of every verdict, with the worst of its outcomes and where that stands.
fn worst(parts: &[Named]) -> Vec<ReadRule> {
    let mut rules: Vec<ReadRule> = Vec::new();
    for Named { place, verdict } in parts {
        let of_workers = verdict.rules.iter();
        for found in of_workers.filter(|rule| !rule.rule.starts_with("merge_")) {
            let evidence = match found.evidence.is_empty() {
                true => String::new(),
                false => format!("{}: {}", place, found.evidence),
            };
            let found = ReadRule {
                evidence,
                ..found.clone()
            };
            match rules.iter_mut().find(|rule| rule.rule == found.rule) {
                None => rules.push(found),
                Some(known) if known.outcome < found.outcome => *known = found,
                Some(_) => {}
            }
        }
    }
    rules
}
