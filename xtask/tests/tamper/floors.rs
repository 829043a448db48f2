//! The least times of a step, counted here once more: from the shape of the committed model, for a CPU
//! whose every figure is another number.

use host::{
    receipt::Receipt,
    verify::{Ceilings, Outcome, Policy, least_step_seconds},
};
use serde_json::{Value, json};

use crate::genuine::{GENUINE, claimed, rule, seal, verify_under};

/// A CPU that is faster than any other, but for what a case slows down, and the ceilings around it.
struct Case {
    margin: f64,
    threads: u64,
    nodes: u64,
    cores: u64,
    vectors: f64,
    tiles: f64,
    memory_gb: [f64; 2],
    l2_mib: f64,
    l3_mib: [f64; 2],
    l3_bytes_per_cycle: f64,
    hand_over_ns: f64,
    dependent_add_cycles: f64,
}

const GHZ: f64 = 11.0;

/// Faster than any other in everything; hand-overs take too long to pay.
const FAST: Case = Case {
    margin: 1.25,
    threads: 1,
    nodes: 1,
    cores: 3,
    vectors: 2e6,
    tiles: 3e6,
    memory_gb: [9e6, 8e6],
    l2_mib: 64.0,
    l3_mib: [64.0, 128.0],
    l3_bytes_per_cycle: 4096.0,
    hand_over_ns: 1e9,
    dependent_add_cycles: 0.0,
};

impl Case {
    /// Multiply-accumulates per second of a core that computes one position.
    fn rate(&self) -> f64 {
        self.vectors * GHZ * 1e9
    }

    fn policy(&self) -> Policy {
        let Self {
            margin,
            cores,
            vectors,
            tiles,
            memory_gb,
            l2_mib,
            l3_mib,
            l3_bytes_per_cycle,
            hand_over_ns,
            dependent_add_cycles,
            ..
        } = self;
        let text = format!(
            "[ceilings]
            margin = {margin:?}
            hand_over_ns = {hand_over_ns:?}
            dependent_add_cycles = {dependent_add_cycles:?}
            [[ceilings.cpus]]
            name = 'one of its own'
            cores = {cores}
            ghz = {GHZ:?}
            macs_per_cycle = [{vectors:?}, {tiles:?}]
            memory_gb = {memory_gb:?}
            l2_mib = {l2_mib:?}
            l3_mib = {l3_mib:?}
            l3_bytes_per_cycle = {l3_bytes_per_cycle:?}
            source = 'this test'"
        );
        Policy::read(text.as_bytes()).unwrap()
    }

    fn on_its_machine(&self, mut receipt: Value) -> Value {
        receipt["run"]["threads"] = json!(self.threads);
        receipt["host"]["logical_cores"] = json!(64);
        receipt["host"]["hardware"]["numa_nodes"] = json!(self.nodes);
        seal(&mut receipt);
        receipt
    }

    /// That a step at position 20 takes `seconds`, and no less.
    #[track_caller]
    fn takes(&self, seconds: f64) {
        let receipt: Receipt =
            serde_json::from_value(self.on_its_machine(GENUINE.clone())).unwrap();
        let ceilings: Ceilings = self.policy().ceilings;
        let found = least_step_seconds(&receipt, &ceilings, 20).unwrap() * self.margin;
        let is_near = (found / seconds - 1.0).abs() < 1e-12;
        assert!(is_near, "found {found:e}, expected {seconds:e}");
    }
}

fn shape(key: &str) -> f64 {
    GENUINE["model"]["shape"][key].as_u64().unwrap() as f64
}

/// Elements of a query and of a key.
fn widths() -> (f64, f64) {
    let head_dim = shape("head_dim");
    (shape("n_heads") * head_dim, shape("n_kv_heads") * head_dim)
}

/// Multiply-accumulates of what can be computed at the same time in a layer, at `attended` - 1.
fn layer(attended: f64) -> [f64; 5] {
    let ((q, kv), n_embd, n_ff) = (widths(), shape("n_embd"), shape("n_ff"));
    [
        n_embd * (q + 2.0 * kv),
        2.0 * q * attended,
        q * n_embd,
        2.0 * n_embd * n_ff,
        n_ff * n_embd,
    ]
}

fn output() -> f64 {
    shape("n_vocab") * shape("n_embd")
}

/// Multiply-accumulates of a step that attends to `attended` positions.
fn macs(attended: f64) -> f64 {
    shape("n_layers") * layer(attended).iter().sum::<f64>() + output()
}

/// What the step at position 20 reads.
fn bytes() -> f64 {
    let (n_layers, (_, kv)) = (shape("n_layers"), widths());
    let weights = n_layers * (layer(0.0).iter().sum::<f64>());
    // Keys and values of 21 positions, in f16.
    weights * 3f64.log2() / 8.0 + output() * 4.5 / 8.0 + n_layers * 2.0 * kv * 21.0 * 2.0
}

/// Multiply-accumulates of a prompt of 4, which chooses one token.
fn prompt() -> f64 {
    let products = (1..=4).map(|attended| macs(f64::from(attended)) - output());
    products.sum::<f64>() + output()
}

const MIB: f64 = 1_048_576.0;

#[test]
fn one_core_computes_all_products() {
    let case = Case {
        vectors: 400.0,
        ..FAST
    };
    case.takes(macs(21.0) / case.rate());
    // Two threads, that is: as long as handing over does not pay.
    let case = Case { threads: 2, ..case };
    case.takes(macs(21.0) / case.rate());
}

/// Each region is for one core, or for all after a hand-over, whichever takes less time.
#[test]
fn regions_follow_one_another() {
    let case = Case {
        threads: 4,
        cores: 16,
        vectors: 400.0,
        hand_over_ns: 5.0,
        ..FAST
    };
    let region = |macs: f64| {
        let alone = macs / case.rate();
        alone.min(alone / 4.0 + 5e-9)
    };
    let regions = layer(21.0).map(region);
    let alone = layer(21.0).map(|macs| macs / case.rate());
    // Of both kinds.
    assert!(
        regions[1] == alone[1] && regions[3] < alone[3],
        "{regions:?}"
    );
    case.takes(shape("n_layers") * regions.iter().sum::<f64>() + region(output()));
}

/// Sums of sixteen lanes, whose order the contract fixes.
#[test]
fn additions_wait_for_one_another() {
    let case = Case {
        threads: 64,
        cores: 64,
        dependent_add_cycles: 3.0,
        ..FAST
    };
    let sum16 = |n: f64| (n / 16.0).ceil() + 4.0;
    let norms = 2.0 * sum16(shape("n_embd")) + sum16(widths().0) + sum16(shape("n_ff"));
    let attention = sum16(shape("head_dim")) + sum16(21.0) + 21.0;
    let adds = shape("n_layers") * (norms + attention) + sum16(shape("n_embd"));
    case.takes(macs(21.0) / case.rate() + adds * 3.0 / (GHZ * 1e9));
}

#[test]
fn bytes_come_from_the_caches_and_from_memory() {
    let hertz = GHZ * 1e9;
    // All in the first cache of each core: of one, of as many as there are threads or cores.
    FAST.takes(bytes() / (128.0 * hertz));
    Case { threads: 2, ..FAST }.takes(bytes() / (2.0 * 128.0 * hertz));
    Case { threads: 9, ..FAST }.takes(bytes() / (3.0 * 128.0 * hertz));
    let two_sockets = Case {
        threads: 9,
        nodes: 2,
        ..FAST
    };
    two_sockets.takes(bytes() / (6.0 * 128.0 * hertz));
    Case {
        nodes: 64,
        ..two_sockets
    }
    .takes(bytes() / (6.0 * 128.0 * hertz));
    // What the second one has no room for comes from the third, half as fast.
    let third = Case {
        l2_mib: 0.125,
        l3_bytes_per_cycle: 48.0,
        ..FAST
    };
    third.takes((bytes() - 0.125 * MIB) / (48.0 * hertz));
    Case {
        threads: 2,
        ..third
    }
    .takes((bytes() - 0.25 * MIB) / (2.0 * 48.0 * hertz));
    // What that one has no room for comes from memory, as fast as the cores or the socket can.
    let memory = Case {
        l2_mib: 0.03125,
        l3_mib: [0.0625, 0.15625],
        memory_gb: [900.0, 400.0],
        ..FAST
    };
    memory.takes((bytes() - 0.09375 * MIB) / 400e9);
    let two = Case {
        threads: 2,
        ..memory
    };
    two.takes((bytes() - 0.1875 * MIB) / 800e9);
    let three = Case {
        threads: 3,
        ..memory
    };
    three.takes((bytes() - 0.25 * MIB) / 900e9);
    let two_sockets = Case {
        threads: 9,
        nodes: 2,
        ..memory
    };
    two_sockets.takes((bytes() - 0.5 * MIB) / 1800e9);
}

/// A prompt of 4 positions on 2 cores: every tile is for all of them, a vector for one.
#[test]
fn a_batch_has_the_rate_of_tiles() {
    let prefill = |case: &Case, ns: u64| {
        let steps = json!([[900_000, 900_000]]);
        let receipt = json!({ "load_ns": 9, "prefill_ns": [ns], "decode_ns": steps });
        let receipt = case.on_its_machine(claimed(receipt));
        let verdict = verify_under(receipt.to_string().as_bytes(), &case.policy()).unwrap();
        rule(&verdict, "physics_prefill").outcome
    };
    let all = prompt();
    for (vectors, tiles, rate) in [
        // Tiles are not full before the fourth position.
        (300.0, 9000.0, 4.0 * 300.0),
        (300.0, 800.0, 800.0),
        (300.0, 100.0, 300.0),
    ] {
        let case = Case {
            threads: 2,
            vectors,
            tiles,
            hand_over_ns: 0.0,
            ..FAST
        };
        let least = all / (2.0 * rate * GHZ) / case.margin;
        assert_eq!(prefill(&case, least.ceil() as u64), Outcome::Pass, "{rate}");
        assert_eq!(prefill(&case, least as u64), Outcome::Fail, "{rate}");
    }
}

/// The clock of CPU time may be wrong by a tick on each thread, and by no more. The margin makes this
/// work as long as some of its ticks.
#[test]
fn work_takes_cpu_time() {
    let case = Case {
        margin: 1e-5,
        threads: 2,
        vectors: 500.0,
        tiles: 800.0,
        ..FAST
    };
    let with = |repetition: usize, cpu_ns: u64| {
        let second = 1_000_000_000u64;
        let mut receipt = claimed(json!({
            "load_ns": 9,
            "prefill_ns": [second, second],
            "decode_ns": [[second, second], [second, second]],
        }));
        receipt["samples"]["witness"][repetition]["cpu_ns"] = json!(cpu_ns);
        let receipt = case.on_its_machine(receipt);
        let verdict = verify_under(receipt.to_string().as_bytes(), &case.policy()).unwrap();
        rule(&verdict, "physics_cpu_time").outcome
    };
    // Both steps take as long as the first one.
    let ns = (prompt() / 800.0 + 2.0 * macs(5.0) / 500.0) / GHZ / case.margin;
    let least = ns - 2.0 * 10e6;
    for repetition in [0, 1] {
        assert_eq!(with(repetition, least.ceil() as u64), Outcome::Pass);
        assert_eq!(with(repetition, least as u64), Outcome::Fail);
    }
}
