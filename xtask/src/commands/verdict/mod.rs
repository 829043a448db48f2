//! `verdict merge`: the verdicts of several verifiers on parts of one run, put together.

mod gaps;
mod merge;

use host::{plain::plain, verify::Conclusion};

use crate::{
    args::{VerdictArgs, VerdictCommand, VerdictMergeArgs},
    exit::{Exit, Failure},
    hints::Kind,
    input::read_text,
    output::show,
    units::counted,
    verdicts::ReadVerdict,
};
use merge::{Merged, Named, merge};

/// No verdict of this program is larger: its evidence is shortened, and it lists what it covered.
const MAX_VERDICT_BYTES: u64 = 16 << 20;

/// Runs the command.
///
/// # Errors
/// A file cannot be read, or is no verdict on a part of a run.
pub fn run(args: &VerdictArgs) -> Result<Exit, Failure> {
    match &args.command {
        VerdictCommand::Merge(args) => run_merge(args),
    }
}

fn run_merge(args: &VerdictMergeArgs) -> Result<Exit, Failure> {
    let mut parts = Vec::new();
    for path in &args.verdicts {
        let bytes = read_text(path, Kind::Other, MAX_VERDICT_BYTES)?;
        let refused = |what: &str| Failure::new(Exit::BadInput, what).at(path);
        let verdict = ReadVerdict::read(&bytes).map_err(|what| {
            refused(&what).with_hint("name what verify-receipt --format json printed")
        })?;
        if verdict.conclusion == Conclusion::Accepted && verdict.audit.is_none() {
            let what = "this verdict is not on a part of a run, so there is nothing to merge";
            let hint = "name what verify-receipt printed with --layers or --heads";
            return Err(refused(what).with_hint(hint));
        }
        parts.push(Named {
            place: path.display().to_string(),
            verdict,
        });
    }
    let merged = merge(&parts);
    show(args.print, &merged, || text(&merged))?;
    Ok(Exit::of(merged.conclusion))
}

fn text(merged: &Merged) -> String {
    let shown = |text: &str| plain(text, 1000);
    let mut text = format!(
        "{}: merged from the verdicts of {}, and as good as they are\n",
        merged.conclusion.as_str(),
        counted(merged.merged_from as u64, "worker")
    );
    for rule in &merged.rules {
        if let Some(mark) = rule.outcome.mark() {
            text += &format!("  {mark} {}: {}\n", rule.rule, shown(&rule.evidence));
        }
    }
    text += &format!("tokens: {}\n", shown(&merged.tokens));
    for part in &merged.parts {
        text += &format!("  part      {}: {}\n", shown(&part.place), part.covered);
    }
    if let Some(receipt) = &merged.receipt {
        text += &format!(
            "  tokens    {}, after a prompt of {} ({})\n  model     {}, sha256 {}\n  checksum  {}\n  \
             receipt   {}\n",
            receipt.tokens,
            receipt.prompt_tokens,
            shown(&receipt.prompt),
            shown(&receipt.model.file_name),
            receipt.model.sha256,
            receipt.checksum,
            receipt.receipt_sha256
        );
    }
    text
}
