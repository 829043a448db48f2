//! Decodes from a pseudo-random prompt and prints the token ids:
//! `cargo run -p engine-native --example decode -- models/tiny.gguf 32`.

use std::{env, error::Error, path::Path, sync::Arc, time::Duration};

use engine_native::{Engine, KernelChoice, Model, SessionOptions};

const PROMPT_LEN: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().ok_or("usage: decode MODEL [TOKENS]")?;
    let n_tokens = args.next().map_or(Ok(32), |n| n.parse())?;

    let model = Arc::new(Model::open(Path::new(&path))?);
    let n_vocab = model.shape().n_vocab as u32;
    let prompt: Vec<u32> = std::iter::successors(Some(1u32), |x| Some(x.wrapping_mul(48_271) + 1))
        .map(|x| x % n_vocab)
        .take(PROMPT_LEN)
        .collect();

    let kernels = KernelChoice::Auto.resolve()?;
    let n_threads = std::thread::available_parallelism()?.get();
    let engine = Engine::new(model, kernels, n_threads)?;
    let mut session = engine.session(SessionOptions::new(prompt.len() + n_tokens))?;

    let mut elapsed = Duration::ZERO;
    for step in session.generate(&prompt, n_tokens)? {
        let step = step?;
        elapsed += step.elapsed;
        print!("{} ", step.choice.token);
    }
    println!(
        "\n{n_tokens} tokens in {elapsed:.2?} on {}",
        engine.isa().as_str()
    );
    Ok(())
}
