//! Receipts of older schemas are still read, and held to the fields that each had.

use host::{
    receipt::NEWER_FIELDS,
    verify::{Outcome, Policy},
};
use serde_json::{Value, json};

use crate::genuine::{
    EXTERNAL, assert_accepted, assert_rejected_by, edited, replayed, rule, rules, verify,
    verify_under, verify_with_replay,
};

/// What older builds wrote, with other guests.
const OLDER: [(&str, &[u8]); 3] = [
    ("1.1.0", include_bytes!("receipt-1.1.0.json")),
    ("1.2.0", include_bytes!("receipt-1.2.0.json")),
    ("1.3.0", include_bytes!("receipt-1.3.0.json")),
];

/// The genuine receipt as an older build would have written it, with an edit.
fn older(version: &str, edit: impl FnOnce(&mut Value)) -> Value {
    edited(|r| {
        make_older(r, version);
        edit(r);
    })
}

/// Takes away what a version does not have.
pub fn make_older(receipt: &mut Value, version: &str) {
    receipt["receipt_schema"] = json!(version);
    for (pointer, since) in NEWER_FIELDS {
        if since > version {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let parent = receipt.pointer_mut(parent).unwrap();
            parent.as_object_mut().unwrap().remove(key);
        }
    }
}

#[test]
fn a_receipt_of_an_older_build_is_accepted_after_a_replay() {
    for (version, bytes) in OLDER {
        let verdict = verify_with_replay(bytes).unwrap();
        assert_accepted(&verdict);
        let proved = "proved by a replay, bit for bit (";
        assert!(verdict.tokens.starts_with(proved), "{verdict:?}");
        let noted = rules(&verdict, Outcome::Note);
        assert_eq!(noted, ["guest_sha256", "parity_fuel"], "{version}");
    }
    let verdict = verify_with_replay(OLDER[0].1).unwrap();
    assert_eq!(verdict.receipt.as_ref().unwrap().claimed.hardware, None);
    let text = verdict.to_text("r.json");
    let machine =
        "\n  machine   Intel(R) Xeon(R) Processor, 2 cores, Linux (Debian GNU/Linux 12)\n";
    assert!(text.contains(machine), "{text}");
}

#[test]
fn a_policy_names_the_versions_that_it_accepts() {
    let policy = Policy::read(include_bytes!("../../../ci/policy.toml")).unwrap();
    for (version, bytes) in OLDER {
        let verdict = verify_under(bytes, &policy).unwrap();
        let evidence = &rule(&verdict, "policy_schema_version").evidence;
        assert!(evidence.contains(version), "{evidence}");
        assert!(rules(&verdict, Outcome::Fail).contains(&"policy_schema_version"));
    }
}

/// Each version has its fields, and no others: not those of the next one.
#[test]
fn each_version_has_its_own_fields() {
    for version in ["1.1.0", "1.2.0", "1.3.0", "1.4.0"] {
        assert_accepted(&replayed(&older(version, |_| ())));
        for (pointer, since) in NEWER_FIELDS {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let is_newer = since > version;
            let other = older(version, |r| {
                let parent = r.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                match is_newer {
                    true => parent.insert(key.into(), EXTERNAL.pointer(pointer).unwrap().clone()),
                    false => parent.remove(key),
                };
            });
            let nulled = edited(|r| {
                let parent = r.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                parent.insert(key.into(), json!(null));
            });
            let expected = match is_newer {
                true => format!("unknown field `{key}`: schema {version} does not have it"),
                false => format!("missing field `{key}`"),
            };
            for (forged, expected) in [(other, &*expected), (nulled, "invalid type: null")] {
                let verdict = replayed(&forged);
                assert!(
                    rules(&verdict, Outcome::Fail).contains(&"schema"),
                    "{verdict:?}"
                );
                let evidence = &rule(&verdict, "schema").evidence;
                assert!(evidence.starts_with(expected), "{evidence}");
            }
        }
    }
    let empty = edited(|r| r["host"]["hardware"] = json!({}));
    assert_rejected_by(&replayed(&empty), &["schema"]);
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
