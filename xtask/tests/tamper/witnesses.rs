//! The second witness has to agree with the times, the threads and the work; and a measurement that was
//! discarded has to be whole.

use host::verify::Outcome;
use serde_json::{Value, json};

use crate::genuine::{GENUINE, assert_accepted, claimed, replayed, rules, seal};

/// The rules that fail on the genuine receipt whose two repetitions take 100 µs, with an edit.
fn broken(edit: impl FnOnce(&mut Value)) -> Vec<&'static str> {
    let mut receipt = claimed(json!({
        "load_ns": 9,
        "prefill_ns": [80_000, 80_000],
        "decode_ns": [[9_000, 11_000], [9_000, 11_000]],
    }));
    edit(&mut receipt);
    seal(&mut receipt);
    rules(&replayed(&receipt), Outcome::Fail)
}

fn witnessed(field: &str, value: impl Into<Value>) -> Vec<&'static str> {
    let value = value.into();
    broken(|r| r["samples"]["witness"][1][field] = value)
}

const TICK: u64 = 10_000_000;

#[test]
fn a_repetition_lasts_at_least_as_long_as_its_steps() {
    assert_eq!(witnessed("wall_ns", 100_000), [""; 0]);
    assert_eq!(witnessed("wall_ns", 99_999), ["witness_times"]);
}

#[test]
fn threads_have_no_more_cpu_time_than_there_is() {
    let wall = 200_000;
    let with = |threads: u64, cpu_ns: u64| {
        broken(|r| {
            r["samples"]["witness"][1]["wall_ns"] = json!(wall);
            r["samples"]["witness"][1]["cpu_ns"] = json!(cpu_ns);
            r["run"]["threads"] = json!(threads);
            r["host"]["logical_cores"] = json!(4);
            r["environment"]["RAYON_NUM_THREADS"] = json!(threads.to_string());
            r["environment"]["BITNET_DETERMINISTIC"] = json!("0");
        })
    };
    for threads in [1, 3] {
        let most = threads * (wall + TICK);
        assert_eq!(with(threads, most), [""; 0]);
        assert_eq!(with(threads, most + 1), ["witness_times"]);
    }
    assert_eq!(witnessed("cpu_ns", json!(null)), [""; 0]);
}

/// Of the ledger's work, whose sum is read from the receipt.
#[test]
fn instructions_are_within_what_the_work_takes() {
    let ledger = GENUINE["kernel_ledger"].as_array().unwrap().iter();
    let macs: u64 = ledger
        .map(|e| e["multiply_accumulates"].as_u64().unwrap())
        .sum();
    let (least, most) = (macs / 16_384, macs * 100 + 6 * 100_000_000);
    for (n, expected) in [
        (least, &[][..]),
        (least - 1, &["witness_counters"]),
        (most, &[]),
        (most + 1, &["witness_counters"]),
    ] {
        assert_eq!(witnessed("instructions", n), expected, "{n}");
    }
}

#[test]
fn cycles_are_within_what_clocks_and_cores_do() {
    let cpu_ns = 100_800;
    let with_threads = |threads: u64, cycles: u64, instructions: u64| {
        broken(|r| {
            r["run"]["threads"] = json!(threads);
            r["host"]["logical_cores"] = json!(4);
            r["environment"]["RAYON_NUM_THREADS"] = json!(threads.to_string());
            r["environment"]["BITNET_DETERMINISTIC"] = json!(if threads == 1 { "1" } else { "0" });
            let witness = &mut r["samples"]["witness"][0];
            assert_eq!(witness["cpu_ns"], cpu_ns);
            witness["cycles"] = json!(cycles);
            witness["instructions"] = json!(instructions);
        })
    };
    // The clock may have missed a tick of each thread.
    for threads in [1, 3] {
        let most = (cpu_ns + threads * TICK) * 8;
        let with = |cycles| with_threads(threads, cycles, 50_000_000);
        assert_eq!(with(most), [""; 0]);
        assert_eq!(with(most + 1), ["witness_counters"]);
    }
    let with = |cycles, instructions| with_threads(1, cycles, instructions);
    assert_eq!(with(1_000_000, 16_000_000), [""; 0]);
    assert_eq!(with(1_000_000, 16_000_001), ["witness_counters"]);
}

fn discarded() -> Value {
    json!({
        "because": "physics_caching: slow",
        "prefill_ns": [90_000, 80_000],
        "decode_ns": [[9_000, 9_000], [9_000, 9_000]],
        "control_prefill_ns": 80_000,
        "control_decode_ns": [9_000, 9_000],
    })
}

#[test]
fn a_discarded_measurement_is_whole() {
    let with = |attempts: u64, edit: &dyn Fn(&mut Value)| {
        let mut one = discarded();
        edit(&mut one);
        broken(|r| {
            r["run"]["attempts"] = json!(attempts);
            r["samples"]["discarded"] = json!([one]);
        })
    };
    assert_eq!(with(2, &|_| ()), [""; 0]);
    assert_eq!(with(1, &|_| ()), ["attempts"]);
    assert_eq!(with(3, &|_| ()), ["attempts"]);
    // It may have ended early, but not have had more repetitions.
    let fewer = |one: &mut Value| {
        one["prefill_ns"] = json!([90_000]);
        one["decode_ns"] = json!([[9_000, 9_000]]);
    };
    assert_eq!(with(2, &fewer), [""; 0]);
    type Edit<'e> = &'e dyn Fn(&mut Value);
    let edits: [Edit; 10] = [
        &|one| one["because"] = json!(""),
        &|one| one["because"] = json!("physics_caching: ".to_owned() + &"x".repeat(1984)),
        &|one| one["because"] = json!("physics_decode: too fast"),
        &|one| one["prefill_ns"] = json!([90_000]),
        &|one| {
            one["prefill_ns"] = json!([9, 9, 9]);
            one["decode_ns"] = json!([[9, 9], [9, 9], [9, 9]]);
        },
        &|one| one["decode_ns"][1] = json!([9_000]),
        &|one| one["control_decode_ns"] = json!([9_000, 9_000, 9_000]),
        &|one| one["control_prefill_ns"] = json!(0),
        &|one| one["decode_ns"][0][1] = json!(0),
        &|one| one["control_decode_ns"][0] = json!(0),
    ];
    for (i, edit) in edits.iter().enumerate() {
        // Times that are too short for this break other rules as well.
        assert!(with(2, edit).contains(&"attempts"), "edit {i}");
    }
    let longest = |one: &mut Value| {
        one["because"] = json!("physics_caching: ".to_owned() + &"x".repeat(1983));
    };
    assert_eq!(with(2, &longest), [""; 0]);
}

/// What was not used was measured as well.
#[test]
fn discarded_times_are_possible_ones() {
    type Edit<'e> = &'e dyn Fn(&mut Value);
    let edits: [(Edit, &str); 4] = [
        (&|one| one["prefill_ns"][1] = json!(9), "physics_prefill"),
        (
            &|one| one["control_prefill_ns"] = json!(9),
            "physics_prefill",
        ),
        (&|one| one["decode_ns"][0][1] = json!(9), "physics_decode"),
        (
            &|one| one["control_decode_ns"][1] = json!(9),
            "physics_decode",
        ),
    ];
    for (edit, rule) in edits {
        let mut one = discarded();
        edit(&mut one);
        let found = broken(|r| {
            r["run"]["attempts"] = json!(2);
            r["samples"]["discarded"] = json!([one]);
        });
        assert_eq!(found, [rule]);
    }
}

/// With a control run, that one is the measure, and not the first repetition.
#[test]
fn a_control_run_takes_the_place_of_the_first_repetition() {
    let ms = |ms: u64| ms * 1_000_000;
    let with = |control: u64, first: u64| {
        let mut receipt = claimed(json!({
            "load_ns": 9,
            "prefill_ns": [ms(first), ms(100), ms(100)],
            "decode_ns": [[9_000, 9_000], [9_000, 9_000], [9_000, 9_000]],
        }));
        let mut one = discarded();
        one["control_prefill_ns"] = json!(ms(control));
        receipt["run"]["attempts"] = json!(2);
        receipt["samples"]["discarded"] = json!([one]);
        seal(&mut receipt);
        replayed(&receipt)
    };
    assert_accepted(&with(100, 900));
    assert_eq!(rules(&with(900, 100), Outcome::Fail), ["physics_caching"]);
}
