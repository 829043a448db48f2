//! Where rows go: standard output, standard error, files.

use std::path::Path;

use host::files::AtomicFile;

use super::{
    line::Line,
    table::markdown,
    trackers::{bencher, github_action_benchmark},
};
use crate::{
    args::{ExportArgs, RowFormat, RowOutputArgs},
    exit::{Exit, Failure, say},
    output::{not_writable, print, spares_model},
    tabular::{Record, csv, json, json_lines, sql},
};

/// The name of the table in SQL.
const TABLE: &str = "bitreceipt";

/// Files for rows, found out before the work that makes the rows.
#[derive(Debug)]
pub struct Exports(Vec<(RowFormat, AtomicFile)>);

impl Exports {
    /// Checks that each file can be written, and is none of `models` and `receipts`.
    ///
    /// # Errors
    /// One cannot be written, or something else would be there, too.
    pub fn prepare(
        args: &ExportArgs,
        models: &[&Path],
        receipts: &[&AtomicFile],
    ) -> Result<Self, Failure> {
        let mut files: Vec<(RowFormat, AtomicFile)> = Vec::new();
        for (format, path) in args.files() {
            let hint = "make it first, or name another file";
            let mut new = AtomicFile::prepare(path).map_err(|e| not_writable(path, &e, hint))?;
            for model in models {
                new = spares_model(new, model)?;
            }
            let mut written = files
                .iter()
                .map(|(_, old)| old)
                .chain(receipts.iter().copied());
            if written.any(|old| old.is_same_place(&new)) {
                let failure = Failure::new(Exit::Usage, "something else is written there, too");
                return Err(failure.at(path).with_hint("name another file"));
            }
            files.push((format, new));
        }
        Ok(Self(files))
    }

    /// Writes all files.
    ///
    /// # Errors
    /// Writing one failed: it is as it was.
    pub fn write(&self, lines: &[Line]) -> Result<(), Failure> {
        for (format, file) in &self.0 {
            let text = text_of(*format, lines);
            file.replace(|out| out.write_all(text.as_bytes()))
                .map_err(|e| Failure::io(file.path(), &e))?;
        }
        Ok(())
    }
}

/// Prints rows as `args` say; `human` is what people read on standard output.
///
/// # Errors
/// Standard output cannot be written to.
pub fn emit(
    args: &RowOutputArgs,
    lines: &[Line],
    human: impl FnOnce() -> String,
) -> Result<(), Failure> {
    emit_err(args, lines);
    match args.format {
        RowFormat::Human if args.quiet => Ok(()),
        RowFormat::Human => print(&human()),
        format => print(&text_of(format, lines)),
    }
}

/// Prints rows to standard error, if that was asked for.
fn emit_err(args: &RowOutputArgs, lines: &[Line]) {
    if let Some(format) = args.format_err {
        say(format_args!("{}", text_of(format, lines).trim_end()));
    }
}

/// Rows as text. For people, they are a Markdown table.
fn text_of(format: RowFormat, lines: &[Line]) -> String {
    let rows = || -> Vec<Record> { lines.iter().flat_map(|line| line.records()).collect() };
    match format {
        RowFormat::Human | RowFormat::Md => markdown(lines),
        RowFormat::Csv => csv(&rows()),
        RowFormat::Json => json(&rows()),
        RowFormat::Jsonl => json_lines(&rows()),
        RowFormat::Sql => sql(TABLE, &rows()),
        RowFormat::GithubActionBenchmark => github_action_benchmark(lines),
        RowFormat::Bencher => bencher(lines),
    }
}
