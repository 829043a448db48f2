//! Both sides against logits from an independent implementation; see `oracle/README.md`.

mod support;

use std::{fs::File, io::Read, sync::Arc};

use engine_native::{I2sLayout, KvType, Model, ModelSource};
use npyz::NpyFile;
use serde_json::Value;
use support::{Logits, data, guest_logits, native_logits, scalar_logits, task};
use zip::ZipArchive;

/// One oracle: what the other implementation computed for one model.
struct Oracle {
    archive: ZipArchive<File>,
    std: f64,
}

impl Oracle {
    fn open(name: &str) -> Self {
        let file = File::open(data("oracle", &format!("{name}-oracle.npz"))).unwrap();
        let json = std::fs::read(data("oracle", &format!("{name}-oracle.json"))).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        Self {
            archive: ZipArchive::new(file).unwrap(),
            std: json["logit_std"].as_f64().unwrap(),
        }
    }

    fn bytes(&mut self, array: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut member = self.archive.by_name(&format!("{array}.npy")).unwrap();
        member.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Rows along the last dimension.
    fn rows(&mut self, array: &str) -> Vec<Vec<f32>> {
        let bytes = self.bytes(array);
        let npy = NpyFile::new(&bytes[..]).unwrap();
        let n_cols = *npy.shape().last().unwrap() as usize;
        let values: Vec<f32> = npy.into_vec().unwrap();
        values.chunks(n_cols).map(<[f32]>::to_vec).collect()
    }

    /// Rows of ids along the last dimension.
    fn ids(&mut self, array: &str) -> Vec<Vec<u32>> {
        let bytes = self.bytes(array);
        let npy = NpyFile::new(&bytes[..]).unwrap();
        let n_cols = *npy.shape().last().unwrap() as usize;
        let values: Vec<i32> = npy.into_vec().unwrap();
        let rows = values.chunks(n_cols);
        rows.map(|row| row.iter().map(|&id| id.cast_unsigned()).collect())
            .collect()
    }
}

/// Largest and root mean square difference, in standard deviations.
fn difference(found: &[Vec<f32>], oracle: &[Vec<f32>], std: f64) -> (f64, f64) {
    assert_eq!(found.len(), oracle.len());
    let (mut max, mut squares, mut n) = (0.0f64, 0.0, 0);
    for (found, oracle) in found.iter().zip(oracle) {
        assert_eq!(found.len(), oracle.len());
        for (a, b) in found.iter().zip(oracle) {
            let delta = (f64::from(*a) - f64::from(*b)).abs() / std;
            max = max.max(delta);
            squares += delta * delta;
            n += 1;
        }
    }
    (max, (squares / f64::from(n)).sqrt())
}

fn bits(logits: &Logits) -> Vec<Vec<u32>> {
    let rows = logits.rows.iter();
    rows.map(|row| row.iter().map(|x| x.to_bits()).collect())
        .collect()
}

/// All sides' logits: equal bit for bit, so that one comparison holds for all.
fn logits_of_all_sides(model: &Arc<Model>, prompt: &[u32], n_generate: usize) -> Logits {
    let task = task(prompt, n_generate, KvType::F32);
    let native = native_logits(model, &task);
    let (scalar, guest) = (scalar_logits(model, &task), guest_logits(model, &task));
    assert_eq!(bits(&native), bits(&scalar), "native and scalar");
    assert_eq!(bits(&native), bits(&guest), "native and guest");
    assert_eq!(native.tokens, guest.tokens);
    native
}

/// The layout that the name of a fixture says: nothing else can.
fn layout(file: &str) -> I2sLayout {
    let named = |layout: &I2sLayout| file.contains(&format!("-i2s_{}-", layout.as_str()));
    I2sLayout::ALL.into_iter().find(named).unwrap_or_default()
}

/// Holds all sides to both tiers for a fixture, `FAMILY-types.gguf`.
fn check(file: &str) {
    let (family, _) = file.split_once('-').unwrap();
    let mut oracle = Oracle::open(family);
    let mapped = ModelSource::open(&data("oracle", file))
        .unwrap()
        .read(&())
        .unwrap();
    let model = Arc::new(Model::load(mapped, layout(file), &()).unwrap());

    let strict = oracle.rows("strict_logits");
    let mut first = 0;
    for (i, prompt) in oracle.ids("strict_prompts").iter().enumerate() {
        let found = logits_of_all_sides(&model, prompt, 1);
        let want = &strict[first..first + prompt.len()];
        let (max, _) = difference(&found.rows, want, oracle.std);
        println!("{file} strict {i}: max {max:.1e}");
        assert!(max <= 5e-5, "{file} strict prompt {i}: {max:e}");
        first += prompt.len();
    }

    let prompt = oracle.ids("prompt").remove(0);
    let tokens = oracle.ids("tokens").remove(0);
    let mut want = oracle.rows("prompt_logits");
    // The last prompt position chooses the first token: it stands in both arrays.
    want.extend(oracle.rows("step_logits").split_off(1));
    let found = logits_of_all_sides(&model, &prompt, tokens.len());
    assert_eq!(found.tokens, tokens, "{file} long");
    let (max, rms) = difference(&found.rows, &want, oracle.std);
    println!("{file} long: max {max:.1e}, rms {rms:.1e}");
    assert!(max <= 0.35 && rms <= 0.04, "{file} long: {max} {rms}");
}

macro_rules! fixtures {
    ($($test:ident $file:literal,)*) => {
        const FIXTURES: &[&str] = &[$($file,)*];

        $(
            #[test]
            fn $test() {
                check($file);
            }
        )*
    };
}

fixtures! {
    a_f16_projections "A-f16.gguf",
    a_i2s_f16 "A-i2s-embf16.gguf",
    a_i2s_f32 "A-i2s-embf32.gguf",
    a_i2s_q8_0 "A-i2s-embq8_0.gguf",
    a_tq1_0_f16 "A-tq1_0-embf16.gguf",
    a_tq2_0_f16 "A-tq2_0-embf16.gguf",
    b_i2s_f16 "B-i2s-embf16.gguf",
    b_tq1_0_q6_k "B-tq1_0-embq6_k.gguf",
    c_i2s_f16 "C-i2s-embf16.gguf",
    c_mixed_f16 "C-mixed-i2s-tq1_0-embf16.gguf",
    d_tq2_0_bf16 "D-tq2_0-embbf16.gguf",
    d2_f16_f16 "D2-f16-embf16.gguf",
    e_i2s_q8_0_q6_k "E-i2s-embq8_0-outq6_k.gguf",
    e_tq1_0_bf16_q6_k "E-tq1_0-embbf16-outq6_k.gguf",
    e2_i2s_f16_q4_k "E2-i2s-embf16-outq4_k.gguf",
    f_i2s_f16_q4_k "F-i2s-embf16-outq4_k.gguf",
    f_tq1_0_f16_q4_k "F-tq1_0-embf16-outq4_k.gguf",
    f2_f32_f16_q8_0 "F2-f32-embf16-outq8_0.gguf",
    f2_bf16_f32_bf16 "F2-bf16-embf32-outbf16-normf16.gguf",
    g_i2s_q4_k "G-i2s-embq4_k.gguf",
    g_i2s_row4_q4_k "G-i2s_row4-embq4_k.gguf",
    g_i2s_block64_q4_k "G-i2s_block64-embq4_k.gguf",
    g_tq2_0_q4_k "G-tq2_0-embq4_k.gguf",
    h_q2_0 "H-q2_0.gguf",
    h_q2_0_of_128 "H-q2_0_g128.gguf",
    h_pq2_0 "H-pq2_0.gguf",
    h_ptq1_0 "H-ptq1_0.gguf",
    i_q2_0_q2_0 "I-q2_0-outq2_0.gguf",
    j_ptq1_0_pq2_0 "J-ptq1_0-outpq2_0.gguf",
}

#[test]
fn no_fixture_is_left_out() {
    let files = std::fs::read_dir(data("oracle", "")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<_> = names.filter(|name| name.ends_with(".gguf")).collect();
    found.sort();
    let mut listed = FIXTURES.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

/// A wrong layout gives other weights, and no error.
#[test]
fn a_wrong_layout_is_far_outside_the_tolerance() {
    let mut oracle = Oracle::open("G");
    let prompt = oracle.ids("strict_prompts").remove(0);
    let strict = oracle.rows("strict_logits");
    let wrong = [
        ("G-i2s-embq4_k.gguf", I2sLayout::Row4),
        ("G-i2s-embq4_k.gguf", I2sLayout::Block64),
        ("G-i2s_row4-embq4_k.gguf", I2sLayout::Block128),
        ("G-i2s_block64-embq4_k.gguf", I2sLayout::Block128),
    ];
    for (file, layout) in wrong {
        let mapped = ModelSource::open(&data("oracle", file))
            .unwrap()
            .read(&())
            .unwrap();
        let model = Arc::new(Model::load(mapped, layout, &()).unwrap());
        let found = logits_of_all_sides(&model, &prompt, 1);
        let (max, _) = difference(&found.rows, &strict[..prompt.len()], oracle.std);
        assert!(max > 100.0 * 5e-5, "{file} as {layout:?}: {max}");
    }
}

/// The oracle can tell: without activation quantization the logits are others.
#[test]
fn a_mistake_is_far_outside_the_tolerance() {
    for name in [
        "A", "B", "C", "D", "D2", "E", "E2", "F", "F2", "G", "H", "I", "J",
    ] {
        let mut oracle = Oracle::open(name);
        let right = oracle.rows("step_logits");
        let wrong = oracle.rows("noactq_step_logits");
        let (max, _) = difference(&right[..1], &wrong[..1], oracle.std);
        assert!(max > 100.0 * 5e-5, "{name}: {max}");
    }
}
