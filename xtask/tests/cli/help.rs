//! Help, completions and manual pages of both programs.

use clap::CommandFactory;
use xtask::args::{Args, XtaskArgs};

use crate::process::{BITRECEIPT, Workspace, XTASK};

/// The names of the commands of a program, and of their own commands.
fn commands(program: &clap::Command) -> Vec<String> {
    let mut names = Vec::new();
    for command in program.get_subcommands() {
        let name = command.get_name();
        names.push(name.to_owned());
        let own = command.get_subcommands();
        names.extend(own.map(|own| format!("{name} {}", own.get_name())));
    }
    names
}

fn programs() -> [(Workspace, &'static str, Vec<String>); 2] {
    [
        (
            Workspace::empty(XTASK),
            "xtask",
            commands(&XtaskArgs::command()),
        ),
        (
            Workspace::empty(BITRECEIPT),
            "bitreceipt",
            commands(&Args::command()),
        ),
    ]
}

#[test]
fn help_is_there_for_every_command_and_names_the_program() {
    for (workspace, program, commands) in programs() {
        let help = workspace.run("--help").exits(0);
        let usage = format!("Usage: {program} <COMMAND>");
        assert!(help.stdout.contains(&usage), "{}", help.stdout);
        let codes = "Exit codes: 0 done or accepted";
        assert!(help.stdout.contains("\nStart with:\n"), "{}", help.stdout);
        assert!(help.stdout.contains(codes), "{}", help.stdout);
        for command in commands {
            let help = workspace.run(&format!("{command} --help")).exits(0);
            let usage = format!("Usage: {program} {command}");
            assert!(help.stdout.contains(&usage), "{}", help.stdout);
            assert_eq!(help.stderr, "");
        }
    }
}

#[test]
fn only_xtask_has_the_commands_of_developers() {
    let [(_, _, of_xtask), (installed, _, of_installed)] = programs();
    const OF_DEVELOPERS: [&str; 4] = ["corpus", "guest", "selftest", "web"];
    for command in OF_DEVELOPERS {
        assert!(of_xtask.iter().any(|name| name == command));
        assert!(!of_installed.iter().any(|name| name == command));
        let ran = installed.run(command);
        let hint = format!("{command} needs a checkout: cargo run -p xtask -- {command}\n");
        ran.refuses_words(&["unrecognized subcommand", "Usage: bitreceipt", &hint]);
        let as_json = installed.run(&format!("{command} --format json"));
        let error = as_json.exits(2).json();
        let said = error["error"]["hint"].as_str().unwrap();
        assert!(said.contains(hint.trim()), "{said}");
    }
    assert_eq!(of_xtask.len(), of_installed.len() + OF_DEVELOPERS.len());
}

/// No line is longer than the terminal is wide.
#[test]
fn help_wraps() {
    let workspace = Workspace::empty(BITRECEIPT);
    let mut of_all = commands(&Args::command());
    of_all.push(String::new());
    for command in of_all {
        let words = format!("{command} -h");
        let mut process = workspace.command(&words);
        process.env("COLUMNS", "80");
        let help = String::from_utf8(process.output().unwrap().stdout).unwrap();
        let longest = help.lines().max_by_key(|line| line.chars().count());
        assert!(longest.unwrap().chars().count() <= 80, "{longest:?}");
    }
}

/// What is to be typed can be typed.
#[test]
fn the_examples_of_help_texts_parse() {
    for (program, is_xtask) in [(Args::command(), false), (XtaskArgs::command(), true)] {
        let parse = |words: Vec<&str>| match is_xtask {
            true => XtaskArgs::command().try_get_matches_from(words),
            false => Args::command().try_get_matches_from(words),
        };
        examples_parse(&program, &parse);
    }
}

/// Every command has examples, and so do its own commands.
fn examples_parse(
    command: &clap::Command,
    parse: &dyn Fn(Vec<&str>) -> Result<clap::ArgMatches, clap::Error>,
) {
    let mut n_examples = 0;
    let after = command.get_after_help().map(|text| text.to_string());
    // A line that is too long for a terminal goes on in the next one.
    let after = after.unwrap_or_default().replace("\\\n", " ");
    for line in after.lines() {
        // In this process nobody has said which program it is.
        let Some(words) = line.trim().strip_prefix("cargo run -p xtask -- ") else {
            continue;
        };
        // Up to where the shell takes over, which is not inside quotes.
        let end = [" | ", " < ", " > "]
            .iter()
            .filter_map(|op| words.find(op))
            .min();
        let words = shlex::split(&words[..end.unwrap_or(words.len())]).unwrap();
        let words = ["program"]
            .into_iter()
            .chain(words.iter().map(String::as_str));
        parse(words.collect()).unwrap();
        n_examples += 1;
    }
    assert!(n_examples >= 1, "{}", command.get_name());
    for own in command.get_subcommands() {
        examples_parse(own, parse);
    }
}

/// What is left out is named as it is for the program and the command.
#[test]
fn defaults_are_those_of_the_program_and_of_the_command() {
    for (program, receipt) in [(BITRECEIPT, "inference.json"), (XTASK, "ci/inference.json")] {
        let help = |command: &str| {
            let ran = Workspace::empty(program).run(&format!("{command} -h"));
            // However it is wrapped.
            let words: Vec<String> = ran
                .exits(0)
                .stdout
                .split_whitespace()
                .map(str::to_owned)
                .collect();
            words.join(" ")
        };
        let shown = format!("- is standard input [default: {receipt}]");
        assert!(help("verify-receipt").contains(&shown));
        assert!(help("benchmark").contains("[default: RAYON_NUM_THREADS, or the physical cores]"));
        assert!(help("run").contains("Number of threads [default: the physical cores]"));
        assert!(help("cache").contains("BITRECEIPT_CACHE"));
    }
}

#[test]
fn every_shell_gets_completions() {
    let workspace = Workspace::empty(BITRECEIPT);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = workspace.run(&format!("completions {shell}")).exits(0);
        for word in ["bitreceipt", "verify-receipt", "prompt-tokens"] {
            assert!(ran.stdout.contains(word), "{shell}: no {word}");
        }
        assert!(!ran.stdout.contains("selftest"), "{shell}");
    }
    let of_xtask = Workspace::empty(XTASK).run("completions bash").exits(0);
    assert!(of_xtask.stdout.contains("selftest"));
    workspace.run("completions tcsh").refuses_words(&["bash"]);
}

#[test]
fn every_command_has_a_manual_page() {
    let workspace = Workspace::empty(BITRECEIPT);
    let page = workspace.run("man").exits(0).stdout;
    assert!(page.contains(".TH bitreceipt 1"), "{page}");
    assert!(page.contains("Exit codes"), "{page}");
    workspace.run("man --output pages/man1").exits(0);
    let pages = workspace.names("pages/man1");
    for command in commands(&Args::command()) {
        let name = format!("bitreceipt-{}.1", command.replace(' ', "-"));
        assert!(pages.contains(&name), "no {name} in {pages:?}");
    }
    assert!(pages.contains(&"bitreceipt.1".to_owned()));
}
