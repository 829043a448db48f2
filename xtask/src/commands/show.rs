//! `show`: what receipts say, without judging them.

use host::{
    plain::plain,
    receipt::MAX_RECEIPT_BYTES,
    verify::{Checked, Summary},
};

use crate::{
    args::ShowArgs,
    exit::{Exit, Failure},
    hints::Kind,
    input::read_text,
    output::show,
};

/// Runs the command.
///
/// # Errors
/// A file cannot be read, or is no receipt of a schema that is known.
pub fn run(args: &ShowArgs) -> Result<Exit, Failure> {
    let mut summaries = Vec::new();
    let mut shown = String::new();
    for path in &args.receipts {
        let bytes = read_text(path, Kind::Receipt, MAX_RECEIPT_BYTES)?;
        let checked = Checked::read(&bytes).map_err(|e| Failure::from(e).at(path))?;
        let Some(receipt) = &checked.receipt else {
            let failure = Failure::new(Exit::BadInput, "this receipt cannot be read");
            return Err(failure.at(path).with_hint("verify-receipt says why"));
        };
        let summary = Summary::of(receipt);
        shown += &text(&path.display().to_string(), &summary);
        summaries.push(summary);
    }
    show(args.print, &summaries, || shown)?;
    Ok(Exit::Done)
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
