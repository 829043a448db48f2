//! An engine that misbehaves as it is told: this test program, started again. The test runner writes to
//! standard output before it begins, so the engine gets the pipe as descriptor 3.

mod program;
mod server;

use std::{env, fs, process, thread, time::Duration};

/// The variable that says how to behave; without it this is a test that does nothing.
const BEHAVIOUR: &str = "FAKE_ENGINE";
/// The variable that all processes of one engine have.
pub const TAG: &str = "FAKE_ENGINE_TAG";

/// The vocabulary of the engine.
pub const N_VOCAB: u32 = 1000;

/// So long a token takes: enough that no two arrive together, unless the machine stands still.
pub const STEP: Duration = Duration::from_millis(20);

/// What is right, of an engine that adds.
pub fn tokens(prompt: &[u32], n: usize) -> Vec<u32> {
    let sum: u32 = prompt.iter().sum();
    (0..n as u32).map(|i| (sum + 7 * i) % N_VOCAB).collect()
}

/// The tokens that an engine with this behaviour chooses.
fn chosen(behaviour: &str, prompt: &[u32], n: usize) -> Vec<u32> {
    let mut ids = tokens(prompt, n);
    match behaviour {
        "fewer" => drop(ids.pop()),
        "more" => ids.push(1),
        "repeats" => ids = vec![3; n],
        _ => {}
    }
    ids
}

/// The command of a fake engine. `rest` is what else it is given, such as `{port}`.
pub fn command(behaviour: &str, tag: &str, rest: &str) -> String {
    let this = env::current_exe().unwrap();
    let script = format!(
        "{BEHAVIOUR}=\"$1\" {TAG}=\"$2\" FAKE_ENGINE_REST=\"$3\" exec \"$0\" --exact fake::engine \
         --nocapture 3>&1 >/dev/null"
    );
    format!(
        "sh -c '{script}' '{}' {behaviour} {tag} {rest}",
        this.display()
    )
}

#[test]
fn engine() {
    let Ok(behaviour) = env::var(BEHAVIOUR) else {
        return;
    };
    let rest = env::var("FAKE_ENGINE_REST").unwrap();
    match rest.parse::<u16>() {
        Ok(port) => server::serve(&behaviour, port),
        Err(_) => program::talk(&behaviour),
    }
    process::exit(0);
}

/// Says something on standard error, and ends with a code.
fn end(words: &str, code: i32) -> ! {
    eprintln!("{words}");
    process::exit(code);
}

/// Ends with a signal.
fn crash() -> ! {
    // No core file, which would take its time.
    eprintln!("about to crash");
    process::abort();
}

/// Does nothing for ever, whoever asks it to end.
fn hang() -> ! {
    let ignored = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, ignored).unwrap();
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}

/// Starts a process that leaves its group and outlives it.
fn fork() {
    use std::os::unix::process::CommandExt;
    let mut child = process::Command::new("sleep");
    let mut child = child.arg("1000").process_group(0).spawn().unwrap();
    thread::spawn(move || child.wait());
}

/// The processes that have this tag, but for those that have ended.
pub fn left(tag: &str) -> Vec<u32> {
    let entry = format!("{TAG}={tag}");
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = folders.filter_map(|f| f.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|&b| b == 0)
            .any(|e| e == entry.as_bytes())
    })
    .collect()
}

/// How many processes with this tag run a program of this name.
pub fn running(tag: &str, name: &str) -> usize {
    let names = left(tag)
        .into_iter()
        .map(|pid| fs::read_to_string(format!("/proc/{pid}/comm")));
    names.flatten().filter(|found| found.trim() == name).count()
}

/// Checks that nothing of an engine is left.
pub fn assert_none_left(tag: &str) {
    let left = left(tag);
    assert!(left.is_empty(), "processes {left:?} are left");
}
