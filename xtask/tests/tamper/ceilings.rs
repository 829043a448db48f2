//! What no machine can have done, whatever the receipt says of it.

use host::verify::{Ceilings, Policy};
use serde_json::{Value, json};

use crate::genuine::{
    GENUINE, assert_accepted, assert_rejected_by, claimed, edited, replayed, seal, verify_under,
};

/// The genuine receipt with these times of its prefill and its two steps, in nanoseconds.
fn timed(prefill: u64, steps: [u64; 2]) -> Value {
    claimed(json!({ "load_ns": 9, "prefill_ns": [prefill], "decode_ns": [steps] }))
}

/// On a machine with as many cores and threads as anybody likes.
fn on_cores(mut receipt: Value, cores: u64, nodes: u64) -> Value {
    let threads = cores.min(1024);
    receipt["run"]["threads"] = json!(threads);
    receipt["environment"]["RAYON_NUM_THREADS"] = json!(threads.to_string());
    receipt["environment"]["BITNET_DETERMINISTIC"] = json!("0");
    receipt["host"]["logical_cores"] = json!(cores);
    receipt["host"]["physical_cores"] = json!(cores);
    receipt["host"]["hardware"]["numa_nodes"] = json!(nodes);
    seal(&mut receipt);
    receipt
}

fn under(receipt: &Value, policy: &str) -> host::verify::Verdict {
    let policy = Policy::read(policy.as_bytes()).unwrap();
    verify_under(receipt.to_string().as_bytes(), &policy).unwrap()
}

#[test]
fn times_that_no_machine_needs_so_little_of() {
    assert_rejected_by(&replayed(&timed(10, [9000, 9000])), &["physics_prefill"]);
    // One step, hidden in a total that is possible.
    assert_rejected_by(&replayed(&timed(90_000, [90_000, 10])), &["physics_decode"]);
    // One repetition, hidden behind a median that is possible.
    let forged = claimed(json!({
        "load_ns": 9,
        "prefill_ns": [90_000, 90_000, 90_000],
        "decode_ns": [[9000, 9000], [1, 1], [9000, 9000]],
    }));
    assert_rejected_by(&replayed(&forged), &["physics_decode"]);
}

/// One thread has one core, whatever the machine has.
#[test]
fn one_thread_is_no_faster_on_a_larger_machine() {
    // 4.9 million multiply-accumulates take 4.2 µs at the fastest core's rate and half as much again.
    let receipt = |ns| {
        let mut receipt = on_cores(timed(90_000, [ns, ns]), 256, 8);
        receipt["run"]["threads"] = json!(1);
        receipt["environment"]["RAYON_NUM_THREADS"] = json!("1");
        seal(&mut receipt);
        receipt
    };
    assert_accepted(&replayed(&receipt(5_000)));
    assert_rejected_by(&replayed(&receipt(4_000)), &["physics_decode"]);
}

/// More threads take less time, as far as there are cores; what follows one another takes the same.
#[test]
fn claimed_cores_end_where_real_ones_do() {
    let step = |ns| timed(90_000, [ns, ns]);
    assert_rejected_by(&replayed(&step(2_000)), &["physics_decode"]);
    assert_accepted(&replayed(&on_cores(step(2_000), 16, 1)));
    for cores in [256, 1024, 8192] {
        for nodes in [1, 2, 64] {
            // Six layers, each with five regions and its sums.
            let forged = on_cores(step(300), cores, nodes);
            assert_rejected_by(&replayed(&forged), &["physics_decode"]);
        }
    }
}

/// Threads that take turns on a core are no faster than one.
#[test]
fn more_threads_than_cores_are_refused() {
    let forged = edited(|r| {
        r["run"]["threads"] = json!(1024);
        r["environment"]["RAYON_NUM_THREADS"] = json!("1024");
        r["environment"]["BITNET_DETERMINISTIC"] = json!("0");
    });
    assert_rejected_by(&replayed(&forged), &["machine_threads"]);
}

/// Each key for itself: what it lets through ends where it says.
#[test]
fn ceilings_bind() {
    let step = |ns| timed(90_000, [ns, ns]);
    // The genuine steps take 9 and 11 µs.
    for (policy, rules) in [
        ("ceilings.margin = 1.0", &[][..]),
        (
            "ceilings.margin = 0.1",
            &["physics_prefill", "physics_decode"],
        ),
        // 1,248 additions in each step, of which the last CPU makes 6.2 in a nanosecond.
        ("ceilings.dependent_add_cycles = 100.0", &["physics_decode"]),
        ("ceilings.dependent_add_cycles = 0.0", &[]),
    ] {
        let verdict = under(&GENUINE, policy);
        match rules {
            [] => assert_accepted(&verdict),
            rules => assert_rejected_by(&verdict, rules),
        }
    }
    assert_accepted(&under(&step(100), "ceilings.margin = 1000.0"));
    // Hand-overs that take too long leave each region to one core.
    let many = on_cores(step(2_000), 64, 1);
    assert_accepted(&replayed(&many));
    let alone = "ceilings.hand_over_ns = 1e9";
    assert_rejected_by(&under(&many, alone), &["physics_decode"]);
}

/// Next year's CPU is a row of a policy.
#[test]
fn a_policy_may_know_more_cpus() {
    let forged = timed(90_000, [300, 300]);
    assert_rejected_by(&replayed(&forged), &["physics_decode"]);
    let faster = "ceilings.dependent_add_cycles = 0.1
        [[ceilings.cpus]]
        name = 'a core with a matrix unit for vectors'
        cores = 1
        ghz = 9.0
        macs_per_cycle = [8192, 8192]
        memory_gb = [9000, 9000]
        l2_mib = 64
        l3_mib = [64, 64]
        l3_bytes_per_cycle = 512
        source = 'nobody'";
    assert_rejected_by(
        &under(&forged, "ceilings.dependent_add_cycles = 0.1"),
        &["physics_decode"],
    );
    // Its first cache alone would take longer: 128 bytes a cycle, for 1 MB.
    assert_rejected_by(&under(&forged, faster), &["physics_decode"]);
    let forged = timed(90_000, [700, 700]);
    assert_accepted(&under(&forged, faster));
}

#[test]
fn the_table_is_what_a_policy_starts_from() {
    assert_eq!(Policy::default().ceilings, Ceilings::default());
    assert!(Ceilings::default().cpus.is_empty());
}

/// A batch is no way around the order of the regions: one more position never takes less time.
#[test]
fn more_positions_take_no_less_time() {
    use host::{receipt::Receipt, verify::least_step_seconds};
    let receipt: Receipt = serde_json::from_value(on_cores(GENUINE.clone(), 1024, 2)).unwrap();
    let one = least_step_seconds(&receipt, &Ceilings::default(), 3).unwrap();
    // The genuine prefill feeds positions 0 to 3 at once.
    let just_under = (one * 1e9) as u64;
    let forged = on_cores(timed(just_under - 1, [90_000, 90_000]), 1024, 2);
    assert_rejected_by(&replayed(&forged), &["physics_prefill"]);
}
