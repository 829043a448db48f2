//! Places: what is there already, and what a path leads to.

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStringExt, fs::symlink},
    process::{Command, Stdio},
};

use crate::{
    process::{BITRECEIPT, Ran, TINY, Workspace},
    signing::{BUNDLE, VERIFY, sign, with_bundle, with_key},
};

/// A small benchmark of the file at `TINY`, in an empty folder.
const SMALL: &str = "benchmark --quiet -n 3 -p 4 -r 1 --parity off";

fn benchmark(workspace: &Workspace, words: &str) -> Ran {
    workspace.run(&format!("{SMALL} {words}"))
}

#[test]
fn a_link_is_followed_to_its_file() {
    let workspace = Workspace::empty(BITRECEIPT);
    fs::create_dir(workspace.path("there")).unwrap();
    workspace.write("there/r.json", "an old receipt");
    // From link to link; the last one leads to where nothing is yet.
    symlink("there/r.json", workspace.path("link")).unwrap();
    symlink("link", workspace.path("link2")).unwrap();
    symlink("there/new.json", workspace.path("link3")).unwrap();
    for (link, file) in [("link2", "there/r.json"), ("link3", "there/new.json")] {
        benchmark(&workspace, &format!("--output {link}")).exits(0);
        assert!(workspace.path(link).is_symlink());
        assert!(!workspace.path(file).is_symlink());
        let ran = workspace.run(&format!("verify-receipt {file}")).exits(0);
        assert!(ran.stdout.starts_with("accepted: "), "{}", ran.stdout);
    }
    assert_eq!(workspace.names("."), ["link", "link2", "link3", "there"]);
    assert_eq!(workspace.names("there"), ["new.json", "r.json"]);
}

#[test]
fn links_to_anything_else_are_refused() {
    let workspace = Workspace::empty(BITRECEIPT);
    fs::create_dir(workspace.path("folder")).unwrap();
    let made = Command::new("mkfifo").arg(workspace.path("pipe")).status();
    assert!(made.unwrap().success());
    let targets = [
        ("folder", "is a folder"),
        ("pipe", "is a pipe or a device"),
        ("/dev/null", "is a pipe or a device"),
        ("circle", "in a circle"),
        ("/proc/self/fd/1", "- for standard output"),
        ("/dev/fd/1", "- for standard output"),
        ("absent/r.json", "there is no folder"),
    ];
    for (target, why) in targets {
        let link = workspace.path("circle");
        symlink(target, &link).unwrap();
        // The model is missing, too: the place is found out first.
        let words = format!("{SMALL} --model absent.gguf --output circle");
        let mut command = workspace.command(&words);
        let printed = fs::File::create(workspace.path("printed")).unwrap();
        let ran = Ran::of(command.stdout(printed).output().unwrap(), &words);
        ran.fails(5, &["circle", why]);
        assert_eq!(fs::read_link(&link).unwrap().to_str(), Some(target));
        assert_eq!(workspace.read("printed"), b"");
        fs::remove_file(link).unwrap();
    }
    for place in ["pipe", "/proc/self/fd/1", "absent/"] {
        benchmark(&workspace, &format!("--output {place}")).fails(5, &[place]);
    }
    assert_eq!(workspace.names("."), ["folder", "pipe", "printed"]);
}

#[test]
fn pipes_are_neither_replaced_nor_waited_for() {
    let workspace = Workspace::new();
    let made = Command::new("mkfifo").arg(workspace.path("pipe")).status();
    assert!(made.unwrap().success());
    let ran = workspace.run("make-model --preset tiny --output pipe");
    ran.fails(5, &["is a pipe or a device"]);
    workspace.run("verify-receipt pipe").exits(5);
    workspace.run("inspect pipe").exits(5);
}

/// Every file that is not a bundle stays where it is, whether the run is signed or not.
#[test]
fn nothing_of_others_is_renamed() {
    let workspace = with_key();
    let model = fs::read(TINY).unwrap();
    for content in [&model[..], b"precious", b"{\"payload\": \"e30=\"}"] {
        workspace.write(BUNDLE, content);
        workspace.benchmark("--quiet").exits(0);
        assert_eq!(workspace.read(BUNDLE), content);
        sign(&workspace, "--model absent.gguf").fails(5, &[BUNDLE, "is no bundle"]);
        assert_eq!(workspace.read(BUNDLE), content);
    }
    fs::remove_file(workspace.path(BUNDLE)).unwrap();
    fs::create_dir(workspace.path(BUNDLE)).unwrap();
    workspace.benchmark("--quiet").exits(0);
    sign(&workspace, "--model absent.gguf").fails(5, &[BUNDLE, "is a folder"]);
    let names = ["inference.json", "inference.json.dsse.json"];
    assert_eq!(workspace.names("ci"), names);
}

/// The model that is read lies where the bundle would.
#[test]
fn the_model_is_not_renamed() {
    let workspace = Workspace::empty(BITRECEIPT);
    fs::copy(TINY, workspace.path("o.json.dsse.json")).unwrap();
    benchmark(&workspace, "--model o.json.dsse.json --output o.json").exits(0);
    assert_eq!(workspace.names("."), ["o.json", "o.json.dsse.json"]);
    assert_eq!(workspace.read("o.json.dsse.json"), fs::read(TINY).unwrap());
}

#[test]
fn an_older_stale_bundle_is_kept() {
    let workspace = with_bundle();
    let stale = format!("{BUNDLE}.stale");
    workspace.write(&stale, "precious");
    let old = workspace.read(BUNDLE);
    let ran = workspace.benchmark("").exits(0);
    let said = format!("bundle:   the old one is now {BUNDLE}.2.stale\n");
    assert!(ran.stdout.ends_with(&said), "{}", ran.stdout);
    assert_eq!(workspace.read(&stale), b"precious");
    assert_eq!(workspace.read(format!("{BUNDLE}.2.stale")), old);
}

/// With whatever else it ends, a receipt is not there then, or the old one is.
#[test]
fn a_receipt_is_there_only_with_exit_0() {
    let workspace = Workspace::new();
    let words = "benchmark -n 3 -p 4 -r 1 --parity off";
    for format in ["", "--format json"] {
        let mut command = workspace.command(&format!("{words} {format}"));
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::of(command.stdout(full).output().unwrap(), words).exits(0);
        assert!(
            ran.stderr.starts_with("note: standard output: No space"),
            "{}",
            ran.stderr
        );
        workspace.run("verify-receipt").exits(0);
        fs::remove_file(workspace.receipt()).unwrap();
    }
    let mut child = workspace
        .command(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap(), words).exits(0);
    assert_eq!(ran.stderr, "");
    workspace.run("verify-receipt").exits(0);
}

/// Other commands that write a file and then say so.
#[test]
fn printing_undoes_no_file() {
    let workspace = Workspace::new();
    for (words, file) in [
        ("keygen my.key", "my.key"),
        ("make-model tiny --output m.gguf", "m.gguf"),
        (
            "logits --model models/tiny.gguf --prompt-ids 1 --output l.npy",
            "l.npy",
        ),
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = workspace.command(words).stdout(full).output().unwrap();
        let ran = Ran::of(ran, words).exits(0);
        assert!(ran.stderr.starts_with("note: "), "{}", ran.stderr);
        assert!(workspace.path(file).exists());
    }
}

#[test]
fn names_that_are_too_long_are_found_before_the_run() {
    let workspace = Workspace::empty(BITRECEIPT);
    // 255 bytes are allowed; the names beside the receipt need room, too.
    for (length, why) in [
        (256, "the name is too long"),
        (245, "no room for .dsse.json"),
    ] {
        let name = "b".repeat(length);
        let words = format!("--model absent.gguf --output {name}");
        benchmark(&workspace, &words).fails(5, &[why]);
    }
    assert!(workspace.names(".").is_empty());
    let name = "b".repeat(230);
    benchmark(&workspace, &format!("--output {name}")).exits(0);
    assert_eq!(workspace.names("."), [name]);
}

#[test]
fn names_need_not_be_unicode() {
    let workspace = Workspace::empty(BITRECEIPT);
    let [model, receipt] = [&b"m\xff.gguf"[..], b"r\xff\n.json"]
        .map(|name| workspace.path(OsString::from_vec(name.to_vec())));
    fs::copy(TINY, &model).unwrap();
    let mut command = workspace.command("benchmark -n 3 -p 4 -r 1 --model");
    command.arg(&model).arg("--output").arg(&receipt);
    Ran::of(command.output().unwrap(), "benchmark").exits(0);
    let mut command = workspace.command("verify-receipt --model");
    command.arg(&model).arg(&receipt);
    let ran = Ran::of(command.output().unwrap(), "verify-receipt").exits(0);
    assert!(ran.stdout.starts_with("accepted: "), "{}", ran.stdout);
}

/// Root may write everywhere, so somebody else tries.
#[test]
fn a_folder_of_others_is_found_before_the_run() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = Workspace::new();
    let set_mode = |name: &str, mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(workspace.path(name), permissions).unwrap();
    };
    set_mode("ci", 0o555);
    let words = "benchmark --model absent.gguf";
    let Some(ran) = workspace.run_unprivileged(words) else {
        return;
    };
    ran.fails(5, &["ci/inference.json", "ermission denied"]);
    // In a folder like /tmp, a file can be replaced by its owner only.
    workspace.write("ci/inference.json", "of somebody else");
    set_mode("ci", 0o1777);
    let ran = workspace.run_unprivileged(words).unwrap();
    ran.fails(5, &["ci/inference.json", "belongs to another user"]);
    assert_eq!(workspace.read("ci/inference.json"), b"of somebody else");
    // The limit bites on nobody else.
    workspace.benchmark("--quiet").exits(0);
}

/// All of them end well, and what lies there is of one run.
#[test]
fn runs_on_one_place_do_not_mix() {
    let workspace = with_key();
    let words = "benchmark -n 3 -p 4 -r 1 --quiet --sign my.key";
    let start = |i: u32| {
        let mut command = workspace.command(&format!("{words} --seed {i}"));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (1..=6).map(start).collect();
    for child in children {
        Ran::of(child.wait_with_output().unwrap(), words).exits(0);
    }
    workspace.run(VERIFY).exits(0);
    let names = ["inference.json", "inference.json.dsse.json"];
    assert_eq!(workspace.names("ci"), names);
}
