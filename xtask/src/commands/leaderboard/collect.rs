//! Gets the verdicts: verifies the receipts of a folder, or reads what others found.

use std::{
    fs,
    path::{Path, PathBuf},
};

use host::{
    digest::Digest,
    receipt::MAX_RECEIPT_BYTES,
    verify::{Checked, NotAReceipt},
    watch::Watch,
};
use serde::Deserialize;

use crate::{
    args::{AllowanceArgs, LeaderboardArgs, LongOutputArgs, OutputArgs, VerifyReceiptArgs},
    commands::verify_receipt::{self, Shared},
    exit::{Exit, Failure},
    hints::Kind,
    input::{read_bounded, read_text},
    units::counted,
    verdicts::ReadVerdict,
};

/// About 25,000 verdicts.
const MAX_LINES_BYTES: u64 = 256 << 20;

/// Verdicts, and where they are from.
#[derive(Debug)]
pub struct Collected {
    /// A sentence on who verified.
    pub source: String,
    /// Verdicts, each with the place of its receipt.
    pub verdicts: Vec<(String, ReadVerdict)>,
    /// What has no verdict, and why.
    pub skipped: Vec<String>,
}

/// Verifies every receipt in `folder`.
///
/// # Errors
/// There is none, the folder or the policy cannot be read, or the command was interrupted.
pub fn folder(folder: &Path, args: &LeaderboardArgs, watch: &Watch) -> Result<Collected, Failure> {
    verify_receipt::policy(args.policy.as_deref())?;
    let Found {
        mut receipts,
        mut skipped,
    } = find(folder)?;
    // A model is read once for all of its receipts.
    receipts.sort();
    let shared = Shared::remembering(args.models.clone().into_iter().collect());
    let mut verdicts = Vec::new();
    for (_, path) in receipts {
        let place = name(&path);
        match verify_receipt::examine_in(&shared, &of_one(&path, args), watch) {
            Ok(examined) => verdicts.push((place, read_again(&examined.into_json())?)),
            Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
            // One receipt that cannot be verified here is no reason to have no board.
            Err(failure) => skipped.push(format!("not verified: {failure}")),
        }
    }
    if verdicts.is_empty() {
        let what = format!(
            "found no receipt that can be verified here: {}",
            skipped.join("; ")
        );
        return Err(Failure::new(Exit::Unverifiable, what).at(folder));
    }
    verdicts.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (n, replays) = (verdicts.len() as u64, shared.n_replays() as u64);
    Ok(Collected {
        source: format!(
            "{}, verified here with {}.",
            counted(n, "receipt"),
            counted(replays, "replay")
        ),
        verdicts,
        skipped,
    })
}

/// A model's digest, and the layout of its I2_S tensors.
type ModelKey = (Digest, Option<String>);

/// The JSON files of a folder.
struct Found {
    /// Receipts, behind what they share: the model and its layout.
    receipts: Vec<(Option<ModelKey>, PathBuf)>,
    skipped: Vec<String>,
}

fn find(folder: &Path) -> Result<Found, Failure> {
    let failed = |e: std::io::Error| {
        let failure = Failure::io(folder, &e);
        match folder.is_file() {
            true => failure.with_hint("name a folder of receipts"),
            false => failure,
        }
    };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "json") && !path.is_dir());
    paths.sort();
    let mut found = Found {
        receipts: Vec::new(),
        skipped: Vec::new(),
    };
    for path in paths {
        let read = read_text(&path, Kind::Receipt, MAX_RECEIPT_BYTES);
        let checked = read.and_then(|bytes| {
            let checked = Checked::read(&bytes);
            checked.map_err(|e: NotAReceipt| Failure::from(e).at(&path))
        });
        match checked {
            Ok(Checked { receipt, .. }) => {
                let model = receipt.map(|r| (r.model.sha256, r.model.i2s_layout));
                found.receipts.push((model, path));
            }
            Err(failure) => found.skipped.push(format!("skipped: {failure}")),
        }
    }
    if found.receipts.is_empty() {
        let what = match found.skipped.len() {
            0 => "found no receipts: no file ends with .json".into(),
            n => format!("found no receipts among {}", counted(n as u64, "JSON file")),
        };
        let failure = Failure::new(Exit::BadInput, what).at(folder);
        return Err(failure.with_hint("name a folder of files that benchmark wrote"));
    }
    Ok(found)
}

/// The verification of one of the receipts.
fn of_one(path: &Path, args: &LeaderboardArgs) -> VerifyReceiptArgs {
    VerifyReceiptArgs {
        receipt: Some(path.to_owned()),
        no_replay: args.no_replay,
        jobs: args.jobs,
        policy: args.policy.clone(),
        allowance: AllowanceArgs {
            max_positions: args.max_positions,
            max_bytes: args.max_bytes,
            ..AllowanceArgs::default()
        },
        // The board has a display of its own.
        print: LongOutputArgs {
            output: OutputArgs {
                quiet: true,
                ..OutputArgs::default()
            },
            ..LongOutputArgs::default()
        },
        ..VerifyReceiptArgs::default()
    }
}

/// A verdict as a worker would have sent it: a board has one way in.
fn read_again(report: &impl serde::Serialize) -> Result<ReadVerdict, Failure> {
    let failed = |e: String| Failure::new(Exit::Io, e);
    let bytes = serde_json::to_vec(report).map_err(|e| failed(e.to_string()))?;
    ReadVerdict::read(&bytes).map_err(failed)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Reads verdicts, one a line. A line with an error in place of a verdict is noted.
///
/// # Errors
/// There is none, the file cannot be read, or a line is something else.
pub fn lines(path: &Path) -> Result<Collected, Failure> {
    let bytes = read_bounded(path, Kind::Other, MAX_LINES_BYTES)?;
    let refused = |what: String| Failure::new(Exit::BadInput, what).at(path);
    if bytes.len() as u64 > MAX_LINES_BYTES {
        let what = format!("found too many bytes, allowed at most {MAX_LINES_BYTES}");
        return Err(refused(what).with_hint("make several boards"));
    }
    let mut collected = Collected {
        source: "Verdicts that others made: this board is as good as they are.".into(),
        verdicts: Vec::new(),
        skipped: Vec::new(),
    };
    let lines = bytes.split(|&byte| byte == b'\n').zip(1..);
    for (line, number) in lines.filter(|(line, _)| !line.trim_ascii().is_empty()) {
        if let Ok(failed) = serde_json::from_slice::<FailedLine>(line) {
            collected.skipped.push(failed.note(number));
            continue;
        }
        let verdict = ReadVerdict::read(line).map_err(|e| {
            let hint = "each line is what verify-receipt --format json printed, on one line";
            refused(format!("line {number}: {e}")).with_hint(hint)
        })?;
        let place = verdict.place.clone();
        let place = place.unwrap_or_else(|| format!("line {number}"));
        collected.verdicts.push((place, verdict));
    }
    if collected.verdicts.is_empty() {
        return Err(refused("found no verdicts".into()));
    }
    Ok(collected)
}

/// What a command prints that has no verdict.
#[derive(Deserialize)]
struct FailedLine {
    error: FailedFields,
    place: Option<String>,
}

#[derive(Deserialize)]
struct FailedFields {
    what: String,
}

impl FailedLine {
    fn note(&self, number: usize) -> String {
        let place = self.place.clone();
        let place = place.unwrap_or_else(|| format!("line {number}"));
        format!("not verified: {place}: {}", self.error.what)
    }
}
