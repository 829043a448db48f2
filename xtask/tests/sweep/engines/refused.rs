//! What another engine cannot do, and what would leave two receipts with one name.

use super::{OURS, benchmark, workspace};

#[test]
fn what_another_engine_cannot_do_is_refused() {
    let workspace = workspace();
    let refused = |engines: &[(&str, &str)], words: &str, parts: &[&str]| {
        benchmark(&workspace, engines, words).fails(2, parts);
    };
    let other = [("other", "right")];
    for (words, parts) in [
        ("-d 2", &["--depth", "other"][..]),
        ("--pin", &["--pin", "other"]),
        ("--profile", &["--profile"]),
        ("--parity off", &["--parity", "no verdict, no number"]),
        ("--kernel scalar", &["--kernel", "--engine ours"]),
        ("--kv-type f32", &["--kv-type", "--engine ours"]),
        (
            "--engine-model x=a.gguf",
            &["--engine-model", "found x", "other"],
        ),
        ("--engine other=./other", &["--engine", "found other twice"]),
        ("--engine ./absent", &["absent", "there is no program"]),
        (
            "--engine lama-server",
            &["--engine", "lama-server", "llama-server"],
        ),
        (
            "-t 1,2 --engine a=http://127.0.0.1:1",
            &["--threads", "{threads}"],
        ),
        (
            "--engine a=http://127.0.0.1:1",
            &["found none for a", "name with -t how many threads it has"],
        ),
    ] {
        refused(&other, words, parts);
    }
    refused(&[OURS], "--tolerance 1", &["--tolerance", "bit for bit"]);
    refused(&[OURS, OURS], "", &["found ours twice"]);
    refused(&[OURS], "--engine-model a.gguf", &["--engine-model"]);
    assert_eq!(workspace.names("."), ["q.gguf"]);
}

#[test]
fn a_file_that_has_no_adapters_is_refused() {
    let workspace = workspace();
    workspace.write("a.toml", b"[[engine]]\nname = \"\xff\"\n");
    let large = "# a comment\n".repeat(100_000);
    workspace.write("large.toml", large.as_bytes());
    for command in ["benchmark q.gguf -p 4 -n 6 -t 1", "conformance"] {
        let words = format!("{command} --engine other --engine-adapters");
        let ran = workspace.run(&format!("{words} a.toml"));
        ran.fails(4, &["a.toml", "it is no UTF-8"]);
        let ran = workspace.run(&format!("{words} large.toml"));
        ran.fails(4, &["large.toml", "too many bytes", "1048576"]);
        let ran = workspace.run(&format!("{words} absent.toml"));
        ran.fails(5, &["absent.toml"]);
    }
}

/// An engine may be called as a kernel is, and each of two receipts needs a file.
#[test]
fn two_cells_of_one_name_are_refused() {
    let workspace = workspace();
    let engines = [OURS, ("scalar", "right")];
    let words = "-t 1 --kernel scalar --output-dir out";
    let ran = benchmark(&workspace, &engines, words);
    let what = "found two cells that are called q-p4-n6-t1-scalar";
    ran.fails(2, &[what, "NAME=COMMAND"]);
    assert_eq!(workspace.names("."), ["q.gguf"]);
    for name in ["a.gguf", "b/a.gguf", "a-1.gguf"] {
        let path = workspace.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(workspace.path("q.gguf"), path).unwrap();
    }
    let ran = workspace.run("benchmark -m a.gguf -m b/a.gguf -m a-1.gguf -p 4 -n 6 -t 1");
    ran.fails(2, &["found two cells that are called a-1-p4-n6-t1", "file"]);
}
