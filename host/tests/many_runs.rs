//! Many benchmark runs in one process, each from the file to the receipt: the same checksum every time,
//! and no memory, thread or open file that stays.

#![cfg(target_os = "linux")]

use std::{fs, path::PathBuf};

use host::{
    digest::Digest,
    input::Prompt,
    machine::Environment,
    run::{Loaded, RunSettings},
    sandbox::Sandbox,
    watch::Watch,
};

/// Runs after which everything that is allocated once has been.
const WARM: usize = 100;
/// Bytes that an allocator may keep for itself.
const SLACK: u64 = 8 << 20;

/// What this process holds.
#[derive(Debug)]
struct Held {
    /// Bytes in memory.
    resident: u64,
    threads: usize,
    files: usize,
}

impl Held {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let field = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.unwrap().split_whitespace().next().unwrap();
            number.parse::<u64>().unwrap()
        };
        Self {
            resident: field("VmRSS:") << 10,
            threads: field("Threads:") as usize,
            files: fs::read_dir("/proc/self/fd").unwrap().count(),
        }
    }
}

fn settings(threads: usize) -> RunSettings {
    RunSettings {
        model: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf")),
        prompt: Prompt::Ids(vec![1, 2, 3]),
        depth: 0,
        pin: false,
        time_budget: 60,
        n_generate: 2,
        warmup: 1,
        repetitions: Some(1),
        environment: Environment {
            deterministic: false,
            seed: 42,
            threads,
        },
        i2s_layout: Default::default(),
        kernel: Default::default(),
        packing: Default::default(),
        screening: Default::default(),
        kv_type: Default::default(),
    }
}

/// The checksum of a run with its proof.
fn run(sandbox: &Sandbox, threads: usize) -> Digest {
    let loaded = Loaded::open(settings(threads), &Watch::default()).unwrap();
    let receipt = loaded.measure().unwrap().prove(sandbox).unwrap().receipt();
    receipt.parity.checksum
}

fn runs(n: usize) {
    let sandbox = Sandbox::new(&Watch::default()).unwrap();
    let expected = run(&sandbox, 1);
    let mut warm = None;
    for i in 0..n {
        assert_eq!(run(&sandbox, 1 + i % 2), expected, "run {i}");
        if i == WARM {
            warm = Some(Held::now());
        }
    }
    let (warm, end) = (warm.unwrap(), Held::now());
    println!("after {WARM} runs {warm:?}, after {n} {end:?}");
    assert!(end.resident <= warm.resident + SLACK, "{warm:?}, {end:?}");
    assert_eq!(
        (end.threads, end.files),
        (warm.threads, warm.files),
        "{warm:?}, {end:?}"
    );
}

#[test]
fn runs_leave_nothing_behind() {
    runs(200);
}

/// Minutes: `cargo test -p host --test many_runs -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn ten_thousand_runs_leave_nothing_behind() {
    runs(10_000);
}
