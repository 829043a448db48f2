//! `report`: receipts as a page that people read.

mod input;

use std::path::Path;

use host::{
    attest::bundle_path,
    plain::plain,
    verify::{Checked, Conclusion, SimpleVerificationResult},
    watch::Watch,
};
use serde_json::json;

use crate::{
    args::{ReportArgs, VerifyReceiptArgs},
    commands::verify_receipt::{Shared, examine_bytes, now},
    exit::{Exit, Failure},
    hints::is_receipt,
    output::{Destination, tell},
    report::{DrawError, Subject, page},
};

/// Runs the command.
///
/// # Errors
/// A file cannot be read or is no receipt, or the page cannot be written. A verdict is no failure.
pub fn run(args: &ReportArgs, watch: &Watch) -> Result<Exit, Failure> {
    let output = destination(args)?;
    let shared = Shared::remembering(args.model.clone().into_iter().collect());
    let mut subjects: Vec<Subject> = Vec::new();
    for path in &args.receipts {
        let subject = examine(args, path, &shared, watch)?;
        // By its content: a forgery may have another one's digest.
        let is_same = |other: &&Subject| other.receipt == subject.receipt;
        if let Some(other) = subjects.iter().find(is_same) {
            let what = format!("this is the same receipt as {}", other.place);
            let failure = Failure::new(Exit::Usage, what).at(path);
            return Err(failure.with_hint("name each receipt once"));
        }
        subjects.push(subject);
    }
    let text = page(&subjects, args.check_at.as_deref()).map_err(|e| cannot_draw(&e))?;
    let at_output = |e| match &output {
        Destination::File(file) => Failure::io(file.path(), &e),
        Destination::Stdout => Failure::of_io(&e).about("standard output"),
    };
    output
        .fill(|out| out.write_all(text.as_bytes()))
        .map_err(at_output)?;
    if let Destination::File(file) = &output {
        say(args, file.path(), &subjects);
    }
    let is_rejected = |s: &Subject| s.verdict.conclusion == Conclusion::Rejected;
    Ok(match subjects.iter().any(is_rejected) {
        true => Exit::Rejected,
        false => Exit::Done,
    })
}

/// Where the page goes: never in the place of something that is read, or of another receipt.
fn destination(args: &ReportArgs) -> Result<Destination, Failure> {
    let output = Destination::prepare(&args.output)?;
    for receipt in &args.receipts {
        output.spares("receipt", receipt)?;
    }
    for (what, file) in [
        ("model", &args.model),
        ("policy", &args.policy),
        ("key", &args.public_key),
    ] {
        if let Some(file) = file {
            output.spares(what, file)?;
        }
    }
    if is_receipt(&args.output) {
        let failure = Failure::new(Exit::Io, "is a receipt, and no page").at(&args.output);
        return Err(failure.with_hint("name another output, such as report.html"));
    }
    Ok(output)
}

/// Reads a receipt and verifies it as `verify-receipt` does.
fn examine(
    args: &ReportArgs,
    path: &Path,
    shared: &Shared,
    watch: &Watch,
) -> Result<Subject, Failure> {
    let (bytes, profile) = input::read(path)?;
    let checked = Checked::read(&bytes).map_err(|e| Failure::from(e).at(path))?;
    let Some(receipt) = checked.receipt else {
        let failure = Failure::new(Exit::BadInput, "this receipt cannot be read");
        return Err(failure.at(path).with_hint("verify-receipt says why"));
    };
    let bundle = bundle_path(path);
    let verification = VerifyReceiptArgs {
        receipt: Some(path.to_owned()),
        no_replay: args.no_replay,
        sample: args.sample,
        jobs: args.jobs,
        policy: args.policy.clone(),
        bundle: args.public_key.is_some().then(|| bundle.clone()),
        public_key: args.public_key.clone(),
        model: args.model.clone(),
        allowance: args.allowance.clone(),
        print: args.print,
        ..VerifyReceiptArgs::default()
    };
    let examined = examine_bytes(shared, &verification, &bytes, watch)?;
    let explanation = examined.explanation();
    let verdict = examined.verdict;
    let verified_at = SimpleVerificationResult::new(&verdict, None, now()).time_created;
    Ok(Subject {
        place: place(path),
        summary: verdict.receipt.clone().expect("it was read above"),
        receipt,
        verdict,
        explanation,
        verified_at,
        profile,
        has_bundle: bundle.is_file(),
    })
}

/// How the page names a file: whoever sent it may have named it.
fn place(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "standard input".into(),
        false => plain(&path.display().to_string(), 200),
    }
}

fn cannot_draw(error: &DrawError) -> Failure {
    Failure::new(Exit::Io, format_args!("a chart cannot be drawn: {error}"))
}

/// Says what was written, and what it is about.
fn say(args: &ReportArgs, path: &Path, subjects: &[Subject]) {
    let list = subjects.iter().map(|s| {
        json!({"receipt": s.place, "conclusion": s.verdict.conclusion, "replayed": s.verdict.replayed})
    });
    let json = json!({
        "path": path.display().to_string(),
        "receipts": list.collect::<Vec<_>>(),
    });
    tell(args.print.output, &json, || {
        let verdicts = subjects.iter().map(|s| {
            let conclusion = s.verdict.conclusion.as_str();
            format!("{conclusion}: {}\n", s.place)
        });
        let verdicts: String = verdicts.collect();
        format!("{verdicts}page: {}\n", path.display())
    });
}
