//! `show`: what receipts say, without judging them.

use host::{
    digest::Digest,
    plain::plain,
    receipt::MAX_RECEIPT_BYTES,
    verify::{Checked, Summary},
};

use crate::{
    args::{RowFormat, ShowArgs},
    commands::rows::{Entry, Exports, Line, emit, markdown},
    exit::{Exit, Failure},
    hints::Kind,
    input::read_text,
    output::{print, print_json},
};

/// Runs the command.
///
/// # Errors
/// A file cannot be read, or is no receipt of a schema that is known.
pub fn run(args: &ShowArgs) -> Result<Exit, Failure> {
    let paths: Vec<_> = args.receipts.iter().map(|path| &**path).collect();
    let exports = Exports::prepare(&args.print.exports, &paths, &[])?;
    let mut entries = Vec::new();
    for path in &args.receipts {
        let bytes = read_text(path, Kind::Receipt, MAX_RECEIPT_BYTES)?;
        let checked = Checked::read(&bytes).map_err(|e| Failure::from(e).at(path))?;
        let Some(receipt) = checked.receipt else {
            let failure = Failure::new(Exit::BadInput, "this receipt cannot be read");
            return Err(failure.at(path).with_hint("verify-receipt says why"));
        };
        entries.push(Entry::of(receipt, path.display().to_string()));
    }
    let sorted = sorted(&entries);
    let lines: Vec<Line> = sorted.iter().map(|&entry| entry.into()).collect();
    exports.write(&lines)?;
    let summaries = || entries.iter().map(|entry| Summary::of(&entry.receipt));
    match args.print.format {
        RowFormat::Json => print_json(&summaries().collect::<Vec<_>>())?,
        RowFormat::Md => print(&tables(&sorted))?,
        _ => emit(&args.print, &lines, || {
            let texts = entries.iter().zip(summaries());
            texts
                .map(|(entry, summary)| text(&entry.file, &summary))
                .collect()
        })?,
    }
    Ok(Exit::Done)
}

/// Those that their writers replayed come first. Of these and of the others, those of one model stand
/// together, the fastest decode first.
fn sorted(entries: &[Entry]) -> Vec<&Entry> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    let model = |entry: &Entry| (!entry.is_replayed(), entry.receipt.model.sha256.to_string());
    let rate = |entry: &Entry| entry.receipt.decode_tokens_per_sec.unwrap_or(0.0);
    sorted.sort_by(|a, b| {
        let by_model = model(a).cmp(&model(b));
        by_model.then(rate(b).total_cmp(&rate(a)))
    });
    sorted
}

/// A table for each model, and those apart that nobody replayed.
fn tables(sorted: &[&Entry]) -> String {
    let key = |entry: &&Entry| (entry.is_replayed(), entry.receipt.model.sha256);
    let mut text = String::new();
    for group in sorted.chunk_by(|a, b| key(a) == key(b)) {
        let (is_replayed, model) = key(&group[0]);
        let heading = heading(&group[0].receipt.model.file_name, model, is_replayed);
        let between = if text.is_empty() { "" } else { "\n" };
        let lines: Vec<Line> = group.iter().map(|&entry| entry.into()).collect();
        text += &format!("{between}{heading}\n\n{}", markdown(&lines));
    }
    text
}

fn heading(file_name: &str, model: Digest, is_replayed: bool) -> String {
    let name = plain(file_name, 120);
    let replayed = match is_replayed {
        true => "replayed by their writers, by their own word",
        false => "**not replayed by anybody**",
    };
    format!("{name}, sha256 {}…, {replayed}:", &model.to_string()[..16])
}

fn text(place: &str, summary: &Summary) -> String {
    // Whoever sent the file may have named it.
    let place = plain(place, usize::MAX);
    let replayed = match summary.replayed_by_writer {
        true => "by its own word, the writer replayed the run",
        false => "the writer did not replay the run",
    };
    format!(
        "{place}: not checked here\n{}{}  replay    {replayed}\n  receipt   {}\n",
        summary.run_lines("  "),
        summary.claim_lines("  "),
        summary.receipt_sha256
    )
}
