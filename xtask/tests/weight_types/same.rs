//! Two files are said to hold the same weights if, and only if, they do.

use std::path::PathBuf;

use engine_native::{Architecture, DenseType as Dense, GroupedType as Grouped, I2sLayout};
use half::f16;
use host::{
    task::SplitMix64,
    watch::Watch,
    weights::{Difference, Place, SameWeights, Stored, WeightsError, decode_rows, same_weights},
};
use tempfile::TempDir;
use xtask::make_model::{
    DenseType, GroupedType, OutputMatrix, Recipe, WeightType, gguf_writer::F32, model_header,
};

use crate::{
    dequantize,
    models::{
        DENSE_TYPES, File, GROUPED_TYPES, WEIGHT_TYPES, dense_shape, grouped, in_types,
        power_of_two_shape, recipe,
    },
    repack,
    walk::Walk,
};

/// Type ids of ik_llama.cpp's ternary weights: a row is a scale, then five or four weights to a byte.
const IQ1_BN: u32 = 134;
const IQ2_BN: u32 = 135;

fn written(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn compared(first: &File, second: &File) -> Result<SameWeights, WeightsError> {
    let folder = tempfile::tempdir().unwrap();
    let paths = [(first, "first"), (second, "second")]
        .map(|(file, name)| written(&folder, name, &file.bytes));
    let layouts = [first.layout, second.layout];
    same_weights(&paths[0], &paths[1], layouts, &Watch::default())
}

fn difference(first: &File, second: &File) -> Option<Difference> {
    compared(first, second).unwrap().difference
}

fn assert_same(first: &File, second: &File) {
    let found = compared(first, second).unwrap();
    let names = format!("{}\n{}", first.name, second.name);
    assert_eq!(found.difference, None, "{names}");
    let read = Walk::over(&first.bytes);
    let elements = |t: &crate::walk::Tensor| t.dims.iter().product::<u64>();
    assert_eq!(
        found.weights,
        read.tensors.iter().map(elements).sum::<u64>(),
        "{names}"
    );
}

/// The place and both values of a weight that differs.
fn weight(found: Option<Difference>) -> (Place, f32, f32, bool) {
    match found {
        Some(Difference::Weight {
            place,
            first,
            second,
            is_rounding,
        }) => (place, first, second, is_rounding),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_model_in_every_type_is_the_same() {
    let files = WEIGHT_TYPES.map(|weights| {
        let shape = power_of_two_shape();
        in_types(Architecture::Llama, &shape, weights, DenseType::F16)
    });
    for file in &files {
        assert_same(&files[0], file);
    }
    let grouped = GROUPED_TYPES.map(|grouped_type| File::new(&grouped(grouped_type, false)));
    for file in &grouped {
        assert_same(&grouped[0], file);
        assert_same(file, &grouped[0]);
    }
}

#[test]
fn every_layout_of_i2_s_is_the_same_if_it_is_read_as_what_it_is() {
    let shape = dense_shape();
    let file = in_types(
        Architecture::Bitnet,
        &shape,
        WeightType::I2S,
        DenseType::F16,
    );
    let files = I2sLayout::ALL.map(|layout| repack::in_layout(&file, layout));
    for other in &files {
        assert_same(&file, other);
        if other.layout != I2sLayout::Block128 {
            let misread = File {
                layout: I2sLayout::Block128,
                ..other.clone()
            };
            assert!(difference(&file, &misread).is_some());
        }
    }
}

/// The types with f16 scales hold other numbers where a scale is no power of two, and that is said.
#[test]
fn rounded_scales_are_other_weights() {
    let in_type = |weights| {
        in_types(
            Architecture::Bitnet,
            &dense_shape(),
            weights,
            DenseType::F16,
        )
    };
    let [wide, narrow] = [WeightType::I2S, WeightType::Tq2_0].map(in_type);
    let (place, first, second, _) = weight(difference(&wide, &narrow));
    assert!(place.tensor.starts_with("blk.0."), "{place:?}");
    assert!(first != second && (first - second).abs() < first.abs() / 128.0);
}

#[test]
fn dense_rows_are_the_floats_that_they_stand_for() {
    for dense in DENSE_TYPES {
        let untied = |dense| {
            let mut recipe = recipe(Architecture::Llama, &dense_shape());
            recipe.output = OutputMatrix::Own(dense);
            File::new(&recipe)
        };
        let file = untied(dense);
        let floats = repack::with_rows_of(untied(DenseType::F32), &file, "output.weight", dense);
        assert_same(&file, &floats);
        assert_same(&floats, &file);
    }
}

/// The reader of rows, against formulas that were written for another test.
#[test]
fn random_bytes_are_the_same_numbers_by_the_plain_formulas() {
    let mut stream = SplitMix64::new(3);
    let grouped = GROUPED_TYPES.map(DenseType::Grouped);
    for dense in DENSE_TYPES.into_iter().chain(grouped) {
        let (stored, block) = match dense {
            DenseType::F32 => (Stored::Dense(Dense::F32), 4),
            DenseType::F16 => (Stored::Dense(Dense::F16), 2),
            DenseType::Bf16 => (Stored::Dense(Dense::Bf16), 2),
            DenseType::Q8_0 => (Stored::Dense(Dense::Q8_0), 34),
            DenseType::Q6K => (Stored::Dense(Dense::Q6K), 210),
            DenseType::Q4K => (Stored::Dense(Dense::Q4K), 144),
            DenseType::Grouped(grouped) => match grouped {
                GroupedType::Ptq1_0 => (Stored::Grouped(Grouped::Ptq1_0), 28),
                GroupedType::Q2_0 | GroupedType::Q2_0Uneven => (Stored::Grouped(Grouped::Q2_0), 18),
                GroupedType::Q2_0G128 => (Stored::Grouped(Grouped::Q2_0G128), 34),
                GroupedType::Pq2_0 => (Stored::Grouped(Grouped::Pq2_0), 34),
            },
        };
        let rows: Vec<u8> = (0..block * 64).map(|_| stream.next() as u8).collect();
        let expected = dequantize::dense(dense, &rows);
        let mut found = Vec::new();
        decode_rows(stored, expected.len() / 8, &rows, 1.0, &mut found);
        assert_eq!(found.len(), expected.len(), "{stored}");
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let both_nan = found.is_nan() && expected.is_nan();
            assert!(
                found == expected || both_nan,
                "{stored}, weight {i}: {found} {expected}"
            );
        }
    }
}

/// The F32 file with its projections in another type, whose rows `pack` writes.
fn packed(recipe: &Recipe, packed_id: u32, pack: fn(&[u8]) -> Vec<u8>) -> File {
    let file = File::new(recipe);
    let read = Walk::over(&file.bytes);
    let mut header = model_header(recipe, "weight types").unwrap();
    let tensors = std::mem::take(&mut header);
    header.keys = tensors.keys;
    let mut data = Vec::new();
    for tensor in &read.tensors {
        let start = read.data_start + tensor.offset as usize;
        let n: u64 = tensor.dims.iter().product();
        let is_projection = tensor.type_id == F32 && tensor.dims.len() == 2;
        let (type_id, bytes) = match is_projection {
            true => {
                let rows = &file.bytes[start..][..4 * n as usize];
                let rows = rows.chunks_exact(4 * tensor.dims[0] as usize);
                (packed_id, rows.flat_map(pack).collect())
            }
            // Norms are F32, the embedding F16.
            false => {
                let bytes = [4, 2][usize::from(tensor.type_id != F32)] * n as usize;
                (tensor.type_id, file.bytes[start..][..bytes].to_vec())
            }
        };
        header.push_tensor(&tensor.name, &tensor.dims, type_id, bytes.len() as u64);
        data.extend(&bytes);
        data.resize(header.data_bytes() as usize, 0);
    }
    let name = format!("{} in type {packed_id}", file.name);
    let bytes = [header.to_bytes(), data].concat();
    File {
        name,
        bytes,
        layout: I2sLayout::Block128,
    }
}

fn in_iq2_bn(recipe: &Recipe) -> File {
    packed(recipe, IQ2_BN, iq2_bn_row)
}

/// The largest weight of a row in F32, and the codes of all: each weight plus one.
fn codes(row: &[u8]) -> (f32, Vec<u8>) {
    let (weights, _) = row.as_chunks::<4>();
    let weights: Vec<f32> = weights.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let largest = weights.iter().fold(0f32, |most, w| most.max(w.abs()));
    let code = |w: &f32| match w {
        w if w.abs() < largest / 2.0 => 1u8,
        w if *w < 0.0 => 0,
        _ => 2,
    };
    (largest, weights.iter().map(code).collect())
}

/// As `quantize_iq2_bn` of ik_llama.cpp packs it.
fn iq2_bn_row(row: &[u8]) -> Vec<u8> {
    let (largest, codes) = codes(row);
    let mut out = largest.to_le_bytes().to_vec();
    for block in codes.chunks_exact(64) {
        let byte = |k: usize| (0..4).fold(0, |b, i| b | block[k + 16 * i] << (2 * i));
        out.extend((0..16).map(byte));
    }
    out
}

/// As `quantize_iq1_bn` of ik_llama.cpp packs it: a byte is five base-3 digits as a fraction, the lowest first.
fn iq1_bn_row(row: &[u8]) -> Vec<u8> {
    let (largest, codes) = codes(row);
    let byte = |digits: &mut dyn DoubleEndedIterator<Item = u8>| {
        let number = digits.rfold(0, |sum, digit| 3 * sum + u32::from(digit));
        (256 * number).div_ceil(243) as u8
    };
    let mut out = f16::from_f32(largest).to_le_bytes().to_vec();
    for block in codes.chunks_exact(64) {
        let fives = block
            .chunks_exact(16)
            .flat_map(|part| part[..15].chunks_exact(5));
        out.extend(fives.map(|five| byte(&mut five.iter().copied())));
        out.push(byte(&mut block.iter().copied().skip(15).step_by(16)));
    }
    out
}

/// Its scales are f16, so the weights are powers of two.
#[test]
fn iq1_bn_is_compared_as_well() {
    let shape = power_of_two_shape();
    let file = in_types(Architecture::Llama, &shape, WeightType::I2S, DenseType::F16);
    let floats = Recipe {
        weights: WeightType::F32,
        embedding: DenseType::F16,
        ..recipe(Architecture::Llama, &shape)
    };
    let foreign = packed(&floats, IQ1_BN, iq1_bn_row);
    assert_same(&file, &foreign);
    assert_same(&foreign, &file);
    // The last byte of a block has the last weight of each sixteen.
    let name = "blk.1.attn_v.weight";
    let byte = |digit: u32| [(256 * digit).div_ceil(243) as u8];
    let [zeros, one] =
        [byte(0), byte(9)].map(|last| repack::with_overwritten(&foreign, name, 14, &last));
    let (place, first, second, _) = weight(difference(&zeros, &one));
    assert_eq!((&place.tensor[..], place.row, place.column), (name, 0, 47));
    assert!(first < 0.0 && second == 0.0);
}

/// A type that this project does not run.
#[test]
fn iq2_bn_is_compared_as_well() {
    let floats = |architecture| Recipe {
        weights: WeightType::F32,
        embedding: DenseType::F16,
        ..recipe(architecture, &dense_shape())
    };
    let file = in_types(
        Architecture::BitnetB158,
        &dense_shape(),
        WeightType::I2S,
        DenseType::F16,
    );
    let foreign = in_iq2_bn(&floats(Architecture::BitnetB158));
    assert_same(&file, &foreign);
    assert_same(&foreign, &file);
    // The same network under its older name.
    let renamed = in_iq2_bn(&floats(Architecture::Bitnet25));
    assert_same(&file, &renamed);
    let silu = in_iq2_bn(&floats(Architecture::Bitnet));
    let found = difference(&file, &silu).unwrap().to_string();
    assert_eq!(
        found,
        "architecture: bitnet-b1.58 in the first file, bitnet in the second"
    );
    // A trit: row 2, column 2 · 16 + 5 of the first block.
    let name = "blk.1.ffn_up.weight";
    let n_cols = 256;
    let at = 2 * (4 + n_cols / 4) + 4 + 5;
    let read = Walk::over(&foreign.bytes);
    let tensor = read
        .tensors
        .iter()
        .find(|tensor| tensor.name == name)
        .unwrap();
    let byte = foreign.bytes[read.data_start + tensor.offset as usize + at];
    let code = byte >> 4 & 3;
    let other = byte & !0x30 | ((code + 1) % 3) << 4;
    let changed = repack::with_overwritten(&foreign, name, at, &[other]);
    let (place, first, second, is_rounding) = weight(difference(&file, &changed));
    assert_eq!((&place.tensor[..], place.row, place.column), (name, 2, 37));
    assert!(first != second && !is_rounding);
    // Cut short.
    let mut cut = foreign.clone();
    cut.bytes.truncate(foreign.bytes.len() - 100);
    let refused = compared(&file, &cut).unwrap_err().to_string();
    assert!(refused.contains("is it truncated?"), "{refused}");
}

/// Sizes that a header states, and that no file has. Each could be counted, and their sum could not.
#[test]
fn endless_tensors_are_refused() {
    let recipe = Recipe {
        weights: WeightType::F32,
        ..recipe(Architecture::BitnetB158, &dense_shape())
    };
    let file = File::new(&recipe);
    let read = Walk::over(&file.bytes);
    let mut header = model_header(&recipe, "weight types").unwrap();
    for k in 0..16 {
        header.push_tensor(&format!("endless.{k}"), &[1 << 20, 1 << 41], IQ2_BN, 32);
    }
    let mut bytes = header.to_bytes();
    bytes.extend(&file.bytes[read.data_start..]);
    bytes.resize(header.to_bytes().len() + header.data_bytes() as usize, 0);
    let hostile = File {
        bytes,
        ..file.clone()
    };
    let refused = compared(&hostile, &hostile).unwrap_err().to_string();
    assert!(
        refused.contains("endless.0") && refused.contains("is it truncated?"),
        "{refused}"
    );
}

#[test]
fn one_flipped_weight_is_found() {
    let name = "blk.1.attn_v.weight";
    for weights in WEIGHT_TYPES {
        let shape = power_of_two_shape();
        let file = in_types(Architecture::Llama, &shape, weights, DenseType::F16);
        let flipped = repack::with_flipped_weight(&file, name, weights);
        let (place, first, second, _) = weight(difference(&file, &flipped));
        assert_eq!((&place.tensor[..], place.row), (name, 0), "{weights:?}");
        assert!(first != second);
        // Also between types.
        let floats = in_types(Architecture::Llama, &shape, WeightType::F32, DenseType::F16);
        let (again, other_first, other_second, _) = weight(difference(&flipped, &floats));
        assert_eq!((again, other_first, other_second), (place, second, first));
    }
}

#[test]
fn settings_and_tensors_are_compared() {
    let file = |edit: &dyn Fn(&mut Recipe)| {
        let mut recipe = recipe(Architecture::Llama, &dense_shape());
        edit(&mut recipe);
        File::new(&recipe)
    };
    let plain = file(&|_| {});
    let said = |other: &File| difference(&plain, other).unwrap().to_string();
    for (edit, found) in [
        (
            Box::new(|r: &mut Recipe| r.shape.rope_base = 500_000.0) as Box<dyn Fn(&mut Recipe)>,
            "RoPE frequency base: 10000.0 in the first file, 500000.0 in the second",
        ),
        (
            Box::new(|r| r.shape.rms_epsilon = 1e-6),
            "RMSNorm epsilon: 1e-5 in the first file, 1e-6 in the second",
        ),
        (
            Box::new(|r| r.shape.n_ff = 512),
            "feed-forward length: 768 in the first file, 512 in the second",
        ),
        (
            Box::new(|r| r.output = OutputMatrix::Own(DenseType::F16)),
            "tensor output.weight",
        ),
    ] {
        let found_now = said(&file(&*edit));
        assert!(found_now.starts_with(found), "{found_now}");
    }
    // How many positions it was trained for changes no result.
    assert_same(&plain, &file(&|r| r.shape.context_length = 64));
}
