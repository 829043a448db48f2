//! What a receipt says of the machine has to fit what it says of the run.

use host::verify::Outcome;
use serde_json::{Value, json};

use crate::{
    genuine::{GENUINE, edited, replayed, rules},
    older_schema::make_older,
};

fn broken(edit: impl FnOnce(&mut Value)) -> Vec<&'static str> {
    rules(&replayed(&edited(edit)), Outcome::Fail)
}

#[test]
fn cores_are_those_of_a_machine() {
    for (physical, logical, expected) in [
        (1, 1, &[][..]),
        (2, 4, &[]),
        (8192, 8192, &[]),
        (0, 4, &["machine_cores"]),
        (5, 4, &["machine_cores"]),
        (1, 8193, &["machine_cores"]),
    ] {
        let found = broken(|r| {
            r["host"]["physical_cores"] = json!(physical);
            r["host"]["logical_cores"] = json!(logical);
        });
        assert_eq!(found, expected, "{physical} {logical}");
    }
}

#[test]
fn a_run_has_as_many_threads_as_the_machine() {
    let with = |threads: u64, logical: u64| {
        broken(|r| {
            r["run"]["threads"] = json!(threads);
            r["environment"]["RAYON_NUM_THREADS"] = json!(threads.to_string());
            r["environment"]["BITNET_DETERMINISTIC"] = json!("0");
            r["host"]["physical_cores"] = json!(1);
            r["host"]["logical_cores"] = json!(logical);
        })
    };
    assert_eq!(with(4, 4), [""; 0]);
    assert_eq!(with(5, 4), ["machine_threads"]);
}

#[test]
fn a_model_fits_into_memory() {
    let bytes = GENUINE["model"]["file_bytes"].as_u64().unwrap();
    let with = |n: u64| broken(|r| r["host"]["memory_bytes"] = json!(n));
    assert_eq!(with(bytes), [""; 0]);
    assert_eq!(with(bytes - 1), ["machine_memory"]);
    // Unknown.
    assert_eq!(with(0), [""; 0]);
}

/// Each of them for itself, on whichever CPU this runs.
#[test]
fn kernels_have_the_features_that_they_need() {
    let features: Vec<String> =
        serde_json::from_value(GENUINE["host"]["cpu_features"].clone()).unwrap();
    let kernels = GENUINE["kernels"].to_string();
    let needed: &[&str] = match () {
        () if kernels.contains("_amx\"") => &["amx-int8", "amx-tile", "avx2", "avx512f", "f16c"],
        () if kernels.contains("_avx512_vnni\"") => &[
            "avx2",
            "avx512bw",
            "avx512dq",
            "avx512f",
            "avx512vl",
            "avx512vnni",
            "f16c",
        ],
        () if kernels.contains("_avx_vnni\"") => &["avx2", "avxvnni", "f16c"],
        () if kernels.contains("_avx2\"") => &["avx2", "f16c"],
        () => &[],
    };
    for feature in &features {
        let left: Vec<_> = features.iter().filter(|f| *f != feature).collect();
        let found = broken(|r| r["host"]["cpu_features"] = json!(left));
        let expected = match needed.contains(&feature.as_str()) {
            true => &["machine_features"][..],
            false => &[],
        };
        assert_eq!(found, expected, "without {feature}");
    }
    // Before schema 1.2.0, some of them were not listed.
    let older = |missing: &str| {
        let left: Vec<_> = features.iter().filter(|f| *f != missing).collect();
        broken(|r| {
            make_older(r, "1.1.0");
            r["host"]["cpu_features"] = json!(left);
        })
    };
    assert_eq!(older("avx512dq"), [""; 0]);
    if needed.contains(&"avx2") {
        assert_eq!(older("avx2"), ["machine_features"]);
    }
}

#[test]
fn features_are_a_list_of_bounded_length() {
    let features: Vec<String> =
        serde_json::from_value(GENUINE["host"]["cpu_features"].clone()).unwrap();
    let with = |n: usize| {
        let more = (features.len()..n).map(|i| format!("z{i:02}"));
        let all: Vec<String> = features.iter().cloned().chain(more).collect();
        broken(|r| r["host"]["cpu_features"] = json!(all))
    };
    assert_eq!(with(64), [""; 0]);
    assert_eq!(with(65), ["machine_features"]);
    let twice = |at: usize| {
        let mut all = features.clone();
        all.insert(at, all[at].clone());
        broken(|r| r["host"]["cpu_features"] = json!(all))
    };
    for at in 0..features.len() {
        assert_eq!(twice(at), ["machine_features"], "{at}");
    }
}

#[test]
fn every_text_has_a_bound() {
    let is_hex = |pointer: &str| pointer == "/build/git_commit";
    for (pointer, longest) in [
        ("/host/cpu_model", 256),
        ("/host/os", 256),
        ("/host/kernel", 256),
        ("/host/governor", 256),
        ("/host/hardware/cpu_vendor", 256),
        ("/host/hardware/hypervisor", 256),
        ("/build/git_commit", 256),
        ("/build/rustc", 256),
        ("/build/profile", 256),
        ("/build/target", 256),
        ("/build/target_features", 4096),
        ("/environment/BITNET_VERSION", 256),
        ("/environment/OS", 256),
    ] {
        let with = |n: usize| {
            let unit = if is_hex(pointer) { "a" } else { "x" };
            broken(|r| *r.pointer_mut(pointer).unwrap() = json!(unit.repeat(n)))
        };
        assert_eq!(with(longest), [""; 0], "{pointer}");
        assert_eq!(with(longest + 1), ["machine_texts"], "{pointer}");
    }
}
