//! What is shown while a command works.

use crate::process::Workspace;

#[test]
fn every_phase_has_a_line_where_that_was_asked_for() {
    let workspace = Workspace::new();
    let ran = workspace
        .benchmark("--parity full --progress plain --repetitions 2")
        .exits(0);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let phases = [
        "load and hash the model …",
        "arrange the weights …",
        "warm up 1/1 …",
        "measure 1/2 …",
        "measure 2/2 …",
        "compile the reference …",
        "replay in the sandbox …",
    ];
    let mut shown = lines.iter().filter(|line| line.ends_with('…'));
    for phase in phases {
        assert_eq!(shown.next(), Some(&phase), "{}", ran.stderr);
    }
    assert!(
        lines.contains(&"replay in the sandbox, 50 %"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("proved"), "{}", ran.stdout);
}

#[test]
fn short_phases_have_none_in_a_pipe() {
    let workspace = Workspace::new();
    for flags in [
        "",
        "--progress auto",
        "--progress none",
        "--progress plain --quiet",
    ] {
        let ran = workspace.benchmark(flags).exits(0);
        assert_eq!(ran.stderr, "", "{flags}");
    }
}
