//! Both sides against logits from an independent implementation; see `oracle/README.md`.

mod support;

use std::{fs::File, io::Read, sync::Arc};

use engine_native::{KvType, Model};
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

fn check(name: &str, file: &str) {
    let mut oracle = Oracle::open(name);
    let model = Arc::new(Model::open(&data("oracle", file)).unwrap());

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

#[test]
fn a_with_f16_embedding() {
    check("A", "A-i2s-embf16.gguf");
}

#[test]
fn a_with_f32_embedding() {
    check("A", "A-i2s-embf32.gguf");
}

#[test]
fn a_with_q8_0_embedding() {
    check("A", "A-i2s-embq8_0.gguf");
}

#[test]
fn b_whose_scales_and_epsilon_matter() {
    check("B", "B-i2s-embf16.gguf");
}

#[test]
fn c_with_three_heads_on_one() {
    check("C", "C-i2s-embf16.gguf");
}

/// The oracle can tell: without activation quantization the logits are others.
#[test]
fn a_mistake_is_far_outside_the_tolerance() {
    for name in ["A", "B", "C"] {
        let mut oracle = Oracle::open(name);
        let right = oracle.rows("step_logits");
        let wrong = oracle.rows("noactq_step_logits");
        let (max, _) = difference(&right[..1], &wrong[..1], oracle.std);
        assert!(max > 100.0 * 5e-5, "{name}: {max}");
    }
}
