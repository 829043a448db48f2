//! What a page says.

use serde_json::json;

use crate::{html::Page, page, with_receipt, write_edited};

#[test]
fn a_genuine_receipt_is_replayed_and_the_page_says_what_is_proved() {
    let workspace = with_receipt();
    let page = page(&workspace, "r.json", 0);
    let lead = &page.by_class("lead").text;
    assert!(lead.contains("✓ accepted"), "{lead}");
    assert!(
        lead.contains("proved by a replay, bit for bit (23 positions)"),
        "{lead}"
    );
    assert!(lead.contains("The speed is the writer's claim"), "{lead}");
    let proof = &page.by_class("proof").text;
    assert!(
        proof.contains("Tokens, logits, hidden statesProved"),
        "{proof}"
    );
    assert!(proof.contains("how long it tookClaimed"), "{proof}");
    let figures = page.figures();
    let expected = [
        "Time of a step over its position",
        "Distribution of step times",
        "Prefill and decode of each repetition",
        "Roofline",
    ];
    assert_eq!(figures, expected);
    // The chain, and a command to paste.
    let receipt: serde_json::Value = serde_json::from_slice(&workspace.read("r.json")).unwrap();
    let chain = &page.by_class("chain").text;
    for pointer in [
        "/model/sha256",
        "/parity/checksum",
        "/parity/guest_sha256",
        "/receipt_sha256",
    ] {
        let digest = receipt.pointer(pointer).unwrap().as_str().unwrap();
        assert!(chain.contains(digest), "{pointer}: {chain}");
    }
    assert!(
        page.text.contains("bitreceipt verify-receipt r.json\n"),
        "{}",
        page.text
    );
}

/// The numbers of a chart are those of the receipt.
#[test]
fn the_table_of_a_chart_has_the_samples() {
    let workspace = with_receipt();
    write_edited(&workspace, "known.json", |r| {
        r["samples"]["decode_ns"] = json!([10_000, 20_000, 90_000].map(|ns| [ns; 15]));
    });
    let page = page(&workspace, "known.json --no-replay", 1);
    let tables = page
        .all("table")
        .filter(|t| t.around.iter().any(|name| name == "figure"));
    let [steps, distribution, ..] = &tables.collect::<Vec<_>>()[..] else {
        panic!("too few tables");
    };
    assert!(
        steps
            .text
            .contains("8–8310.00 µs10.00 µs20.00 µs90.00 µs90.00 µs"),
        "{}",
        steps.text
    );
    assert!(
        distribution.text.contains("p5020.00 µs"),
        "{}",
        distribution.text
    );
    let caption = &page.by_id("r1-steps-text").text;
    assert!(
        caption.contains("15 decode steps of 3 repetitions"),
        "{caption}"
    );
}

/// What the system said of the run is shown, and what may be wrong with it.
#[test]
fn evidence_and_warnings_are_shown() {
    let workspace = with_receipt();
    write_edited(&workspace, "loud.json", |r| {
        r["evidence"]["read_bandwidth"] = json!(13_300_000_000u64);
        r["evidence"]["before"]["load_average"] = json!(99.5);
        r["evidence"]["after"]["load_average"] = json!(98);
    });
    let page = page(&workspace, "loud.json", 0);
    let caption = &page.by_id("r1-roofline-text").text;
    let bandwidth = "This machine read 13.30 GB/s from memory, of which decoding takes at least ";
    assert!(caption.contains(bandwidth), "{caption}");
    assert!(
        page.text.contains("99.50 before, 98.00 after"),
        "{}",
        page.text
    );
    let warning = "! warning: the load average was 99.5";
    assert!(page.text.contains(warning), "{}", page.text);
}

#[test]
fn a_depth_is_part_of_the_test() {
    let workspace = with_receipt();
    let words = "benchmark -n 8 -p 4 -d 16 -r 1 --quiet --output deep.json";
    workspace.run(words).exits(0);
    let page = page(&workspace, "deep.json", 0);
    let title = page.all("h1").next().unwrap();
    assert_eq!(title.text, "tiny.gguf: pp4 @ d16 + tg8 @ d20");
    // The first decoded token is fed at this position.
    let steps = page
        .all("table")
        .find(|t| t.text.starts_with("positions"))
        .unwrap();
    assert!(steps.text.contains("longest20–20"), "{}", steps.text);
}

#[test]
fn without_a_replay_nothing_is_called_proved() {
    let workspace = with_receipt();
    let page = page(&workspace, "r.json --no-replay", 0);
    let (lead, proof) = (&page.by_class("lead").text, &page.by_class("proof").text);
    assert!(lead.contains("? unverifiable"), "{lead}");
    assert!(proof.contains("hidden statesNot proved here"), "{proof}");
    assert!(!proof.contains("Proved"), "{proof}");
    assert!(page.text.contains("left out because of --no-replay"));
}

#[test]
fn an_audit_is_not_called_a_proof() {
    let workspace = with_receipt();
    let page = page(&workspace, "r.json --sample 50%", 0);
    let (lead, proof) = (&page.by_class("lead").text, &page.by_class("proof").text);
    assert!(lead.contains("audited a part of the run"), "{lead}");
    assert!(proof.contains("hidden statesAudited"), "{proof}");
}

#[test]
fn a_forgery_is_rejected_on_top_and_the_command_fails() {
    let workspace = with_receipt();
    write_edited(&workspace, "forged.json", |r| {
        let token = r["tokens"][15].as_u64().unwrap();
        r["tokens"][15] = json!(token ^ 1);
    });
    let page = page(&workspace, "forged.json", 1);
    let (lead, proof) = (&page.by_class("lead").text, &page.by_class("proof").text);
    assert!(
        lead.contains("✗ rejected") && lead.contains("No number of this receipt counts"),
        "{lead}"
    );
    assert!(proof.contains("hidden statesRefuted"), "{proof}");
    let rules = &page.by_class("rules").text;
    assert!(rules.contains("broken: parity_tokens"), "{rules}");
    // Its rate is struck out.
    assert_eq!(page.all("s").count(), 1);
}

#[test]
fn several_receipts_are_compared_by_task() {
    let workspace = with_receipt();
    let benchmark = |words: &str| {
        workspace
            .run(&format!(
                "benchmark --tokens 16 --repetitions 1 --quiet {words}"
            ))
            .exits(0);
    };
    benchmark("--prompt-tokens 8 --output again.json");
    benchmark("--prompt-tokens 40 --output deep.json");
    write_edited(&workspace, "forged.json", |r| {
        r["parity"]["checksum"] = json!("0".repeat(64));
        r["parity"]["reference_checksum"] = json!("0".repeat(64));
    });
    let page = page(&workspace, "r.json again.json deep.json forged.json", 1);
    assert!(
        page.text.contains("Receipts 1, 2 are of one task"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("Their transcripts are equal"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("Rejected, and in no chart: 4."),
        "{}",
        page.text
    );
    let figures = page.figures();
    let expected = [
        "Decode rates side by side",
        "Decode rate over time",
        "Decode rate over depth",
    ];
    assert_eq!(figures[..3], expected);
    let rates = page.by_id("rates0-text").text.clone();
    assert!(!rates.contains("receipt 4"), "{rates}");
    // A link to each.
    assert_eq!(page.all("a").count(), 4);
}

/// Two results of one task cannot both be right: that is said, not drawn over.
#[test]
fn different_transcripts_of_one_task_are_no_comparison() {
    let workspace = with_receipt();
    write_edited(&workspace, "other.json", |r| {
        r["parity"]["checksum"] = json!("0".repeat(64));
        r["parity"]["reference_checksum"] = json!("0".repeat(64));
    });
    let page = page(&workspace, "r.json other.json --no-replay", 0);
    assert!(
        page.text.contains("Their transcripts differ"),
        "{}",
        page.text
    );
}

#[test]
fn a_profile_is_drawn() {
    let workspace = with_receipt();
    let words =
        "benchmark --tokens 16 --prompt-tokens 8 -r 1 --profile --format json --output p.json";
    let printed = workspace.run(words).exits(0).stdout;
    workspace.write("profile.json", printed);
    let page = page(&workspace, "profile.json", 0);
    let figures = page.figures();
    assert_eq!(
        figures[4..],
        ["Decode by operation", "Prefill by operation"]
    );
    let decode = page
        .all("table")
        .find(|t| t.text.starts_with("operation"))
        .unwrap();
    assert!(decode.text.contains("ffn_down"), "{}", decode.text);
    assert!(page.by_class("lead").text.contains("✓ accepted"));
}

#[test]
fn a_signature_beside_the_receipt_is_checked_with_its_key() {
    let workspace = with_receipt();
    workspace.run("keygen my.key --quiet").exits(0);
    let words = "benchmark -n 3 -p 4 -r 1 --quiet --sign my.key --output signed.json";
    workspace.run(words).exits(0);
    let unchecked = page(&workspace, "signed.json", 0);
    assert!(
        unchecked
            .by_class("chain")
            .text
            .contains("a bundle lies beside")
    );
    let checked = page(&workspace, "signed.json --public-key my.key.pub", 0);
    let chain = &checked.by_class("chain").text;
    assert!(!chain.contains("a bundle lies beside"), "{chain}");
    assert!(
        checked.text.contains("signed.json.dsse.json --public-key"),
        "{}",
        checked.text
    );
}

#[test]
fn the_page_goes_where_it_is_sent() {
    let workspace = with_receipt();
    let printed = workspace
        .run("report r.json --no-replay --output -")
        .exits(0);
    assert_eq!(printed.stderr, "");
    Page::read(printed.stdout.as_bytes());
    let said = workspace
        .run("report r.json --no-replay --output other.html --format json")
        .exits(0);
    let said = said.json();
    assert_eq!(said["path"], "other.html");
    assert_eq!(said["receipts"][0]["conclusion"], "unverifiable");
    let input = workspace.read("r.json");
    workspace
        .run_with_input("report - --no-replay --quiet", input)
        .exits(0);
    let page = Page::read(&workspace.read("report.html"));
    assert!(page.by_class("lead").text.contains("standard input"));
}

/// Whoever doubts the page follows a link, and nothing is fetched before.
#[test]
fn a_page_links_to_where_its_receipt_can_be_checked() {
    let workspace = with_receipt();
    let address = "https://example.org/check/?a=1&b=%22x%22";
    let words = format!("r.json --no-replay --check-at {address}");
    let with_link = page(&workspace, &words, 0);
    let links: Vec<_> = with_link
        .all("a")
        .filter(|a| a.attributes["href"] != "#")
        .collect();
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].attributes["href"], address);
    assert_eq!(links[0].attributes["rel"], "noreferrer");
    let without = page(&workspace, "r.json --no-replay", 0);
    assert!(without.text.contains("the page that xtask web makes"));
    for other in [
        "javascript:alert(1)",
        "example.org",
        "https://",
        "https:///x",
        "file:///x",
        "data:,x",
    ] {
        let words = format!("report r.json --check-at {other}");
        workspace
            .run(&words)
            .refuses_words(&["--check-at", "https://example.org/check/"]);
    }
}
