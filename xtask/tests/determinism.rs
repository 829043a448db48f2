//! The same model and prompt give the same bits, however the work is shared out: whole runs are
//! compared over kernels, thread counts, prefill chunks, repetitions and model shapes.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
};

use engine_native::{
    Architecture, Engine, EngineOptions, Isa, KernelChoice, Kernels, KvType, Ledger, LogitsAt,
    Model, ModelShape, Op, Packing, PositionTrace, Scalar, Screening, Session, SessionOptions,
    Step, available_kernels,
};
use host::task::SplitMix64;
use xtask::make_model::{DenseType, GroupedType, OutputMatrix, Recipe, Shape, WeightType, to_vec};

const N_PROMPT: usize = 13;
const N_TOKENS: usize = 9;
/// The last token is chosen, not fed.
const N_POSITIONS: usize = N_PROMPT + N_TOKENS - 1;
const THREADS: [usize; 4] = [1, 2, 3, 4];
const PREFILL_CHUNKS: [usize; 5] = [1, 2, 3, 5, 64];
const KV_TYPES: [KvType; 2] = [KvType::F32, KvType::F16];

/// Odd head counts, one to eight query heads per KV head, three head dimensions.
fn shapes() -> Vec<Shape> {
    let shape = |n_layers, n_embd, (n_heads, n_kv_heads, head_dim), n_ff| Shape {
        n_vocab: 301,
        n_embd,
        n_layers,
        n_heads,
        n_kv_heads,
        head_dim,
        n_ff,
        context_length: 64,
        rope_base: 10_000.0,
        rms_epsilon: 1e-5,
    };
    vec![
        shape(3, 128, (2, 2, 64), 384),
        shape(2, 384, (3, 3, 128), 128),
        shape(2, 256, (3, 1, 128), 256),
        shape(2, 384, (6, 2, 64), 640),
        shape(3, 256, (8, 1, 80), 384),
    ]
}

/// Grouped ternary weights whose rows are no whole panels, in all matrices.
fn grouped() -> Recipe {
    let shape = shapes().swap_remove(2);
    let rows = DenseType::Grouped(GroupedType::Ptq1_0);
    Recipe {
        architecture: Architecture::Qwen3,
        weights: WeightType::Grouped(GroupedType::Q2_0Uneven),
        embedding: rows,
        output: OutputMatrix::Own(rows),
        ..Recipe::from(&shape)
    }
}

fn recipes() -> Vec<Recipe> {
    let one_scale = shapes();
    let one_scale = one_scale.iter().map(Recipe::from);
    one_scale.chain([grouped()]).collect()
}

fn models() -> Vec<Arc<Model>> {
    let file = |recipe: Recipe| to_vec(recipe, "determinism", 11).unwrap();
    let model = |recipe: Recipe| Arc::new(Model::from_bytes(file(recipe)).unwrap());
    recipes().into_iter().map(model).collect()
}

/// Ids 0..n of a seed, as `NUMERICS.md` derives them.
fn seeded_prompt(seed: u64, n: usize, shape: &ModelShape) -> Vec<u32> {
    let mut stream = SplitMix64::new(seed);
    (0..n)
        .map(|_| (stream.next() % shape.n_vocab) as u32)
        .collect()
}

/// How a run is set up, beside its model and prompt.
#[derive(Clone)]
struct Setup {
    kernels: Arc<dyn Kernels>,
    n_threads: usize,
    packing: Packing,
    screening: Screening,
    options: SessionOptions,
}

impl Setup {
    /// Scalar kernels, one thread, one position at a time: nothing is shared out or batched.
    fn plainest(kv_type: KvType) -> Self {
        Self {
            kernels: Arc::new(Scalar),
            n_threads: 1,
            packing: Packing::Off,
            screening: Screening::Off,
            options: SessionOptions {
                kv_type,
                prefill_chunk: 1,
                ..SessionOptions::new(N_POSITIONS)
            },
        }
    }

    fn session(&self, model: &Arc<Model>) -> Session {
        // No part is too small for a thread: these models are.
        let (model, kernels) = (model.clone(), self.kernels.clone());
        let engine = Engine::with_options(
            model,
            kernels,
            EngineOptions {
                min_part_work: 1,
                packing: self.packing,
                screening: self.screening,
                ..EngineOptions::new(self.n_threads)
            },
            &(),
        )
        .unwrap();
        engine.session(self.options).unwrap()
    }

    fn describe(&self) -> String {
        let isa = self.kernels.isa().as_str();
        let (n_threads, packing) = (self.n_threads, self.packing);
        let screening = self.screening;
        format!(
            "{isa}, {n_threads} threads, {packing:?}, {screening:?}, {:?}",
            self.options
        )
    }
}

/// Every combination of kernels, thread counts and prefill chunks.
fn setups(kv_type: KvType) -> Vec<Setup> {
    let mut setups = Vec::new();
    for kernels in available_kernels() {
        for n_threads in THREADS {
            for prefill_chunk in PREFILL_CHUNKS {
                let mut setup = Setup::plainest(kv_type);
                setup.kernels = kernels.clone();
                setup.n_threads = n_threads;
                setup.options.prefill_chunk = prefill_chunk;
                // All arrangements of the weights, in turns.
                let packings = [Packing::TwoBit, Packing::Densest, Packing::Off];
                setup.packing = packings[setups.len() % 3];
                if setups.len() / 3 % 2 == 1 {
                    setup.screening = Screening::Always;
                }
                setups.push(setup);
            }
        }
    }
    setups
}

fn run(session: &mut Session, prompt: &[u32]) -> Vec<Step> {
    let steps = session.generate(prompt, N_TOKENS).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

/// All that a transcript commits to, as bits: `==` on floats would not tell zeros apart.
fn trace_bits(trace: &PositionTrace) -> Vec<u32> {
    let choice = trace.choice.map(|c| [c.token, c.logit.to_bits()]);
    let position = u32::try_from(trace.position).unwrap();
    let integers = [position, trace.input, u32::from(choice.is_some())];
    let floats = trace.boundaries.iter().chain(&trace.hidden);
    let floats = floats.map(|x| x.to_bits());
    let choice = choice.into_iter().flatten();
    integers.into_iter().chain(choice).chain(floats).collect()
}

/// The bits of a whole run: every position, then every step's choice.
fn run_bits(steps: &[Step]) -> Vec<Vec<u32>> {
    let traces = steps.iter().flat_map(|step| &step.positions);
    let choices = steps.iter().map(|step| step.choice);
    let choices = choices.map(|c| vec![c.token, c.logit.to_bits()]);
    traces.map(trace_bits).chain(choices).collect()
}

/// Says which position or choice differs instead of printing thousands of numbers.
fn assert_same(expected: &[Vec<u32>], found: &[Vec<u32>], what: &str) {
    assert_eq!(expected.len(), found.len(), "{what}");
    let difference = expected.iter().zip(found).position(|(a, b)| a != b);
    assert_eq!(difference, None, "first difference with {what}");
}

#[test]
fn runs_are_the_same_for_all_kernels_threads_and_chunks() {
    for model in models() {
        let prompt = seeded_prompt(1, N_PROMPT, model.shape());
        for kv_type in KV_TYPES {
            let plainest = Setup::plainest(kv_type);
            let expected = run_bits(&run(&mut plainest.session(&model), &prompt));
            assert_eq!(expected.len(), N_POSITIONS + N_TOKENS);
            for setup in setups(kv_type) {
                let found = run_bits(&run(&mut setup.session(&model), &prompt));
                let what = format!("{}, {:?}", setup.describe(), model.shape());
                assert_same(&expected, &found, &what);
            }
        }
    }
}

#[test]
fn a_session_can_be_used_again() {
    for model in models() {
        let prompts = [1, 2].map(|seed| seeded_prompt(seed, N_PROMPT, model.shape()));
        for setup in setups(KvType::F16) {
            let mut session = setup.session(&model);
            let first = run_bits(&run(&mut session, &prompts[0]));
            let counts = work_by_op(&session.ledger());
            // A whole run in between, then one that is given up after prefill.
            let other = run_bits(&run(&mut session, &prompts[1]));
            assert!(first != other, "two prompts gave the same run");
            session.generate(&prompts[1], 2).unwrap().next();
            let again = run_bits(&run(&mut session, &prompts[0]));
            assert_same(&first, &again, &setup.describe());
            assert_eq!(counts, work_by_op(&session.ledger()));
        }
    }
}

/// The comparison above can fail: what must change a run does change it.
#[test]
fn cache_type_weights_and_prompt_change_a_run() {
    for (model, recipe) in models().iter().zip(recipes()) {
        let file = to_vec(recipe.clone(), "determinism", 99).unwrap();
        let other_weights = Arc::new(Model::from_bytes(file).unwrap());
        let bits = |model: &Arc<Model>, kv_type, seed| {
            let prompt = seeded_prompt(seed, N_PROMPT, model.shape());
            run_bits(&run(&mut Setup::plainest(kv_type).session(model), &prompt))
        };
        let runs = HashSet::from([
            bits(model, KvType::F16, 1),
            bits(model, KvType::F32, 1),
            bits(model, KvType::F16, 2),
            bits(&other_weights, KvType::F16, 1),
        ]);
        assert_eq!(runs.len(), 4, "{recipe:?}");
    }
}

#[test]
fn logits_of_every_position_hold_the_choices() {
    for model in models() {
        let prompt = seeded_prompt(1, N_PROMPT, model.shape());
        for setup in setups(KvType::F16) {
            let expected = run_bits(&run(&mut setup.session(&model), &prompt));
            let mut with_logits = setup.clone();
            with_logits.options.logits = LogitsAt::EveryPosition;
            let steps = run(&mut with_logits.session(&model), &prompt);
            assert_same(&expected, &run_bits(&steps), &with_logits.describe());
            steps.iter().for_each(assert_choice_is_in_logits);
        }
    }
}

/// One row of logits for each position; the last row's largest, first of equals, was chosen.
fn assert_choice_is_in_logits(step: &Step) {
    assert_eq!(step.logits.len(), step.positions.len());
    let logits = step.logits.last().unwrap();
    let first_largest = (0..logits.len()).rev().max_by(|&a, &b| {
        let order = logits[a].partial_cmp(&logits[b]);
        order.expect("logits are finite")
    });
    let token = step.choice.token as usize;
    assert_eq!(Some(token), first_largest);
    assert_eq!(logits[token].to_bits(), step.choice.logit.to_bits());
}

/// Multiply-accumulates of all kernels together. An entry without calls or without work fails.
fn work_by_op(ledger: &Ledger) -> BTreeMap<Op, u64> {
    let mut work = BTreeMap::new();
    for entry in ledger.entries() {
        assert!(entry.tally.calls > 0 && entry.tally.macs > 0, "{entry:?}");
        *work.entry(entry.op).or_default() += entry.tally.macs;
    }
    work
}

#[test]
fn ledgers_hold_the_work_that_the_shape_asks_for() {
    for model in models() {
        let prompt = seeded_prompt(1, N_PROMPT, model.shape());
        let is_grouped = model.output().grouped().is_some();
        let work = |op: Op| match op {
            Op::OutputQuantize if is_grouped => model.shape().n_embd * N_TOKENS as u64,
            op => op
                .work(model.shape(), N_POSITIONS as u64, N_TOKENS as u64)
                .unwrap(),
        };
        let all = Op::ALL.iter().map(|&op| (op, work(op)));
        let expected = all.filter(|&(_, work)| work > 0).collect();
        for setup in setups(KvType::F16) {
            let mut session = setup.session(&model);
            run(&mut session, &prompt);
            let ledger = session.ledger();
            let mut found = work_by_op(&ledger);
            if setup.screening == Screening::Always && !is_grouped {
                assert_screened(&mut found, model.shape());
            }
            assert_eq!(found, expected, "{}", setup.describe());
            let product = match model.description().has_grouped_projections {
                true => "grouped",
                false => "i2s",
            };
            assert_kernels(&ledger, &setup, product);
        }
    }
}

/// Of screened choices only the parts depend on one another; they become those of choices that are
/// not screened.
fn assert_screened(found: &mut BTreeMap<Op, u64>, shape: &ModelShape) {
    let mut take = |op| found.remove(&op).unwrap_or(0);
    let [screen, output, left] = [Op::OutputScreen, Op::Output, Op::GreedyChoice].map(&mut take);
    assert!(take(Op::OutputRefine) <= screen);
    let of_all = shape.n_embd * shape.n_vocab;
    let n_screened = screen / of_all;
    assert!(screen.is_multiple_of(of_all) && (1..=N_TOKENS as u64).contains(&n_screened));
    assert_eq!(output, shape.n_embd * (left + n_screened));
    let n_choices = N_TOKENS as u64;
    found.insert(Op::Output, n_choices * of_all);
    found.insert(Op::GreedyChoice, n_choices * shape.n_vocab);
}

/// Only kernels of the ISA that was asked for and of what it builds on ran, GEMM only where prefill
/// has batches, and as the ISA's own. `product` begins the names of the projections' kernels.
fn assert_kernels(ledger: &Ledger, setup: &Setup, product: &str) {
    let kernels: HashSet<String> = ledger.entries().into_iter().map(|e| e.kernel).collect();
    let isa = setup.kernels.isa();
    let may_run = |kernel: &String| {
        let mut isas = Isa::ALL.iter().filter(|&&other| isa.runs(other));
        isas.any(|other| kernel.ends_with(&format!("_{}", other.as_str())))
    };
    assert!(kernels.iter().all(may_run), "{kernels:?}");
    let [gemv, gemm] = ["gemv", "gemm"].map(|kind| format!("{product}_{kind}_"));
    assert!(kernels.iter().any(|k| k.starts_with(&gemv)));
    let gemms = kernels.iter().filter(|k| k.starts_with(&gemm));
    // Tiles do not suit groups of 64: these products are those of the ISA below.
    let own = match (isa, product) {
        (Isa::Amx, "grouped") => Isa::Avx512Vnni,
        (isa, _) => isa,
    };
    let own = format!("{gemm}{}", own.as_str());
    let has_batches = setup.options.prefill_chunk * setup.n_threads > 1;
    let expected: Vec<_> = has_batches.then_some(&own).into_iter().collect();
    assert_eq!(gemms.collect::<Vec<_>>(), expected, "{}", setup.describe());
}

/// A model that repeats itself would not notice a wrong kernel.
#[test]
fn tiny_keeps_moving() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tiny.gguf");
    let model = Arc::new(Model::open(&path).unwrap());
    let n_tokens = 128;
    for seed in 0..8 {
        let prompt = seeded_prompt(seed, 16, model.shape());
        let mut setup = Setup::plainest(KvType::F16);
        setup.kernels = KernelChoice::Auto.resolve().unwrap();
        setup.options = SessionOptions::new(prompt.len() + n_tokens);
        let mut session = setup.session(&model);
        let steps = session.generate(&prompt, n_tokens).unwrap();
        let tokens: Vec<u32> = steps.map(|step| step.unwrap().choice.token).collect();
        let n_distinct = tokens.iter().collect::<HashSet<_>>().len();
        assert!(
            n_distinct >= 90,
            "seed {seed}: {n_distinct} distinct tokens"
        );
        let longest = tokens.chunk_by(|a, b| a == b).map(<[u32]>::len).max();
        assert!(
            longest <= Some(3),
            "seed {seed}: {longest:?} times in a row"
        );
    }
}
