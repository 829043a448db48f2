//! Embeds the reference: lets it decode a prompt in the sandbox, and prints the tokens that it
//! chooses: `cargo run -p host --example replay -- models/tiny.gguf 1,2,3 8`.

use std::{env, error::Error, path::Path};

use engine_native::{Choice, I2sLayout, KvType};
use host::{
    input::HashedModel,
    replay,
    sandbox::{ModelInput, Sandbox, SandboxError},
    task::Task,
    watch::Watch,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().unwrap_or_else(|| "models/tiny.gguf".into());
    let prompt = args.next().unwrap_or_else(|| "1,2,3".into());
    let prompt = prompt
        .split(',')
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let task = Task {
        prompt,
        depth: 0,
        n_generate: args.next().map_or(Ok(8), |n| n.parse())?,
        kv_type: KvType::F16,
        challenge: None,
    };
    decode(Path::new(&path), &task, |choice| {
        println!("token {:5} logit {}", choice.token, choice.logit);
    })?;
    Ok(())
}

/// Decodes `task` in the sandbox. `show` gets each choice as soon as it is made.
fn decode(
    path: &Path,
    task: &Task,
    mut show: impl FnMut(Choice),
) -> Result<Vec<u32>, Box<dyn Error>> {
    // To stop the work from another thread, or from a signal handler, call `stop` on a clone.
    let watch = Watch::default();
    let file = HashedModel::open(path, I2sLayout::default(), &watch)?;
    file.model
        .shape()
        .check_run(&task.prompt, task.n_generate)?;

    let sandbox = Sandbox::new(&watch)?;
    let model = ModelInput::from(&*file.model);
    let mut positions = 0..;
    let tokens = replay::decode(&sandbox, model, task, |decoded| {
        if positions
            .next()
            .is_some_and(|position| task.chooses_at(position))
        {
            show(decoded.choice);
        }
        Ok::<_, SandboxError>(())
    })?;
    Ok(tokens)
}

#[test]
fn the_reference_chooses_the_tokens_of_the_native_engine() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf"));
    let task = Task {
        prompt: vec![1, 2, 3],
        depth: 0,
        n_generate: 3,
        kv_type: KvType::F16,
        challenge: None,
    };
    let mut shown = Vec::new();
    let tokens = decode(path, &task, |choice| shown.push(choice.token)).unwrap();
    assert_eq!(shown, tokens);

    let model = engine_native::Model::open(path).unwrap().into();
    let kernels = engine_native::KernelChoice::Auto.resolve().unwrap();
    let engine = engine_native::Engine::new(model, kernels, 1).unwrap();
    let mut session = engine.session(task.session_options()).unwrap();
    let steps = session.generate(&task.prompt, task.n_generate).unwrap();
    assert!(steps.map(|step| step.unwrap().choice.token).eq(tokens));
}
