//! Activations of grouped ternary products whose scale no F16 can hold: the run ends at the first of
//! them, and the error is the same with all kernels, threads and chunks.

#[path = "support/grouped.rs"]
mod grouped;

use std::sync::Arc;

use engine_native::{
    Engine, EngineOptions, Kernels, KvType, Model, Op, RunError, Scalar, SessionOptions,
    available_kernels,
};

const PROMPT: [u32; 5] = [100, 250, 500, 77, 3];

/// What a norm goes into, with the layer.
const PLACES: [(&str, Option<usize>, Op); 5] = [
    ("blk.2.attn_norm.weight", Some(2), Op::AttnQkvQuantize),
    (
        "blk.2.attn_sub_norm.weight",
        Some(2),
        Op::AttnOutputQuantize,
    ),
    ("blk.2.ffn_norm.weight", Some(2), Op::FfnGateUpQuantize),
    ("blk.2.ffn_sub_norm.weight", Some(2), Op::FfnDownQuantize),
    ("output_norm.weight", None, Op::OutputQuantize),
];

/// The end of a run that chooses a token at every position.
fn run(
    model: &Arc<Model>,
    kernels: Arc<dyn Kernels>,
    n_threads: usize,
    prefill_chunk: usize,
) -> Result<(), RunError> {
    let options = EngineOptions {
        min_part_work: 1,
        ..EngineOptions::new(n_threads)
    };
    let engine = Engine::with_options(model.clone(), kernels, options, &())?;
    let mut session = engine.session(SessionOptions {
        prefill_chunk,
        choose_from: 0,
        // Keys and values are large before activations are too large.
        kv_type: KvType::F32,
        ..SessionOptions::new(PROMPT.len())
    })?;
    let mut steps = session.generate(&PROMPT, 1)?;
    steps.next().expect("a step").map(|_| ())
}

fn plainest(model: &Arc<Model>) -> Result<(), RunError> {
    run(model, Arc::new(Scalar), 1, 1)
}

/// The largest factor of a norm with which the run ends well, and the next one. Factors are powers of
/// two times 1 + n / 2^10, so that products with a norm of ones are exact.
fn limit(norm: &str) -> [f32; 2] {
    let factor = |n: u32| f32::from_bits(n << 13);
    let fits = |n: u32| plainest(&grouped::model(&[(norm, factor(n))])).is_ok();
    let [mut fitting, mut too_large] = [1.0f32, 1e9].map(|x| x.to_bits() >> 13);
    assert!(fits(fitting) && !fits(too_large));
    while too_large - fitting > 1 {
        let middle = u32::midpoint(fitting, too_large);
        match fits(middle) {
            true => fitting = middle,
            false => too_large = middle,
        }
    }
    [fitting, too_large].map(factor)
}

/// Asserts that `model` ends in the same way with all kernels, threads and chunks.
fn assert_same_end(model: &Arc<Model>, expected: &Result<(), RunError>) {
    for kernels in available_kernels() {
        for (n_threads, prefill_chunk) in [(1, 1), (1, 2), (1, 64), (3, 1), (3, 2), (3, 64)] {
            let found = run(model, kernels.clone(), n_threads, prefill_chunk);
            let case = (kernels.isa(), n_threads, prefill_chunk);
            assert_eq!(&found, expected, "{case:?}");
        }
    }
}

#[test]
fn the_first_scale_that_rounds_to_infinity_ends_the_run() {
    let mut positions = Vec::new();
    for (norm, expected_layer, expected_op) in PLACES {
        // With activations near the limit, what squared ReLU makes of their products is beyond all limits.
        if expected_op == Op::FfnGateUpQuantize {
            continue;
        }
        let [fitting, too_large] = limit(norm);
        assert_same_end(&grouped::model(&[(norm, fitting)]), &Ok(()));
        let model = grouped::model(&[(norm, too_large)]);
        let end = plainest(&model);
        let Err(RunError::NonFinite {
            position,
            layer,
            op,
            at,
        }) = &end
        else {
            panic!("{norm}: {end:?}");
        };
        assert_eq!((*layer, *op), (expected_layer, expected_op));
        // The first element of the block, and its scale before it was rounded.
        let scale = f32::from_bits(at.bits);
        assert!((65_520.0..65_700.0).contains(&scale), "{norm}: {scale}");
        assert_eq!(at.element % 32, 0, "{norm}");
        assert_same_end(&model, &end);
        positions.push(*position);
    }
    // Inside of chunks, too.
    assert!(positions.iter().any(|&p| p % 2 == 1), "{positions:?}");
}

/// Where all positions overflow, the first is named.
#[test]
fn the_first_of_several_positions_is_named() {
    for (norm, layer, op) in PLACES {
        let model = grouped::model(&[(norm, 1e9)]);
        let end = plainest(&model);
        let text = end.as_ref().unwrap_err().to_string();
        let place = match layer {
            Some(layer) => format!("position 0, layer {layer}, op {}: ", op.name()),
            None => format!("position 0, op {}: ", op.name()),
        };
        assert!(text.contains(&place), "{text}");
        assert_same_end(&model, &end);
    }
}
