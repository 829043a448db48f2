//! `show`: what receipts say, without judging them.

use host::{
    receipt::MAX_RECEIPT_BYTES,
    verify::{Checked, Summary},
};

use crate::{
    args::{Format, ShowArgs},
    exit::{Exit, Failure},
    input::read_bounded,
    output::{print, print_json},
};

/// Runs the command.
///
/// # Errors
/// A file cannot be read, or is no receipt of a schema that is known.
pub fn run(args: &ShowArgs) -> Result<Exit, Failure> {
    let mut summaries = Vec::new();
    for path in &args.receipts {
        let place = path.display();
        let bytes = read_bounded(path, MAX_RECEIPT_BYTES)?;
        let checked = Checked::read(&bytes).map_err(|e| Failure::from(e).at(path))?;
        let Some(receipt) = &checked.receipt else {
            let line = format!("{place}: cannot be read; verify-receipt {place} says why");
            return Err(Failure::new(Exit::BadInput, line));
        };
        let summary = Summary::of(receipt);
        if args.format == Format::Human {
            print(&text(&place.to_string(), &summary))?;
        }
        summaries.push(summary);
    }
    if args.format == Format::Json {
        print_json(&summaries)?;
    }
    Ok(Exit::Done)
}

fn text(place: &str, summary: &Summary) -> String {
    // Whoever sent the file may have named it.
    let place = place.replace(char::is_control, " ");
    let replayed = match summary.replayed_by_writer {
        true => "says that the writer replayed the run",
        false => "says that nobody replayed the run",
    };
    format!(
        "{place}: a receipt, not checked here; it {replayed}\n{}{}  receipt   sha256 {}\n",
        summary.run_lines("  "),
        summary.claim_lines("  "),
        summary.receipt_sha256
    )
}
