//! `bitreceipt` as it is installed: in an empty folder, without a checkout.

use serde_json::Value;

use crate::process::{BITRECEIPT, Workspace};

const SMALL: &str = "-n 3 -p 4 -r 1";

#[test]
fn a_benchmark_needs_nothing() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run(&format!("benchmark {SMALL}")).exits(0);
    assert!(
        ran.stdout.contains("receipt:  inference.json\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(workspace.names("."), ["inference.json"]);
    let receipt: Value = serde_json::from_slice(&workspace.read("inference.json")).unwrap();
    assert_eq!(receipt["model"]["file_name"], "tiny.gguf");
    assert_eq!(receipt["parity"]["status"], "passed");
    let cached = workspace.cache().join("tiny.gguf");
    let known = workspace.run(&format!("model verify {}", cached.display()));
    assert!(known.exits(0).stdout.starts_with("known: "));
}

/// A file that only has its name is not taken for the model.
#[test]
fn the_model_inside_is_written_again_where_it_was_changed() {
    let workspace = Workspace::empty(BITRECEIPT);
    std::fs::create_dir(workspace.cache()).unwrap();
    std::fs::write(workspace.cache().join("tiny.gguf"), "another").unwrap();
    let words = format!("benchmark {SMALL} --parity off");
    workspace.run(&words).exits(0);
    assert_eq!(
        std::fs::metadata(workspace.cache().join("tiny.gguf"))
            .unwrap()
            .len(),
        1_496_992
    );
}

#[test]
fn a_cache_that_cannot_be_made_is_named() {
    let workspace = Workspace::empty(BITRECEIPT);
    std::fs::write(workspace.cache(), "a file").unwrap();
    let ran = workspace.run(&format!("benchmark {SMALL}"));
    ran.fails(5, &["cache: ", "BITRECEIPT_CACHE"]);
}

#[test]
fn a_missing_folder_is_named() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run("benchmark --output results/r.json");
    ran.fails(
        5,
        &["results/r.json: there is no folder results", "--output"],
    );
    let xtask = Workspace::empty(crate::process::XTASK);
    let ran = xtask.run("benchmark");
    ran.fails(5, &["ci/inference.json: there is no folder ci"]);
}

#[test]
fn files_are_words_or_flags() {
    let workspace = Workspace::empty(BITRECEIPT);
    std::fs::copy(crate::process::TINY, workspace.path("m.gguf")).unwrap();
    for model in ["m.gguf", "-m m.gguf", "--model m.gguf"] {
        let quick = format!("benchmark {model} {SMALL} --parity off -q --kernel scalar");
        workspace.run(&quick).exits(0);
        workspace.run(&format!("inspect {model}")).exits(0);
        workspace.run(&format!("run {model} -p on -n 2")).exits(0);
        let array = format!("logits {model} --prompt-ids 1 --output out.npy");
        workspace.run(&array).exits(0);
    }
    workspace
        .run("inspect m.gguf -m m.gguf")
        .refuses_words(&["--model"]);
    workspace.run("keygen my.key").exits(0);
    assert!(workspace.path("my.key.pub").exists());
}

#[test]
fn ids_and_kernels_as_people_type_them() {
    let workspace = Workspace::empty(BITRECEIPT);
    let words = "benchmark -n 2 -r 1 --parity off --format json";
    let mut command = workspace.command(words);
    command.args(["--prompt-ids", "1, 2 ,3"]);
    let ran = crate::process::Ran::of(command.output().unwrap(), words).exits(0);
    assert_eq!(
        ran.json()["run"]["prompt_ids"],
        serde_json::json!([1, 2, 3])
    );
    // Understood: a machine that has none says so by its full name.
    let ran = workspace.run("benchmark -n 2 -r 1 --parity off --kernel avx512");
    assert!(!ran.stderr.contains("invalid value"), "{}", ran.stderr);
}

#[test]
fn more_threads_than_the_machine_has_are_refused() {
    let workspace = Workspace::empty(BITRECEIPT);
    let n = std::thread::available_parallelism().unwrap().get() + 1;
    for command in ["benchmark", "run model.gguf -p on", "bandwidth"] {
        // Before the model is looked for.
        if command.starts_with("run") {
            std::fs::copy(crate::process::TINY, workspace.path("model.gguf")).unwrap();
        }
        let ran = workspace.run(&format!("{command} -t {n}"));
        let hint = "leave --threads out for the default";
        ran.fails(
            2,
            &["--threads: ", &format!("found {n}, allowed at most"), hint],
        );
    }
    let mut by_variable = workspace.command("benchmark");
    by_variable.env("RAYON_NUM_THREADS", n.to_string());
    let ran = crate::process::Ran::of(by_variable.output().unwrap(), "benchmark");
    let hint = "leave RAYON_NUM_THREADS out for the default";
    ran.fails(2, &["RAYON_NUM_THREADS: ", &format!("found {n}"), hint]);
    // A verifier would refuse it, replayed or not.
    let experiment = format!("benchmark {SMALL} -t {n} --parity off");
    workspace.run(&experiment).fails(2, &["--threads: "]);
}
