//! Each warning has a receipt that brings it up, and a calm one that brings up none.

use serde_json::{Value, json};

use super::{warnings, was_always_disturbed};
use crate::receipt::Receipt;

const CALM: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../xtask/fuzz/seeds/receipt/receipt.json"
));

/// A receipt of `repetitions` × `steps` decode steps of about 1 ms, all the same but for a slight ripple, on
/// a machine at rest; with an edit.
fn receipt(edit: impl FnOnce(&mut Value)) -> Receipt {
    let mut receipt: Value = serde_json::from_str(CALM).unwrap();
    let (repetitions, steps) = (9, 64);
    let step = |i: u64| 1_000_000 + i * 7919 % 20_000;
    let decode: Vec<Vec<u64>> = (0..repetitions)
        .map(|r| (0..steps).map(|s| step(r * steps + s)).collect())
        .collect();
    receipt["run"]["threads"] = json!(1);
    receipt["run"]["repetitions"] = json!(repetitions);
    receipt["host"]["logical_cores"] = json!(4);
    receipt["host"]["governor"] = json!("performance");
    receipt["samples"]["prefill_ns"] = json!(vec![5_000_000; repetitions as usize]);
    receipt["samples"]["decode_ns"] = json!(decode);
    let witness = json!({
        "wall_ns": 70_000_000, "cpu_ns": 69_900_000, "involuntary_switches": 0,
        "instructions": null, "cycles": null,
    });
    receipt["samples"]["witness"] = json!(vec![witness; repetitions as usize]);
    let state = json!({
        "load_average": 0.3, "steal_ms": 500, "frequency_khz": 3_000_000, "temperature_mc": 50_000,
        "throttle_count": 7, "swapped_pages": 12,
    });
    let counted = json!({
        "voluntary_switches": 0, "minor_faults": 3, "major_faults": 0, "cache_misses": null,
    });
    let evidence = &mut receipt["evidence"];
    evidence["engine_opt_level"] = json!("3");
    evidence["before"] = state.clone();
    evidence["after"] = state;
    evidence["repetitions"] = json!(vec![counted; repetitions as usize]);
    edit(&mut receipt);
    serde_json::from_value(receipt).unwrap()
}

fn ids(edit: impl FnOnce(&mut Value)) -> Vec<&'static str> {
    warnings(&receipt(edit)).iter().map(|w| w.id).collect()
}

fn scale(steps: &mut Value, factor: f64) {
    for step in steps.as_array_mut().unwrap() {
        *step = json!((step.as_u64().unwrap() as f64 * factor) as u64);
    }
}

#[test]
fn a_calm_run_has_no_warning() {
    assert_eq!(ids(|_| ()), [""; 0]);
}

#[test]
fn a_machine_that_says_nothing_has_no_warning() {
    let nothing = ids(|r| {
        for place in ["/evidence/before", "/evidence/after"] {
            let state = r.pointer_mut(place).unwrap().as_object_mut().unwrap();
            state.values_mut().for_each(|value| *value = Value::Null);
        }
        r["host"]["governor"] = Value::Null;
        for counted in r["evidence"]["repetitions"].as_array_mut().unwrap() {
            counted["major_faults"] = Value::Null;
        }
        for witness in r["samples"]["witness"].as_array_mut().unwrap() {
            witness["cpu_ns"] = Value::Null;
        }
    });
    assert_eq!(nothing, [""; 0]);
}

#[test]
fn interrupted_steps() {
    let with = |ns: u64| {
        warnings(&receipt(|r| {
            for i in 0..3 {
                r["samples"]["decode_ns"][2][9 + 7 * i] = json!(ns);
            }
        }))
    };
    let found = with(11_000_000);
    assert_eq!(found[0].id, "slow_steps");
    assert_eq!(
        found[0].found,
        "3 of 576 steps took over 10 times the median, 5 % of the time"
    );
    assert_eq!(with(9_000_000), []);
}

#[test]
fn a_slow_start() {
    let first = |factor| ids(move |r| scale(&mut r["samples"]["decode_ns"][0], factor));
    assert_eq!(first(1.3), ["slow_start"]);
    assert_eq!(first(1.05), [""; 0]);
    let later = ids(|r| scale(&mut r["samples"]["decode_ns"][4], 1.3));
    assert_eq!(later, [""; 0]);
}

#[test]
fn steps_of_two_speeds() {
    let half = |factor: f64| {
        ids(move |r| {
            for repetition in r["samples"]["decode_ns"].as_array_mut().unwrap() {
                for step in repetition.as_array_mut().unwrap().iter_mut().step_by(2) {
                    *step = json!((step.as_u64().unwrap() as f64 * factor) as u64);
                }
            }
        })
    };
    assert_eq!(half(1.5), ["two_speeds"]);
    assert_eq!(half(1.05), [""; 0]);
}

#[test]
fn repetitions_that_become_slower() {
    let slower = |each: f64| {
        ids(move |r| {
            let all = r["samples"]["decode_ns"].as_array_mut().unwrap();
            for (i, repetition) in all.iter_mut().enumerate() {
                scale(repetition, 1.0 + each * i as f64);
            }
        })
    };
    assert_eq!(slower(0.04), ["drift"]);
    assert_eq!(slower(0.01), [""; 0]);
    assert_eq!(slower(-0.04), [""; 0]);
}

#[test]
fn a_run_of_milliseconds() {
    let short = ids(|r| {
        for repetition in r["samples"]["decode_ns"].as_array_mut().unwrap() {
            scale(repetition, 0.05);
        }
    });
    assert_eq!(short, ["short"]);
}

#[test]
fn what_the_system_says() {
    let cases: [(&str, &str, Value, Value); 8] = [
        (
            "unoptimised",
            "/evidence/engine_opt_level",
            json!("0"),
            json!("2"),
        ),
        (
            "load",
            "/evidence/before/load_average",
            json!(3.8),
            json!(3.2),
        ),
        ("steal", "/evidence/after/steal_ms", json!(600), json!(510)),
        (
            "throttled",
            "/evidence/after/throttle_count",
            json!(8),
            json!(7),
        ),
        (
            "frequency",
            "/evidence/after/frequency_khz",
            json!(2_500_000),
            json!(2_800_000),
        ),
        (
            "governor",
            "/host/governor",
            json!("powersave"),
            json!("performance"),
        ),
        (
            "swap",
            "/evidence/after/swapped_pages",
            json!(13),
            json!(12),
        ),
        (
            "faults",
            "/evidence/repetitions/5/major_faults",
            json!(1),
            json!(0),
        ),
    ];
    for (id, pointer, alarming, calm) in cases {
        let with = |value: &Value| ids(|r| *r.pointer_mut(pointer).unwrap() = value.clone());
        assert_eq!(with(&alarming), [id], "{alarming}");
        assert_eq!(with(&calm), [""; 0], "{id}: {calm}");
    }
}

/// Nine repetitions of 70 ms: 20 switches a second are 12.6. Threads that only wait are not disturbed.
#[test]
fn cores_that_others_had() {
    let found = |cpu_ns: u64, switches: Value| {
        ids(|r| {
            for witness in r["samples"]["witness"].as_array_mut().unwrap() {
                witness["cpu_ns"] = json!(cpu_ns);
            }
            r["samples"]["witness"][3]["involuntary_switches"] = switches;
        })
    };
    assert_eq!(found(62_000_000, json!(13)), ["preempted"]);
    assert_eq!(found(62_000_000, json!(12)), [""; 0]);
    assert_eq!(found(64_000_000, json!(1000)), [""; 0]);
    assert_eq!(found(10_000_000, Value::Null), [""; 0]);
}

/// One undisturbed repetition is enough to compare speeds, threads that wait were not disturbed, and a system
/// that counts nothing says nothing. In a repetition of 70 ms, 20 switches a second are 1.4.
#[test]
fn runs_that_were_disturbed_in_every_repetition() {
    let found = |of: fn(usize) -> (Value, Value)| {
        was_always_disturbed(&receipt(|r| {
            let witnesses = r["samples"]["witness"].as_array_mut().unwrap();
            for (i, witness) in witnesses.iter_mut().enumerate() {
                (witness["cpu_ns"], witness["involuntary_switches"]) = of(i);
            }
        }))
    };
    assert!(found(|_| (json!(62_000_000), json!(2))));
    assert!(!found(|_| (json!(62_000_000), json!(1))));
    assert!(!found(|_| (json!(64_000_000), json!(2))));
    assert!(!found(|i| match i {
        4 => (json!(69_000_000), json!(2)),
        _ => (json!(10_000_000), json!(2)),
    }));
    assert!(!found(|_| (Value::Null, json!(2))));
    assert!(!found(|_| (json!(62_000_000), Value::Null)));
}

/// Every sign there is has its test above.
#[test]
fn no_sign_is_left_out() {
    let source = include_str!("tests.rs");
    for (id, advice, _) in super::samples::SIGNS.iter().chain(super::machine::SIGNS) {
        assert!(source.contains(&format!("{id:?}")), "{id}");
        assert!(!advice.is_empty());
    }
}
