//! Command and page say the same of every published forgery. The drill forges; nothing else here does.

use std::{
    cell::{Cell, RefCell},
    fs,
    path::Path,
};

use clap::Parser;
use host::{
    task::Challenge,
    verify::{Conclusion, Outcome, SimpleVerificationResult, Verdict},
    watch::Watch,
};
use serde_json::{Value, json};
use xtask::{
    args::{Args, Command, VerifyReceiptArgs},
    commands::verify_receipt::{Examined, Shared, examine_in, now},
    exit::{Exit, Failure},
    selftest::{ANSWER, Commands, Drill, Evidence, GENUINE, Vector, read_vectors},
};

use crate::{
    devtools::Tab,
    page::{browser, is_shown, open, text, tiny, wait_for_end},
    process::XTASK,
};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/vectors");

/// What the page does not do: an audit starts from a native run, and so does a run that is timed.
const NATIVE: [&str; 3] = ["--sample", "--layers", "--retime"];

/// What a verifier says of fuel that it does not count.
const NOT_COMPARABLE: &str =
    "not comparable: no replay by the writer, another guest or another sandbox";

/// What the page concludes of vectors that only their fuel refutes: its sandbox counts none.
const WITHOUT_FUEL: [(&str, &str); 1] = [("a_replay_with_less_work", "accepted")];

/// The command, and beside it the page, which must say the same.
struct Both<'t> {
    tab: Tab<'t>,
    shared: Shared,
    /// The name of the vector.
    vector: RefCell<String>,
    /// Vectors of which command and page say something else.
    differences: RefCell<Vec<String>>,
    /// Vectors of which the page concludes something else, because of their fuel.
    without_fuel: RefCell<Vec<(String, String)>>,
    n_compared: Cell<usize>,
}

/// What either of them says: the exit code, the verdict as JSON and as text; or that there is none.
type Said = Result<(i64, Value, String), String>;

impl Commands for Both<'_> {
    fn benchmark(&self, receipt: &Path, key: &Path) -> Result<(), Failure> {
        let mut command = std::process::Command::new(XTASK);
        command
            .args(GENUINE.split_whitespace())
            .arg("--model")
            .arg(tiny());
        command.arg("--output").arg(receipt).arg("--sign").arg(key);
        let status = command.status().unwrap();
        assert!(status.success());
        Ok(())
    }

    fn answer(&self, receipt: &Path, nonce: &Challenge) -> Result<(), Failure> {
        let mut command = std::process::Command::new(XTASK);
        command
            .args(ANSWER.split_whitespace())
            .arg(nonce.to_string());
        command.arg("--model").arg(tiny());
        let status = command.arg("--output").arg(receipt).status().unwrap();
        assert!(status.success());
        Ok(())
    }

    fn verify(&self, evidence: &Evidence) -> Result<Option<Verdict>, Failure> {
        let args = arguments(evidence);
        let (verdict, command) = match examine_in(&self.shared, &args, &Watch::default()) {
            Ok(examined) => (Some(examined.verdict.clone()), Ok(self.expected(examined))),
            Err(failure) if failure.exit == Exit::BadInput => (None, Err(failure.to_string())),
            Err(failure) => return Err(failure),
        };
        if !NATIVE.iter().any(|flag| evidence.flags.contains(flag)) {
            self.n_compared.set(self.n_compared.get() + 1);
            let page = self.in_page(evidence);
            if let Some(difference) = difference(&command, &page) {
                let line = format!("{}: {difference}", self.vector.borrow());
                self.differences.borrow_mut().push(line);
            }
        }
        Ok(verdict)
    }
}

fn arguments(evidence: &Evidence) -> VerifyReceiptArgs {
    let words = format!("xtask verify-receipt --quiet {}", evidence.flags);
    let Command::VerifyReceipt(args) = Args::parse_from(words.split_whitespace()).command else {
        unreachable!("the words say verify-receipt")
    };
    let (bundle, public_key) = evidence.bundle.clone().unzip();
    let (challenged, challenger_key) = evidence.challenged.clone().unzip();
    VerifyReceiptArgs {
        receipt: Some(evidence.receipt.clone()),
        model: Some(tiny()),
        policy: evidence.policy.clone(),
        bundle,
        public_key,
        challenged,
        challenger_key,
        ..*args
    }
}

impl Both<'_> {
    /// What the command says, as a verifier says it whose sandbox counts no fuel.
    fn expected(&self, examined: Examined) -> (i64, Value, String) {
        let mut verdict = examined.verdict.clone();
        let mut json = serde_json::to_value(examined.into_json()).unwrap();
        if let Some(fuel) = verdict.rules.iter_mut().find(|r| r.rule == "parity_fuel") {
            fuel.outcome = Outcome::Note;
            fuel.evidence = NOT_COMPARABLE.to_owned();
        }
        // A page is not told where a file lies.
        let path = tiny().display().to_string();
        for rule in &mut verdict.rules {
            rule.evidence = rule.evidence.replace(&path, "tiny.gguf");
        }
        let with_fuel = verdict.conclusion;
        verdict.conclusion = Conclusion::of(verdict.rules.iter().map(|rule| rule.outcome));
        let conclusion = verdict.conclusion;
        if conclusion != with_fuel {
            let vector = self.vector.borrow().clone();
            let pair = (vector, conclusion.as_str().to_owned());
            self.without_fuel.borrow_mut().push(pair);
            json["properties"] =
                json!(SimpleVerificationResult::new(&verdict, None, now()).properties);
        }
        let fields = serde_json::to_value(&verdict).unwrap();
        for (name, value) in fields.as_object().unwrap() {
            json[name] = value.clone();
        }
        json["timeCreated"].take();
        (
            Exit::of(conclusion) as i64,
            json,
            verdict.to_text("receipt.json"),
        )
    }

    /// What the page says of the same files.
    fn in_page(&self, evidence: &Evidence) -> Said {
        let tab = &self.tab;
        tab.eval("document.getElementById('form').reset()");
        let (bundle, public_key) = evidence.bundle.clone().unzip();
        let (challenged, challenger_key) = evidence.challenged.clone().unzip();
        let files = [
            ("#receipt", Some(evidence.receipt.clone())),
            ("#model", Some(tiny())),
            ("#policy", evidence.policy.clone()),
            ("#bundle", bundle),
            ("#public-key", public_key),
            ("#challenged", challenged),
            ("#challenger-key", challenger_key),
        ];
        for (chooser, file) in &files {
            if let Some(file) = file {
                tab.choose(chooser, &[file]);
            }
        }
        let words: Vec<&str> = evidence.flags.split_whitespace().collect();
        match words[..] {
            [] => tab.eval("document.getElementById('check').click()"),
            ["--challenge", challenge] => tab.eval(&format!(
                "document.getElementById('challenge').value = '{challenge}'; \
                 document.getElementById('check').click()"
            )),
            // Nobody who opens the page wants that; the machinery below it can.
            ["--no-replay"] => return without_replay(tab),
            _ => panic!("the page has no {}", evidence.flags),
        };
        wait_for_end(tab);
        if is_shown(tab, "failure") {
            return Err(text(tab, "failure-text"));
        }
        let json = untimed(&text(tab, "json"));
        let badge = text(tab, "badge");
        let conclusion = json["conclusion"].as_str().unwrap();
        assert!(badge.ends_with(conclusion), "{badge}: {conclusion}");
        Ok((exit(conclusion), json, text(tab, "text")))
    }
}

fn without_replay(tab: &Tab) -> Said {
    let found = tab.eval(
        "Bitreceipt.verify({ ...Files.chosen(), replay: false }, { onPhase() {}, onProgress() {} })",
    );
    let json = untimed(found["json"].as_str().unwrap());
    let text = found["text"].as_str().unwrap().to_owned();
    Ok((found["exit"].as_i64().unwrap(), json, text))
}

/// A verdict without the second in which it was made.
fn untimed(json: &str) -> Value {
    let mut json: Value = serde_json::from_str(json).unwrap();
    let time = json["timeCreated"].take();
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    json
}

fn exit(conclusion: &str) -> i64 {
    match conclusion {
        "accepted" => 0,
        "rejected" => 1,
        _ => 3,
    }
}

/// In what command and page differ.
fn difference(command: &Said, page: &Said) -> Option<String> {
    match (command, page) {
        (Ok(command), Ok(page)) if command == page => None,
        (Ok(command), Ok(page)) => {
            let lines =
                |said: &(i64, Value, String)| format!("{}\n{:#}\n{}", said.0, said.1, said.2);
            let [command, page] = [command, page].map(lines);
            let only = |a: &str, b: &str| {
                let lines = a
                    .lines()
                    .filter(|line| !b.lines().any(|other| other == *line));
                lines.map(|line| format!("{line}\n")).collect::<String>()
            };
            let (of_command, of_page) = (only(&command, &page), only(&page, &command));
            Some(format!("command only:\n{of_command}page only:\n{of_page}"))
        }
        // The command has a path in the place of the file's name.
        (Err(command), Err(page)) => {
            let (_, what) = command.split_once(": ").unwrap();
            (!page.contains(what)).then(|| format!("command: {command}\npage: {page}\n"))
        }
        (Ok((exit, ..)), Err(page)) => Some(format!("command: exit {exit}\npage: {page}\n")),
        (Err(command), Ok((exit, ..))) => Some(format!("command: {command}\npage: exit {exit}\n")),
    }
}

fn vectors() -> Vec<Vector> {
    let entries = fs::read_dir(VECTORS)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let texts = files.map(|path| fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| read_vectors(&text).unwrap())
        .collect()
}

#[test]
fn command_and_page_say_the_same_of_every_forgery() {
    let Some(browser) = browser() else { return };
    let both = Both {
        tab: open(&browser),
        shared: Shared::default(),
        vector: RefCell::new("the genuine receipt".into()),
        differences: RefCell::default(),
        without_fuel: RefCell::default(),
        n_compared: Cell::default(),
    };
    let drill = Drill::new(&both).unwrap();
    let vectors = vectors();
    let mut n_native = 0;
    for vector in &vectors {
        *both.vector.borrow_mut() = vector.name.clone();
        n_native += usize::from(NATIVE.iter().any(|flag| vector.flags.contains(flag)));
        assert_eq!(drill.survives(vector).unwrap(), None, "{}", vector.name);
    }
    let differences = both.differences.take();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    let without_fuel = both.without_fuel.take();
    let without_fuel = without_fuel
        .iter()
        .map(|(name, found)| (&name[..], &found[..]));
    assert_eq!(without_fuel.collect::<Vec<_>>(), WITHOUT_FUEL);
    // With the genuine receipts, of our engine and of another one, and the genuine answer to a challenge.
    assert_eq!(both.n_compared.get(), 3 + vectors.len() - n_native);
    assert_eq!(n_native, 9, "vectors that are not compared");
}
