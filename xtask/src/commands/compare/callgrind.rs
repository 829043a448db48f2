//! Instructions of a repetition, counted by valgrind's callgrind: for machines whose counters are closed.

use std::{
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use host::comparison::Work;

use super::child::Build;
use crate::exit::{Exit, Failure};

/// Flags of `benchmark` that a count sets itself, and that take a value.
const SET: [&str; 5] = ["--threads", "-t", "--repetitions", "-r", "--warmup"];

/// Counts the instructions of one repetition of each build, with one thread. Valgrind knows no ISA after
/// AVX2, so that the fastest kernels there are those of AVX2.
///
/// # Errors
/// There is no valgrind, or a build fails under it.
pub(super) fn count(builds: &[Build; 2]) -> Result<Work, Failure> {
    let folder = tempfile::tempdir().map_err(|e| Failure::of_io(&e).about("temporary folder"))?;
    let count = |build| of_repetition(build, folder.path());
    let counts = [count(&builds[0])?, count(&builds[1])?];
    Ok(Work::of_instructions(
        "instructions of a repetition, callgrind",
        counts.map(Some),
    ))
}

/// So many more repetitions are counted in a second process.
const MORE: u64 = 4;

/// What a repetition adds: loading and starting are in both counts. They are not quite the same in both, so
/// that one more repetition would not do.
fn of_repetition(build: &Build, folder: &Path) -> Result<u64, Failure> {
    let few = of_process(build, 1, folder)?;
    let more = of_process(build, 1 + MORE, folder)?;
    Ok(more.saturating_sub(few) / MORE)
}

fn of_process(build: &Build, repetitions: u64, folder: &Path) -> Result<u64, Failure> {
    let (counts, receipt) = (folder.join("counts"), folder.join("receipt.json"));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(joined("--callgrind-out-file=", &counts));
    command.arg(&build.program).arg("benchmark");
    command.args(without(&build.args, &SET));
    command.args(["--threads", "1", "--warmup", "0", "--parity", "off"]);
    command.arg("--repetitions").arg(repetitions.to_string());
    command.args(["--quiet", "--output"]);
    command
        .arg(&receipt)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let done = command.output().map_err(|e| {
        let failure = Failure::io(Path::new("valgrind"), &e);
        failure.with_hint("install valgrind, or leave --callgrind out")
    })?;
    if done.status.code() != Some(0) {
        return Err(build.failed(done.status.code(), &String::from_utf8_lossy(&done.stderr)));
    }
    let text = fs::read_to_string(&counts).map_err(|e| Failure::io(&counts, &e))?;
    total(&text).ok_or_else(|| {
        Failure::new(
            Exit::BadInput,
            "found no count of instructions in callgrind's file",
        )
        .about(&build.name)
    })
}

fn joined(flag: &str, path: &Path) -> OsString {
    let mut word = OsString::from(flag);
    word.push(path);
    word
}

/// The instructions of the whole process in callgrind's file: the line `summary:`, or `totals:`.
fn total(text: &str) -> Option<u64> {
    let of = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    of("totals:").or_else(|| of("summary:"))
}

/// `args` without these flags and their values.
fn without(args: &[OsString], flags: &[&str]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut is_value = false;
    for arg in args {
        let word = arg.to_string_lossy();
        let names = |flag: &&&str| match flag.starts_with("--") {
            true => word == **flag || word.starts_with(&format!("{flag}=")),
            false => word.starts_with(**flag) && !word.starts_with("--"),
        };
        let flag = flags.iter().find(names);
        let is_left_out = std::mem::replace(&mut is_value, flag.is_some_and(|flag| word == **flag));
        if !is_left_out && flag.is_none() {
            kept.push(arg.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{SET, total, without};

    #[test]
    fn the_count_of_the_process() {
        let text = "events: Ir\nfn=(1) f\n1 20\nsummary: 25\ntotals: 26\n";
        assert_eq!(total(text), Some(26));
        assert_eq!(total("summary: 25 1 2\n"), Some(25));
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn flags_with_values_are_left_out_in_every_form() {
        let left = |words: &str| {
            let args: Vec<_> = words.split(' ').map(Into::into).collect();
            let kept = without(&args, &SET);
            let kept: Vec<_> = kept.iter().map(|word| word.to_str().unwrap()).collect();
            kept.join(" ")
        };
        assert_eq!(left("-n 4 -t 1 -p 3"), "-n 4 -p 3");
        assert_eq!(left("--threads=2 -n 4 -r2 --repetitions 7"), "-n 4");
        assert_eq!(left("--warmup 1 --kernel avx2 -t=1"), "--kernel avx2");
        assert_eq!(left("--threads -n"), "");
    }
}
