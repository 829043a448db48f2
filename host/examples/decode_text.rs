//! Decodes a text with the model's own tokenizer and the native engine:
//! `cargo run -p host --example decode_text -- models/tiny.gguf "the cat" 16`.

use std::{env, error::Error, path::Path, sync::Arc};

use engine_native::{Engine, KernelChoice, Model, SessionOptions};
use host::{
    input::{tokenizer::EncodeOptions, tokenizer_of},
    machine::default_threads,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().unwrap_or_else(|| "models/tiny.gguf".into());
    let text = args.next().unwrap_or_else(|| "the cat".into());
    let n_tokens = args.next().map_or(Ok(16), |n| n.parse())?;
    decode(Path::new(&path), &text, n_tokens, |text| print!("{text}"))?;
    println!();
    Ok(())
}

/// Shows `text` and its continuation, piece by piece.
fn decode(
    path: &Path,
    text: &str,
    n_tokens: usize,
    mut show: impl FnMut(&str),
) -> Result<(), Box<dyn Error>> {
    let model = Arc::new(Model::open(path)?);
    let tokenizer = tokenizer_of(&model)?;
    let prompt = tokenizer.encode(text, EncodeOptions::default())?;
    model.shape().check_run(&prompt, n_tokens)?;

    let engine = Engine::new(
        model,
        KernelChoice::Auto.resolve()?,
        default_threads().get(),
    )?;
    let mut session = engine.session(SessionOptions::new(prompt.len() + n_tokens))?;

    // The bytes of a character can be spread over several tokens: the stream puts them together.
    let mut stream = tokenizer.decode_stream();
    for &id in &prompt {
        show(&stream.push(id));
    }
    for step in session.generate(&prompt, n_tokens)? {
        let token = step?.choice.token;
        if tokenizer.is_end(token) {
            break;
        }
        show(&stream.push(token));
    }
    show(&stream.finish());
    Ok(())
}

#[test]
fn the_text_goes_on() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
    let mut shown = String::new();
    decode(Path::new(model), "the cat", 8, |text| shown += text).unwrap();
    assert!(shown.starts_with("the cat") && shown.len() > "the cat".len());
}
