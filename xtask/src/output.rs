//! Standard output, and files that commands write.

use std::{
    io::{self, Write},
    path::Path,
};

use host::files::{AtomicFile, Staged};

use crate::{
    args::{Format, OutputArgs},
    exit::{Exit, Failure, say},
};

/// Prints `text` to standard output. A reader that has gone away is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::of_io(&e).about("standard output")),
        Ok(()) => Ok(()),
    }
}

/// Prints a value as JSON.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::new(Exit::Io, format_args!("JSON: {e}")))?;
    print(&(text + "\n"))
}

/// Prints a result as `how` says: JSON, a text, or nothing.
pub fn show(
    how: OutputArgs,
    json: &impl serde::Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    match how.format {
        Format::Json => print_json(json),
        Format::Human if how.quiet => Ok(()),
        Format::Human => print(&text()),
    }
}

/// As [`show`], of what is written already: that it cannot be printed is said, and undoes nothing.
pub fn tell(how: OutputArgs, json: &impl serde::Serialize, text: impl FnOnce() -> String) {
    note(show(how, json, text));
}

/// Says that what is written already could not be printed.
pub fn note(printed: Result<(), Failure>) {
    if let Err(failure) = printed {
        say(format_args!("note: {failure}; what was written is there"));
    }
}

/// Whether `path` stands for standard output.
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Where a command's result goes, found out before the work that makes it.
#[derive(Debug)]
pub enum Destination {
    /// A file, which appears whole or not at all.
    File(AtomicFile),
    /// `-`
    Stdout,
}

impl Destination {
    /// Checks that something can be written to `path`.
    ///
    /// # Errors
    /// As for [`AtomicFile::prepare`].
    pub fn prepare(path: &Path) -> Result<Self, Failure> {
        match is_stdout(path) {
            true => Ok(Self::Stdout),
            false => file(path).map(Self::File),
        }
    }

    /// Checks that it would not replace `input`, the model that is read.
    ///
    /// # Errors
    /// Both are one file.
    pub fn spares_model(self, input: &Path) -> Result<Self, Failure> {
        self.spares("model", input)?;
        Ok(self)
    }

    /// Checks that it would not replace `input`, which messages call `what`.
    ///
    /// # Errors
    /// Both are one file.
    pub fn spares(&self, what: &str, input: &Path) -> Result<(), Failure> {
        match self {
            Self::File(file) => file
                .spares(what, input)
                .map_err(|e| Failure::io(file.path(), &e)),
            Self::Stdout => Ok(()),
        }
    }

    /// Fills it with what `write` writes.
    ///
    /// # Errors
    /// Writing failed. An old file is as it was.
    pub fn fill<E: From<io::Error>>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::File(file) => file.replace(write),
            Self::Stdout => {
                let mut stdout = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
                write(&mut stdout)?;
                Ok(stdout.flush()?)
            }
        }
    }
}

/// The file at `path`, to be written.
///
/// # Errors
/// As for [`Destination::prepare`].
pub fn file(path: &Path) -> Result<AtomicFile, Failure> {
    let hint = "make it first, or name another place with --output";
    AtomicFile::prepare(path).map_err(|e| not_writable(path, &e, hint))
}

/// Writes `bytes` beside a file, which they replace when they are committed.
///
/// # Errors
/// They cannot be written.
pub fn stage<'f>(file: &'f AtomicFile, bytes: &[u8]) -> Result<Staged<'f>, Failure> {
    file.stage(|out| out.write_all(bytes))
        .map_err(|e| Failure::io(file.path(), &e))
}

/// A failure to write to `path`; `hint` says what to do where there is no such folder.
pub fn not_writable(path: &Path, error: &io::Error, hint: &str) -> Failure {
    match path.parent() {
        Some(folder) if error.kind() == io::ErrorKind::NotFound && !folder.is_dir() => {
            let what = format!("there is no folder {}", folder.display());
            Failure::new(Exit::Io, what).at(path).with_hint(hint)
        }
        _ => Failure::io(path, error),
    }
}

/// As [`Destination::spares_model`].
///
/// # Errors
/// Both are one file.
pub fn spares_model(file: AtomicFile, input: &Path) -> Result<AtomicFile, Failure> {
    file.spares("model", input)
        .map_err(|e| Failure::io(file.path(), &e))?;
    Ok(file)
}
