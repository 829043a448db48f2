//! The commands that a document quotes.

use clap::{CommandFactory, error::ErrorKind};
use xtask::args::{Args, XtaskArgs};

/// What stands before the words of a command, and whether `xtask` is meant.
const CALLS: [(&str, bool); 3] = [
    ("cargo run -p xtask -- ", true),
    ("xtask ", true),
    ("bitreceipt ", false),
];

/// A command as a document has it.
#[derive(Debug)]
pub struct Quoted {
    words: Vec<String>,
    is_xtask: bool,
    /// A whole line of a block, to be typed as it is; otherwise part of a sentence.
    is_line: bool,
}

/// The commands in `text`: lines of a script or of a block of code, and code within a sentence.
/// Notation such as `[--flag]` and `a|b` is none.
pub fn quoted(text: &str, is_script: bool) -> Vec<Quoted> {
    let mut found = Vec::new();
    let mut is_code = is_script;
    for line in text.replace("\\\n", " ").lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            // A workflow has some commands behind a key.
            let line = line.trim().trim_start_matches("- run: ");
            found.extend(command(line, true));
        } else {
            let code = line.split('`').skip(1).step_by(2);
            found.extend(code.filter_map(|code| command(code, false)));
        }
    }
    found
}

fn command(code: &str, is_line: bool) -> Option<Quoted> {
    let is_call = |(call, is_xtask)| Some((code.strip_prefix(call)?, is_xtask));
    let (words, is_xtask) = CALLS.into_iter().find_map(is_call)?;
    let words = split(words.split("  #").next()?);
    let is_notation = |word: &String| word.contains(['[', ']', '|', '…']);
    (!words.iter().any(is_notation)).then_some(Quoted {
        words,
        is_xtask,
        is_line,
    })
}

/// As a shell splits words.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.trim().chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '>' | '<' | ';' | '&') => break,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    // What stands for a number or for a nonce.
    let word = |word: String| match &word[..] {
        "N" | "X" => "1".to_owned(),
        "HEX" | "$GITHUB_SHA" | "$challenge" => "00ff".to_owned(),
        _ => word,
    };
    words.into_iter().map(word).collect()
}

impl Quoted {
    /// Parses it as its program would.
    pub fn parse(&self) -> Result<(), clap::Error> {
        let program = match self.is_xtask {
            true => XtaskArgs::command(),
            false => Args::command(),
        };
        let words = ["program"]
            .into_iter()
            .chain(self.words.iter().map(String::as_str));
        match program.try_get_matches_from(words) {
            // Help and version.
            Err(error) if !error.use_stderr() => Ok(()),
            // A sentence names a command, and need not say everything that it takes.
            Err(error) if !self.is_line && is_incomplete(&error) => Ok(()),
            parsed => parsed.map(drop),
        }
    }
}

fn is_incomplete(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

#[test]
fn commands_are_found_and_wrong_ones_are_not_accepted() {
    let text = "Run `xtask selftest`, or:\n\
                bitreceipt is a program.\n\
                ```\n\
                bitreceipt run m.gguf --prompt 'a b' \\\n  -n 4  # a comment\n\
                cargo run -p xtask -- logits [--flag]\n\
                bitreceipt logits\n\
                ```\n\
                `xtask nothing` and `bitreceipt logits`\n";
    let found = quoted(text, false);
    let words: Vec<_> = found.iter().map(|q| q.words.join("_")).collect();
    let expected = [
        "selftest",
        "run_m.gguf_--prompt_a b_-n_4",
        "logits",
        "nothing",
        "logits",
    ];
    assert_eq!(words, expected);
    let parsed: Vec<_> = found.iter().map(|q| q.parse().is_ok()).collect();
    // A line has to be complete, a word in a sentence need not.
    assert_eq!(parsed, [true, true, false, false, true]);
    assert_eq!(quoted("bitreceipt inspect m.gguf", true).len(), 1);
}
