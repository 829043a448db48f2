//! `cache`, `make-model --cache` and `model list`.

use crate::process::{BITRECEIPT, Workspace};

#[test]
fn a_model_is_made_found_listed_and_removed() {
    let workspace = Workspace::empty(BITRECEIPT);
    let empty = workspace.run("cache list").exits(0);
    assert!(
        empty.stdout.starts_with("0 models, 0 B, in "),
        "{}",
        empty.stdout
    );
    workspace.run("make-model tiny --cache").exits(0);
    workspace
        .run("make-model tiny --seed 5 --weights tq2_0 --cache")
        .exits(0);
    let listed = workspace.run("cache list --format json").exits(0).json();
    let names: Vec<_> = listed["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["file"])
        .collect();
    assert_eq!(names, ["tiny-seed5-tq2_0.gguf", "tiny.gguf"]);

    std::fs::write(workspace.cache().join("notes.txt"), "mine").unwrap();
    let shown = workspace.run("cache clear");
    shown.fails(2, &["tiny.gguf", "tiny-seed5-tq2_0.gguf", "--yes"]);
    workspace.run("cache clear --yes").exits(0);
    let left = std::fs::read_dir(workspace.cache()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
    workspace.run("cache clear").exits(0);
}

/// Two scalings are two models.
#[test]
fn the_name_of_a_model_says_its_scaling() {
    let workspace = Workspace::empty(BITRECEIPT);
    for yarn in ["4:8192", "8:4096"] {
        let words = format!("make-model qwen3-tiny --yarn {yarn} --cache");
        workspace.run(&words).exits(0);
    }
    let listed = workspace.run("cache list --format json").exits(0).json();
    let files = listed["files"].as_array().unwrap().iter();
    let names: Vec<_> = files.map(|f| &f["file"]).collect();
    let expected = ["qwen3-tiny-yarn4-8192.gguf", "qwen3-tiny-yarn8-4096.gguf"];
    assert_eq!(names, expected);
}

#[test]
fn a_model_in_the_cache_is_not_replaced_unasked() {
    let workspace = Workspace::empty(BITRECEIPT);
    workspace.run("make-model tiny --cache").exits(0);
    workspace
        .run("make-model tiny --cache")
        .fails(5, &["exists", "--force"]);
    workspace.run("make-model tiny --cache --force").exits(0);
}

#[test]
fn the_list_says_what_is_here_and_how_to_get_the_rest() {
    let workspace = Workspace::empty(BITRECEIPT);
    let list = || workspace.run("model list --format json").exits(0).json();
    let tiny = |list: &serde_json::Value| {
        let models = list.as_array().unwrap().iter();
        let mut tiny = models.filter(|m| m["file"] == "tiny.gguf").cloned();
        tiny.next().unwrap()
    };
    let absent = list();
    assert!(absent.as_array().unwrap().len() > 5);
    assert_eq!(tiny(&absent)["file_here"], serde_json::Value::Null);
    let how = "bitreceipt make-model --preset tiny --seed 4 --cache";
    assert_eq!(tiny(&absent)["how_to_get"], how);
    for model in absent.as_array().unwrap() {
        for key in ["file", "bytes", "sha256", "licence", "how_to_get"] {
            assert!(model.get(key).is_some(), "no {key} in {model}");
        }
    }
    workspace
        .run(how.strip_prefix("bitreceipt ").unwrap())
        .exits(0);
    let here = workspace.cache().join("tiny.gguf");
    assert_eq!(tiny(&list())["file_here"], here.to_str().unwrap());
    let text = workspace.run("model list").exits(0).stdout;
    assert!(
        text.contains(&format!("here    {}", here.display())),
        "{text}"
    );
    assert!(text.contains("https://huggingface.co/"), "{text}");
    assert!(text.contains(", under any name\n"), "{text}");
    let mark = "(unconfirmed)\n";
    assert_eq!(text.matches(mark).count(), 6, "{text}");
    assert!(
        text.contains("\n\"unconfirmed\": the digest is quoted"),
        "{text}"
    );
    let compare = "\"bitreceipt model verify FILE\" compares the digest.";
    assert!(text.contains(compare), "{text}");
}
