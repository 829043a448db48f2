//! Receipts and folders of receipts, matched by what they have in common.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use host::{
    comparison::{Aspect, Likeness, differences_apart},
    digest::Digest,
    receipt::{MAX_RECEIPT_BYTES, Receipt},
    verify::Checked,
};

use super::comparison::{Comparison, Made};
use crate::{
    args::CompareArgs,
    exit::{Exit, Failure, say},
    hints::Kind,
    input::read_text,
};

/// Receipts that have everything in common that is not compared across.
type Groups = BTreeMap<Likeness, Vec<Receipt>>;

/// Compares what is at `old` with what is at `new`.
///
/// # Errors
/// Something cannot be read, is no receipt, breaks a rule, or the sides have nothing in common.
pub(super) fn compare(
    args: &CompareArgs,
    old: &Path,
    new: &Path,
) -> Result<Vec<Comparison>, Failure> {
    let sides = [read_side(old)?, read_side(new)?];
    let mut across = args.across();
    // Another engine has no kernels that anybody could ask for.
    if sides.iter().flatten().any(Receipt::is_external) {
        across.insert(Aspect::Kernels);
    }
    let sides = sides.map(|receipts| group(receipts, &across));
    let [of_old, of_new] = &sides;
    let pairs = of_old
        .iter()
        .filter_map(|(likeness, old)| Some((likeness, old, of_new.get(likeness)?)));
    let confidence = f64::from(args.confidence) / 1000.0;
    let compared: Vec<Comparison> = pairs
        .map(|(likeness, one, other)| {
            let made = Made {
                names: [old, new].map(|path| path.display().to_string()),
                sides: [one, other],
                across: &across,
                differences: differences_apart(one, other, confidence, args.drift),
                confidence,
                max_slowdown: args.max_slowdown,
            };
            Comparison::new(likeness.to_string(), made)
        })
        .collect();
    if compared.is_empty() {
        return Err(nothing_in_common(of_old, of_new).at(new));
    }
    for (path, groups, others) in [(old, of_old, of_new), (new, of_new, of_old)] {
        for likeness in groups
            .keys()
            .filter(|likeness| !others.contains_key(likeness))
        {
            let path = path.display();
            say(format_args!(
                "note: only in {path}, and not compared: {likeness}"
            ));
        }
    }
    Ok(compared)
}

fn nothing_in_common(old: &Groups, new: &Groups) -> Failure {
    let pairs = old.keys().zip(new.keys());
    let mut differences = pairs.filter_map(|(old, new)| new.first_difference(old));
    let Some((aspect, found, wanted)) = differences.next() else {
        return Failure::new(Exit::Usage, "the sides have nothing in common");
    };
    let what = format!("other {}: found {found}, OLD has {wanted}", aspect.plural());
    Failure::new(Exit::Usage, what).with_hint(format_args!(
        "--across {} compares them all the same",
        aspect.name()
    ))
}

fn group(receipts: Vec<Receipt>, across: &BTreeSet<Aspect>) -> Groups {
    let mut groups = Groups::new();
    for receipt in receipts {
        let likeness = Likeness::of(&receipt, across);
        groups.entry(likeness).or_default().push(receipt);
    }
    groups
}

/// The receipts at `path`, each once.
fn read_side(path: &Path) -> Result<Vec<Receipt>, Failure> {
    let files = match path.is_dir() {
        true => in_folder(path)?,
        false => vec![path.to_owned()],
    };
    let (mut receipts, mut seen) = (Vec::new(), BTreeSet::<Digest>::new());
    for file in files {
        let receipt = read(&file)?;
        match seen.insert(receipt.receipt_sha256) {
            true => receipts.push(receipt),
            false => say(format_args!(
                "note: {} is the same receipt as another one; it counts once",
                file.display()
            )),
        }
    }
    Ok(receipts)
}

/// The receipts in a folder, by name.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |e: std::io::Error| Failure::io(folder, &e);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension() == Some("json".as_ref()) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let (receipts, others): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|path| looks_like_a_receipt(path));
    if receipts.is_empty() {
        let failure = Failure::new(Exit::BadInput, "found no receipt in this folder");
        return Err(failure
            .at(folder)
            .with_hint("name a folder with the files that benchmark wrote"));
    }
    for other in others {
        let other = other.display();
        say(format_args!("note: {other} is no receipt, and left out"));
    }
    Ok(receipts)
}

/// Whether a file says that it is a receipt, wherever in it that stands.
fn looks_like_a_receipt(path: &Path) -> bool {
    let bytes = host::files::read_bounded(path, MAX_RECEIPT_BYTES).unwrap_or_default();
    let value = serde_json::from_slice(&bytes).ok();
    value.is_some_and(|value: serde_json::Value| value.get("receipt_schema").is_some())
}

/// The receipt at `path`.
///
/// # Errors
/// It cannot be read, or breaks a rule that needs nothing but itself.
pub(super) fn read(path: &Path) -> Result<Receipt, Failure> {
    let bytes = read_text(path, Kind::Receipt, MAX_RECEIPT_BYTES)?;
    let checked = Checked::read(&bytes).map_err(|e| Failure::from(e).at(path))?;
    let is_rejected = checked.is_rejected();
    match checked.receipt {
        Some(receipt) if !is_rejected => Ok(receipt),
        Some(_) => Err(Failure::new(Exit::Rejected, "this receipt breaks a rule")
            .at(path)
            .with_hint("verify-receipt says which")),
        None => Err(Failure::new(Exit::BadInput, "this receipt cannot be read")
            .at(path)
            .with_hint("verify-receipt says why")),
    }
}
