//! Native against guest, whole transcripts, on models in every architecture and type.

#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use engine_native::{Architecture, Engine, EngineOptions, I2sLayout, KernelChoice, KvType, Model};
use host::{
    digest::Digest,
    replay::replay,
    run::{NativeRunner, Recording, Runner},
    task::{PositionRecord, Task, Transcript, seeded_prompt},
    watch::Watch,
};
use support::{SANDBOX, task};
use xtask::make_model::{DenseType, GroupedType, OutputMatrix, Recipe, WeightType};

use crate::{
    models::{
        DENSE_TYPES, FLOATS, File, GROUPED_TYPES, WEIGHT_TYPES, dense_shape, grouped, in_types,
        mixed, odd_shapes, recipe,
    },
    repack,
};

fn record(model: &Arc<Model>, task: &Task) -> Recording {
    let kernels = KernelChoice::Auto.resolve().unwrap();
    let engine = Engine::with_options(
        model.clone(),
        kernels,
        EngineOptions {
            min_part_work: 1,
            ..EngineOptions::new(2)
        },
        &(),
    )
    .unwrap();
    let mut runner = NativeRunner::new(&engine, task).unwrap();
    runner.record(task, &Watch::default()).unwrap()
}

fn assert_parity(file: &File, kv_type: KvType) {
    let name = &file.name;
    let model = Arc::new(Model::load(file.bytes.clone().into(), file.layout, &()).unwrap());
    let task = task(
        &seeded_prompt(3, None, 7, model.shape().n_vocab),
        6,
        kv_type,
    );
    let recording = record(&model, &task);
    let reference = replay(&SANDBOX, (&*model).into(), &task, &recording.tokens, None);
    let reference = reference.unwrap_or_else(|e| panic!("{name}: {e}"));
    let native: Vec<_> = recording
        .traces
        .iter()
        .map(PositionRecord::from_trace)
        .collect();
    let differs = native
        .iter()
        .zip(&reference.records)
        .position(|(a, b)| a != b);
    assert_eq!(differs, None, "first position that differs: {name}");
    let digest = Digest::of(&file.bytes);
    assert_eq!(
        Transcript::of(&task.transcript_start(digest), &native),
        reference.checksum(&task, digest),
        "{name}"
    );
    assert!(reference.tokens().eq(recording.tokens), "{name}");
}

#[test]
fn every_weight_type_in_every_architecture() {
    for architecture in Architecture::ALL {
        for weights in WEIGHT_TYPES {
            let file = in_types(architecture, &dense_shape(), weights, DenseType::F16);
            assert_parity(&file, KvType::F16);
            assert_parity(&file, KvType::F32);
        }
    }
}

#[test]
fn every_i2s_layout() {
    for architecture in Architecture::ALL {
        let file = in_types(
            architecture,
            &dense_shape(),
            WeightType::I2S,
            DenseType::F16,
        );
        for layout in I2sLayout::ALL {
            assert_parity(&repack::in_layout(&file, layout), KvType::F16);
        }
    }
}

#[test]
fn columns_that_are_no_whole_blocks() {
    for architecture in Architecture::ALL {
        for shape in odd_shapes() {
            for weights in FLOATS {
                let file = in_types(architecture, &shape, weights, DenseType::F32);
                assert_parity(&file, KvType::F16);
            }
        }
    }
}

#[test]
fn every_embedding_and_output_matrix() {
    for dense in DENSE_TYPES {
        for output in [OutputMatrix::Tied, OutputMatrix::Own(dense)] {
            let file = File::new(&Recipe {
                weights: WeightType::Tq2_0,
                embedding: dense,
                output,
                ..recipe(Architecture::Llama, &dense_shape())
            });
            assert_parity(&file, KvType::F16);
        }
    }
}

#[test]
fn every_grouped_type() {
    let types = GROUPED_TYPES.into_iter().chain([GroupedType::Q2_0Uneven]);
    for grouped_type in types {
        for is_tied in [true, false] {
            let file = File::new(&grouped(grouped_type, is_tied));
            assert_parity(&file, KvType::F16);
            assert_parity(&file, KvType::F32);
        }
    }
}

#[test]
fn grouped_matrices_beside_others() {
    for recipe in mixed() {
        assert_parity(&File::new(&recipe), KvType::F16);
    }
}
