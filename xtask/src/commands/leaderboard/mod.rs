//! `leaderboard`: many receipts, verified and ranked.

mod board;
mod collect;
mod columns;
mod html;
mod markdown;
#[cfg(feature = "parquet")]
mod parquet;
mod row;
mod tables;

use std::{io, path::Path};

use host::watch::Watch;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    args::{Format, LeaderboardArgs},
    exit::{Exit, Failure},
    output::{Destination, is_stdout, print, print_json, tell},
    progress::RunProgress,
};
use board::Board;

/// Runs the command. What verdicts say is no failure.
///
/// # Errors
/// There are no receipts, a file cannot be read or written, or the command was interrupted.
pub fn run(args: &LeaderboardArgs, watch: &Watch) -> Result<Exit, Failure> {
    let how = args.print.output;
    let file = args.output.as_deref().filter(|path| !is_stdout(path));
    // Before the work.
    let kind = file.map_or(Ok(Kind::Markdown), Kind::of)?;
    let destination = file.map(Destination::prepare).transpose()?;
    let display = RunProgress::of(args.print, watch);
    let collected = match (&args.folder, &args.verdicts) {
        (Some(folder), _) => collect::folder(folder, args, watch)?,
        (None, Some(path)) => collect::lines(path)?,
        (None, None) => unreachable!("the argument parser demands one"),
    };
    drop(display);
    let board = Board::of(collected);
    let Some((path, destination)) = file.zip(destination) else {
        return match how.format {
            Format::Json => print_json(&Report::of(&board)),
            Format::Human if how.quiet => Ok(()),
            Format::Human => print(&markdown::page(&board)),
        }
        .map(|()| Exit::Done);
    };
    let bytes = kind.bytes(&board)?;
    let written: io::Result<()> = destination.fill(|to| to.write_all(&bytes));
    written.map_err(|e| Failure::io(path, &e))?;
    tell(how, &Report::of(&board), || {
        let mut text = format!("{}: {}\n", path.display(), board.counts());
        for note in board.notes() {
            text += &format!("  note {note}\n");
        }
        text
    });
    Ok(Exit::Done)
}

/// The form of a board's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Markdown,
    Html,
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Kind {
    /// By the end of the file's name.
    fn of(path: &Path) -> Result<Self, Failure> {
        let refused = |what: &str| Failure::new(Exit::Usage, what).at(path);
        match path.extension().and_then(|end| end.to_str()) {
            Some("md") => Ok(Self::Markdown),
            Some("html") => Ok(Self::Html),
            #[cfg(feature = "parquet")]
            Some("parquet") => Ok(Self::Parquet),
            #[cfg(not(feature = "parquet"))]
            Some("parquet") => {
                let how = "cargo install --path xtask --bin bitreceipt --features parquet --locked";
                let what = "this program was built without Parquet";
                Err(refused(what).with_hint(format!("build it with `{how}`")))
            }
            _ => {
                let what = "found another kind of file, allowed .md, .html and .parquet";
                Err(refused(what).with_hint("name another place with --output"))
            }
        }
    }

    fn bytes(self, board: &Board) -> Result<Vec<u8>, Failure> {
        Ok(match self {
            Self::Markdown => markdown::page(board).into_bytes(),
            Self::Html => html::page(board).into_bytes(),
            #[cfg(feature = "parquet")]
            Self::Parquet => parquet::file(board)
                .map_err(|e| Failure::new(Exit::Io, format_args!("Parquet: {e}")))?,
        })
    }
}

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct Report {
    source: String,
    receipts: Vec<Map<String, Value>>,
    notes: Vec<String>,
}

impl Report {
    fn of(board: &Board) -> Self {
        Self {
            source: board.source.clone(),
            receipts: board.rows().map(columns::object).collect(),
            notes: board.notes().collect(),
        }
    }
}
