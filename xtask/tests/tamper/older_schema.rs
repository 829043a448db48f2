//! Receipts of schema 1.1.0 are still read, and held to the fields that it had.

use host::verify::{Outcome, Policy};
use serde_json::{Value, json};

use crate::genuine::{
    GENUINE, assert_accepted, assert_rejected_by, edited, replayed, rule, rules, verify,
    verify_under, verify_with_replay,
};

/// What an older build wrote: with another guest, and without `host.hardware`.
const OLDER: &[u8] = include_bytes!("receipt-1.1.0.json");

/// The genuine receipt as an older build would have written it, with an edit.
fn older(edit: impl FnOnce(&mut Value)) -> Value {
    edited(|r| {
        r["receipt_schema"] = json!("1.1.0");
        r["host"].as_object_mut().unwrap().remove("hardware");
        edit(r);
    })
}

#[test]
fn a_receipt_of_an_older_build_is_accepted_after_a_replay() {
    let verdict = verify_with_replay(OLDER).unwrap();
    assert_accepted(&verdict);
    assert_eq!(
        verdict.tokens,
        "proved by a replay, bit for bit (19 positions)"
    );
    let notes = rules(&verdict, Outcome::Note);
    assert_eq!(notes, ["guest_sha256", "parity_fuel"]);
    assert_eq!(verdict.receipt.as_ref().unwrap().claimed.hardware, None);
    let text = verdict.to_text("r.json");
    let machine =
        "\n  machine   Intel(R) Xeon(R) Processor, 2 cores, Linux (Debian GNU/Linux 12)\n";
    assert!(text.contains(machine), "{text}");
}

#[test]
fn a_policy_names_the_versions_that_it_accepts() {
    let policy = Policy::read(include_bytes!("../../../ci/policy.toml")).unwrap();
    let verdict = verify_under(OLDER, &policy).unwrap();
    let evidence = &rule(&verdict, "policy_schema_version").evidence;
    assert!(evidence.contains("1.1.0"), "{evidence}");
    assert!(rules(&verdict, Outcome::Fail).contains(&"policy_schema_version"));
}

#[test]
fn each_version_has_its_own_fields() {
    assert_accepted(&replayed(&older(|_| ())));
    let hardware = GENUINE["host"]["hardware"].clone();
    for (forged, expected) in [
        (
            older(|r| r["host"]["hardware"] = hardware),
            "unknown field `hardware`: schema 1.1.0 does not have it",
        ),
        (
            older(|r| r["host"]["hardware"] = json!(null)),
            "invalid type: null",
        ),
        (
            older(|r| r["receipt_schema"] = json!("1.2.0")),
            "missing field `hardware`",
        ),
        (
            edited(|r| r["host"]["hardware"] = json!(null)),
            "invalid type: null",
        ),
        (
            edited(|r| r["host"]["hardware"] = json!({})),
            "missing field `",
        ),
    ] {
        let verdict = replayed(&forged);
        assert_rejected_by(&verdict, &["schema"]);
        let evidence = &rule(&verdict, "schema").evidence;
        assert!(evidence.starts_with(expected), "{evidence}");
    }
}

/// What a stranger writes about a machine stays on its lines, and breaks them nowhere else.
#[test]
fn the_machine_is_shown_in_plain_text() {
    let text_of = |hardware: Value| {
        let receipt = edited(|r| {
            r["host"]["cpu_model"] = json!("AMD EPYC");
            r["host"]["physical_cores"] = json!(2);
            r["host"]["os"] = json!("Linux (Debian GNU/Linux 12)");
            r["host"]["hardware"] = hardware;
        });
        let verdict = verify(receipt.to_string().as_bytes()).unwrap();
        let text = verdict.to_text("r.json");
        let (_, machine) = text.split_once("\n  machine   ").unwrap();
        machine.split_once("\n  made").unwrap().0.to_owned()
    };
    let mut hardware = json!({
        "cpu_vendor": "AuthenticAMD", "cpu_family": 25, "cpu_model_number": 17, "cpu_stepping": 1,
        "l1d_cache_bytes": 32768, "l2_cache_bytes": 1048576, "l3_cache_bytes": 37486592,
        "hypervisor": "KVM", "numa_nodes": 2,
    });
    assert_eq!(
        text_of(hardware.clone()),
        "AMD EPYC, AuthenticAMD family 25 model 17 stepping 1, 2 cores,\n            \
         L3 35.75 MiB, 2 NUMA nodes, KVM, Linux (Debian GNU/Linux 12)"
    );
    hardware["hypervisor"] = json!("none");
    assert!(text_of(hardware.clone()).contains(" no hypervisor,"));
    hardware["cpu_vendor"] = json!("x\n  tokens/s  9999");
    hardware["hypervisor"] = json!("\u{1b}[2J".repeat(100));
    let text = text_of(hardware.clone());
    let is_plain = |line: &str| !line.contains(char::is_control) && line.starts_with("  ");
    assert!(text.lines().skip(1).all(is_plain), "{text:?}");
    assert!(text.lines().count() <= 4, "{text}");
    let unknown: Vec<String> = hardware.as_object().unwrap().keys().cloned().collect();
    for key in unknown {
        hardware[key] = json!(null);
    }
    assert_eq!(
        text_of(hardware),
        "AMD EPYC, 2 cores, Linux (Debian GNU/Linux 12)"
    );
}
