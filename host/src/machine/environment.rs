//! The environment variables of a run. They are resolved once, before any thread starts.

use std::num::NonZeroUsize;

use crate::receipt::{MAX_SEED, MAX_THREADS};

/// Flags of the command line that override variables.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flags {
    /// `--deterministic`
    pub deterministic: bool,
    /// `--seed`
    pub seed: Option<u64>,
    /// `--threads`
    pub threads: Option<usize>,
}

/// The values in effect for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Environment {
    /// `BITNET_DETERMINISTIC`
    pub deterministic: bool,
    /// `BITNET_SEED`
    pub seed: u64,
    /// `RAYON_NUM_THREADS`
    pub threads: usize,
}

/// A variable or flag with an invalid value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: found {found}, allowed {allowed}")]
pub struct EnvironmentError {
    name: &'static str,
    found: String,
    allowed: String,
}

const DEFAULT_SEED: u64 = 42;

impl Environment {
    /// Resolves flags, then variables, then defaults. A deterministic run has one thread.
    ///
    /// # Errors
    /// A value is invalid, or `--threads` contradicts `--deterministic`.
    pub fn resolve(
        flags: Flags,
        variable: impl Fn(&str) -> Option<String>,
        default_threads: NonZeroUsize,
    ) -> Result<Self, EnvironmentError> {
        let deterministic = flags.deterministic | deterministic(&variable)?;
        let seed = match flags.seed {
            Some(seed) => check_seed("--seed", seed)?,
            None => seed(&variable)?.unwrap_or(DEFAULT_SEED),
        };
        let from_variable = threads(&variable)?;
        let threads = match (deterministic, flags.threads) {
            (true, None | Some(1)) => 1,
            (true, Some(n)) => {
                return Err(EnvironmentError {
                    name: "--threads",
                    found: n.to_string(),
                    allowed: "1 in a deterministic run (leave out --deterministic or --threads)"
                        .into(),
                });
            }
            (false, Some(n)) => check_threads("--threads", n)?,
            (false, None) => from_variable.unwrap_or(default_threads.get()),
        };
        Ok(Self {
            deterministic,
            seed,
            threads,
        })
    }
}

fn deterministic(variable: impl Fn(&str) -> Option<String>) -> Result<bool, EnvironmentError> {
    let name = "BITNET_DETERMINISTIC";
    match variable(name).as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(found) => Err(EnvironmentError {
            name,
            found: format!("{found:?}"),
            allowed: "0, 1, true or false".into(),
        }),
    }
}

fn seed(variable: impl Fn(&str) -> Option<String>) -> Result<Option<u64>, EnvironmentError> {
    let name = "BITNET_SEED";
    let Some(found) = variable(name) else {
        return Ok(None);
    };
    match found.parse() {
        Ok(seed) => check_seed(name, seed).map(Some),
        Err(_) => Err(seed_error(name, format!("{found:?}"))),
    }
}

fn check_seed(name: &'static str, seed: u64) -> Result<u64, EnvironmentError> {
    if seed > MAX_SEED {
        return Err(seed_error(name, seed.to_string()));
    }
    Ok(seed)
}

fn seed_error(name: &'static str, found: String) -> EnvironmentError {
    EnvironmentError {
        name,
        found,
        allowed: format!("an integer from 0 to {MAX_SEED}"),
    }
}

fn threads(variable: impl Fn(&str) -> Option<String>) -> Result<Option<usize>, EnvironmentError> {
    let name = "RAYON_NUM_THREADS";
    let Some(found) = variable(name) else {
        return Ok(None);
    };
    match found.parse() {
        Ok(n) => check_threads(name, n).map(Some),
        Err(_) => Err(threads_error(name, format!("{found:?}"))),
    }
}

fn check_threads(name: &'static str, n: usize) -> Result<usize, EnvironmentError> {
    if !(1..=MAX_THREADS).contains(&n) {
        return Err(threads_error(name, n.to_string()));
    }
    Ok(n)
}

fn threads_error(name: &'static str, found: String) -> EnvironmentError {
    EnvironmentError {
        name,
        found,
        allowed: format!("an integer from 1 to {MAX_THREADS}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(flags: Flags, variables: &[(&str, &str)]) -> Result<Environment, EnvironmentError> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Environment::resolve(flags, variable, NonZeroUsize::new(7).unwrap())
    }

    #[test]
    fn presence_alone_means_nothing() {
        for (value, deterministic) in [("0", false), ("false", false), ("1", true), ("true", true)]
        {
            let variables = [("BITNET_DETERMINISTIC", value)];
            let resolved = resolve(Flags::default(), &variables).unwrap();
            assert_eq!(resolved.deterministic, deterministic, "{value}");
            assert_eq!(resolved.threads, if deterministic { 1 } else { 7 });
        }
    }

    #[test]
    fn values_that_are_not_understood_are_errors() {
        for (name, value) in [
            ("BITNET_DETERMINISTIC", "yes"),
            ("BITNET_DETERMINISTIC", ""),
            ("BITNET_SEED", "-1"),
            ("BITNET_SEED", "9007199254740992"),
            ("BITNET_SEED", "0x10"),
            ("RAYON_NUM_THREADS", "0"),
            ("RAYON_NUM_THREADS", "many"),
            ("RAYON_NUM_THREADS", "1025"),
        ] {
            let error = resolve(Flags::default(), &[(name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }

    #[test]
    fn flags_win_over_variables() {
        let flags = Flags {
            seed: Some(9),
            threads: Some(3),
            deterministic: false,
        };
        let variables = [("BITNET_SEED", "5"), ("RAYON_NUM_THREADS", "2")];
        let resolved = resolve(flags, &variables).unwrap();
        assert_eq!((resolved.seed, resolved.threads), (9, 3));
        let resolved = resolve(Flags::default(), &variables).unwrap();
        assert_eq!((resolved.seed, resolved.threads), (5, 2));
    }

    #[test]
    fn deterministic_is_one_thread() {
        let flags = |threads| Flags {
            deterministic: true,
            threads,
            ..Flags::default()
        };
        let variables = [("RAYON_NUM_THREADS", "4")];
        assert_eq!(resolve(flags(None), &variables).unwrap().threads, 1);
        assert_eq!(resolve(flags(Some(1)), &variables).unwrap().threads, 1);
        assert!(resolve(flags(Some(2)), &[]).is_err());
    }
}
