//! What an independent walk over generated files finds.

use std::collections::{HashMap, HashSet};

use engine_native::Architecture;
use xtask::make_model::gguf_writer::{F16, F32, I2_S};
use xtask::make_model::{
    DenseType, GroupedType, OutputMatrix, Recipe, Shape, WeightType, Yarn, preset, to_vec,
};

use crate::walk::Walk;

#[test]
fn every_seed_gives_another_model() {
    let shape = odd_shapes().remove(0);
    let files: HashSet<Vec<u8>> = (0..4)
        .map(|s| to_vec(&shape, "seeded", s).unwrap())
        .collect();
    assert_eq!(files.len(), 4);
}

/// Head counts and widths that presets do not have.
fn odd_shapes() -> Vec<Shape> {
    let shape = |n_embd, n_heads, n_kv_heads, head_dim, n_ff| Shape {
        n_vocab: 263,
        n_embd,
        n_layers: 2,
        n_heads,
        n_kv_heads,
        head_dim,
        n_ff,
        context_length: 32,
        rope_base: 10_000.0,
        rms_epsilon: 1e-6,
    };
    vec![
        shape(128, 2, 2, 64, 128),
        shape(384, 3, 1, 128, 640),
        shape(640, 8, 1, 80, 256),
        shape(256, 8, 4, 80, 384),
        shape(1152, 9, 3, 128, 128),
    ]
}

#[test]
fn odd_shapes_read_back() {
    for shape in odd_shapes() {
        let file = to_vec(&shape, "odd", 7).unwrap();
        let read = Walk::over(&file);
        let has_own_head_dim = shape.n_heads * shape.head_dim != shape.n_embd;
        let key_length = read.keys.get("bitnet-b1.58.attention.key_length");
        assert_eq!(key_length.is_some(), has_own_head_dim);
        assert_eq!(
            read.keys["bitnet-b1.58.rope.dimension_count"],
            shape.head_dim.to_le_bytes()
        );
        assert_eq!(read.keys["general.file_type"], 40u32.to_le_bytes());
        assert_eq!(read.tensors.len(), 2 + 11 * 2);
        check_tensors(&read, &file);
    }
}

/// Every type once, in every architecture.
fn mixed_recipes() -> Vec<Recipe> {
    use {DenseType as D, OutputMatrix as O, WeightType as W};
    let types = [
        (W::I2S, D::F32, O::Tied),
        (W::Tq1_0, D::Q6K, O::Own(D::Q4K)),
        (W::Tq2_0, D::Q4K, O::Own(D::Q8_0)),
        (W::F32, D::Q8_0, O::Own(D::F32)),
        (W::F16, D::F16, O::Own(D::Q6K)),
        (W::Bf16, D::Bf16, O::Own(D::Bf16)),
    ];
    let mut recipes = Vec::new();
    for architecture in Architecture::ALL {
        for (weights, embedding, output) in types {
            let mut shape = odd_shapes().remove(0);
            (shape.n_embd, shape.n_heads, shape.n_ff) = (256, 4, 512);
            recipes.push(Recipe {
                architecture,
                shape,
                weights,
                embedding,
                output,
                yarn: None,
                comparable: false,
            });
        }
    }
    recipes
}

#[test]
fn recipes_read_back() {
    let type_ids = [36, 34, 35, 0, 1, 30];
    let file_types = [40u32, 36, 37, 0, 1, 32];
    for (i, recipe) in mixed_recipes().iter().enumerate() {
        let file = to_vec(recipe.clone(), "mixed", 7).unwrap();
        let read = Walk::over(&file);
        let architecture = recipe.architecture.as_str();
        assert_eq!(read.keys["general.architecture"], architecture.as_bytes());
        let n_ff = &read.keys[&format!("{architecture}.feed_forward_length")];
        assert_eq!(n_ff, &512u32.to_le_bytes());
        assert_eq!(
            read.keys["general.file_type"],
            file_types[i % 6].to_le_bytes()
        );
        let is_untied = read.tensors.iter().any(|t| t.name == "output.weight");
        assert_eq!(is_untied, recipe.output != OutputMatrix::Tied);
        let per_block = if architecture == "llama" { 9 } else { 11 };
        assert_eq!(
            read.tensors.len(),
            2 + usize::from(is_untied) + 2 * per_block
        );
        let query = read
            .tensors
            .iter()
            .find(|t| t.name == "blk.1.attn_q.weight");
        assert_eq!(query.unwrap().type_id, type_ids[i % 6]);
        check_tensors(&read, &file);
    }
}

#[test]
fn tensors_of_odd_lengths_are_padded() {
    for weights in [WeightType::F32, WeightType::F16, WeightType::Bf16] {
        let mut recipe = Recipe::from(&odd_shapes()[0]);
        (recipe.shape.n_embd, recipe.shape.n_ff) = (99, 7);
        (recipe.weights, recipe.shape.head_dim) = (weights, 6);
        let file = to_vec(recipe, "odd", 7).unwrap();
        check_tensors(&Walk::over(&file), &file);
    }
}

#[test]
fn dimensions_of_projections_are_columns_then_rows() {
    let shape = &odd_shapes()[3];
    let file = to_vec(shape, "odd", 7).unwrap();
    let dims: HashMap<String, Vec<u64>> = Walk::over(&file)
        .tensors
        .into_iter()
        .map(|tensor| (tensor.name, tensor.dims))
        .collect();
    for (name, expected) in [
        ("token_embd", vec![256, 263]),
        ("blk.0.attn_q", vec![256, 640]),
        ("blk.0.attn_k", vec![256, 320]),
        ("blk.1.attn_v", vec![256, 320]),
        ("blk.1.attn_output", vec![640, 256]),
        ("blk.1.attn_sub_norm", vec![640]),
        ("blk.1.ffn_up", vec![256, 384]),
        ("blk.1.ffn_down", vec![384, 256]),
        ("blk.1.ffn_sub_norm", vec![384]),
    ] {
        assert_eq!(dims[&format!("{name}.weight")], expected, "{name}");
    }
}

/// Elements and bytes of a block, as ggml defines the types.
fn block(type_id: u32) -> (u64, u64) {
    match type_id {
        F32 => (1, 4),
        F16 | 30 => (1, 2),
        8 => (32, 34),
        12 => (256, 144),
        14 => (256, 210),
        34 => (256, 54),
        35 => (256, 66),
        42 => (64, 18),
        142 => (128, 34),
        143 => (128, 28),
        I2_S => (4, 1),
        other => panic!("type {other}"),
    }
}

/// A small Qwen3 with all matrices of one grouped type.
fn qwen3(grouped: GroupedType) -> Recipe {
    let preset = preset("qwen3-tiny").unwrap();
    let mut recipe = preset.with_weights(WeightType::Grouped(grouped));
    recipe.shape.n_vocab = 263;
    recipe
}

#[test]
fn qwen3_reads_back() {
    use GroupedType as G;
    for (grouped, type_id, file_type) in [
        (G::Q2_0, 42, Some(41u32)),
        (G::Q2_0Uneven, 42, Some(41)),
        (G::Pq2_0, 142, None),
        (G::Ptq1_0, 143, None),
    ] {
        let file = to_vec(qwen3(grouped), "qwen3", 7).unwrap();
        let read = Walk::over(&file);
        let found = read.keys.get("general.file_type").map(Vec::as_slice);
        let expected = file_type.map(u32::to_le_bytes);
        assert_eq!(found, expected.as_ref().map(|e| &e[..]));
        // Matrices of 2 layers, and the embedding.
        let n_grouped = read.tensors.iter().filter(|t| t.type_id == type_id).count();
        assert_eq!(n_grouped, 2 * 7 + 1, "{grouped:?}");
        check_tensors(&read, &file);
    }
}

/// Blocks of 128 under the id whose blocks have 64 since: only the distances between tensors tell.
#[test]
fn the_older_form_of_q2_0_leaves_shorter_distances() {
    let file = to_vec(qwen3(GroupedType::Q2_0G128), "qwen3", 7).unwrap();
    let read = Walk::over(&file);
    let offsets: HashMap<&str, u64> = read
        .tensors
        .iter()
        .map(|t| (t.name.as_str(), t.offset))
        .collect();
    let (start, end) = (
        offsets["blk.0.ffn_up.weight"],
        offsets["blk.0.ffn_down.weight"],
    );
    assert_eq!(end - start, 256 * 512 / 128 * 34);
    let up = read
        .tensors
        .iter()
        .find(|t| t.name == "blk.0.ffn_up.weight");
    assert_eq!(up.unwrap().type_id, 42);
}

#[test]
fn qwen3_has_the_keys_and_norms_of_published_files() {
    let tied = qwen3(GroupedType::Q2_0);
    let untied = Recipe {
        output: OutputMatrix::Own(tied.embedding),
        yarn: Some(Yarn {
            factor: 4.0,
            original_context_length: 512,
        }),
        ..tied.clone()
    };
    for (recipe, is_scaled) in [(tied, false), (untied, true)] {
        let file = to_vec(recipe, "qwen3", 7).unwrap();
        let read = Walk::over(&file);
        for key in ["key_length", "value_length"] {
            let found = &read.keys[&format!("qwen3.attention.{key}")];
            assert_eq!(found, &128u32.to_le_bytes());
        }
        for key in ["vocab_size", "rope.dimension_count"] {
            assert!(!read.keys.contains_key(&format!("qwen3.{key}")), "{key}");
        }
        let scaling = |key| {
            let found = read.keys.get(&format!("qwen3.rope.scaling.{key}"));
            found.map(Vec::as_slice)
        };
        let expected = |bytes: &'static [u8]| is_scaled.then_some(bytes);
        assert_eq!(scaling("type"), expected(b"yarn"));
        assert_eq!(scaling("factor"), expected(&[0, 0, 0x80, 0x40]));
        assert_eq!(scaling("original_context_length"), expected(&[0, 2, 0, 0]));
        assert_eq!(read.keys["tokenizer.ggml.pre"], b"qwen2");
        assert_eq!(read.keys["tokenizer.ggml.add_bos_token"], [0]);
        for name in ["blk.0.attn_q_norm", "blk.1.attn_k_norm"] {
            let name = format!("{name}.weight");
            let norm = read.tensors.iter().find(|t| t.name == name).unwrap();
            assert_eq!((norm.type_id, &norm.dims[..]), (F32, &[128][..]));
        }
        assert_eq!(read.tensors.len(), 2 + usize::from(is_scaled) + 2 * 11);
        check_tensors(&read, &file);
    }
}

/// Tensors fill the data section in order, each on the next multiple of the alignment, with zeros
/// between them; I2_S holds what it may.
fn check_tensors(read: &Walk, file: &[u8]) {
    let mut end = read.data_start;
    for tensor in &read.tensors {
        let start = read.data_start + tensor.offset as usize;
        assert_eq!(start, end.next_multiple_of(32), "{}", tensor.name);
        assert!(file[end..start].iter().all(|&padding| padding == 0));
        let (block_len, block_bytes) = block(tensor.type_id);
        let n: u64 = tensor.dims.iter().product();
        assert!(tensor.dims[0].is_multiple_of(block_len), "{}", tensor.name);
        end = start + (n / block_len * block_bytes) as usize;
        if tensor.type_id == I2_S {
            end += 32;
            check_ternary(&file[start..end], n as usize / 4);
        }
    }
    assert_eq!(end.next_multiple_of(32), file.len());
}

/// All three weights about as often as intended, none invalid; scale, then zeros.
fn check_ternary(bytes: &[u8], n_packed: usize) {
    let mut counts = [0usize; 4];
    for byte in &bytes[..n_packed] {
        (0..4).for_each(|field| counts[usize::from(byte >> (2 * field) & 3)] += 1);
    }
    let n = 4 * n_packed;
    let near = |count: usize, share: f64| (count as f64 / n as f64 - share).abs() < 0.02;
    assert!(
        near(counts[0], 0.25) && near(counts[1], 0.5) && near(counts[2], 0.25),
        "{counts:?}"
    );
    assert_eq!(counts[3], 0);
    let scale = f32::from_le_bytes(bytes[n_packed..n_packed + 4].try_into().unwrap());
    assert!(scale > 0.0 && scale < 1.0);
    assert_eq!(bytes[n_packed + 4..], [0; 28]);
}
