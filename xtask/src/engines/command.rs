//! The command that starts an engine: words without a shell, and what stands for its placeholders.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{engine::Settings, failure::Cause};

/// A command, ready to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EngineCommand {
    /// The file that is started.
    pub(super) program: PathBuf,
    /// What it is given.
    pub(super) words: Vec<OsString>,
}

/// The words of `command`, as a shell would split them; nothing else of a shell is done.
///
/// # Errors
/// A quote is open, there is no word, or the first one names no program.
pub(super) fn words(command: &str) -> Result<Vec<String>, Cause> {
    let words = shlex::split(command).filter(|words| !words.is_empty());
    words.ok_or_else(|| {
        Cause::Usage(format!(
            "the command {command:?} has no words, or a quote that is open"
        ))
    })
}

impl EngineCommand {
    /// `command` with `settings`, and `port` if it is a server.
    ///
    /// # Errors
    /// As for [`words`], or there is no such program, or a placeholder that does not exist.
    pub(super) fn new(
        command: &str,
        settings: &Settings,
        port: Option<u16>,
    ) -> Result<Self, Cause> {
        let words = words(command)?;
        let program = find(&words[0])?;
        let filled = words[1..].iter().map(|word| fill(word, settings, port));
        Ok(Self {
            program,
            words: filled.collect::<Result<_, _>>()?,
        })
    }

    /// Checks that `command` names a program that is there.
    ///
    /// # Errors
    /// As for [`words`], or there is no such program.
    pub(super) fn check(command: &str) -> Result<(), Cause> {
        find(&words(command)?[0]).map(drop)
    }
}

/// The file of a program: a path, or a name that is looked for in PATH.
fn find(name: &str) -> Result<PathBuf, Cause> {
    let missing = |where_: &str| {
        let hint = "name its path in the command";
        Cause::Usage(format!("there is no program {name:?}{where_}; {hint}"))
    };
    let path = Path::new(name);
    if path.components().count() > 1 {
        return match is_program(path) {
            true => Ok(path.to_owned()),
            false => Err(missing("")),
        };
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path));
    found.ok_or_else(|| missing(" in PATH"))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}

/// A word with values in place of its placeholders.
fn fill(word: &str, settings: &Settings, port: Option<u16>) -> Result<OsString, Cause> {
    let mut filled = OsString::new();
    let mut rest = word;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push(before);
        let Some((name, after)) = behind.split_once('}') else {
            filled.push("{");
            rest = behind;
            continue;
        };
        match (name, port) {
            ("model", _) => filled.push(&settings.model),
            ("threads", _) => filled.push(settings.threads.to_string()),
            ("context", _) => filled.push(settings.context.to_string()),
            ("port", Some(port)) => filled.push(port.to_string()),
            // Such as JSON in an argument.
            (other, _) if !is_like_a_placeholder(other) => {
                filled.push("{");
                rest = behind;
                continue;
            }
            (other, _) => {
                return Err(Cause::Usage(format!(
                    "found {{{other}}} in its command, allowed {{model}}, {{threads}}, {{context}}, and \
                     {{port}} for servers"
                )));
            }
        }
        rest = after;
    }
    filled.push(rest);
    Ok(filled)
}

fn is_like_a_placeholder(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings() -> Settings {
        Settings {
            model: "/a b/m.gguf".into(),
            threads: 3,
            context: 77,
            n_vocab: 10,
            start: Duration::ZERO,
            silence: Duration::ZERO,
        }
    }

    #[test]
    fn words_are_split_before_they_are_filled() {
        let command = "sh -m {model} '-t {threads}' --c={context} {\"a\":1} {}";
        let command = EngineCommand::new(command, &settings(), None).unwrap();
        assert!(command.program.ends_with("sh"));
        let words: Vec<&str> = command.words.iter().map(|w| w.to_str().unwrap()).collect();
        let expected = ["-m", "/a b/m.gguf", "-t 3", "--c=77", "{a:1}", "{}"];
        assert_eq!(words, expected);
        let ported = EngineCommand::new("sh {port}", &settings(), Some(80)).unwrap();
        assert_eq!(ported.words, ["80"]);
    }

    #[test]
    fn what_cannot_be_started_is_refused() {
        for (command, why) in [
            ("", "no words"),
            ("sh 'a", "a quote that is open"),
            ("no-such-program-at-all -m", "in PATH"),
            ("./no/such/program", "there is no program"),
            ("/", "there is no program"),
            ("sh {port}", "found {port}"),
            ("sh {modle}", "found {modle}"),
        ] {
            let refused = EngineCommand::new(command, &settings(), None).unwrap_err();
            assert!(refused.to_string().contains(why), "{command}: {refused}");
        }
    }
}
