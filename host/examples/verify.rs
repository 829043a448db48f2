//! Verifies a receipt: first by its bytes alone, then with a replay on this machine:
//! `cargo run -p host --example verify -- ci/inference.json models`.

use std::{env, error::Error, fs, path::PathBuf};

use host::{
    examine::{find_model, replay_receipt},
    machine::default_threads,
    sandbox::Sandbox,
    verify::{Checked, Verdict},
    watch::Watch,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().unwrap_or_else(|| "ci/inference.json".into());
    let models = args.next().unwrap_or_else(|| "models".into());
    let bytes =
        fs::read(&path).map_err(|e| format!("{path}: {e}; `benchmark` writes a receipt"))?;

    // Without a replay, a receipt is rejected or unverifiable, but never accepted.
    let pure = Checked::read(&bytes)?.verdict();
    println!("by its bytes alone: {}", pure.conclusion.as_str());

    let verdict = verify(&bytes, models.into())?;
    print!("{}", verdict.to_text(&path));
    Ok(())
}

/// Verifies a receipt with its model, which is looked for in a folder, and a full replay.
fn verify(bytes: &[u8], models: PathBuf) -> Result<Verdict, Box<dyn Error>> {
    let watch = Watch::default();
    let mut checked = Checked::read(bytes)?;
    let Some(receipt) = checked.receipt.clone() else {
        return Ok(checked.verdict());
    };
    match find_model(&receipt, &[models], &watch)? {
        Some(found) if !checked.is_rejected() => {
            checked.with_model(&found.facts());
            let sandbox = Sandbox::new(&watch)?;
            let replay = replay_receipt(&receipt, &sandbox, &found.model, default_threads())?;
            checked.with_replay(replay);
        }
        Some(_) => checked.without_replay("the receipt is rejected"),
        None => checked.without_replay("the model of the receipt is not here"),
    }
    Ok(checked.verdict())
}

#[test]
fn a_genuine_receipt_is_accepted_only_with_its_model() {
    use host::verify::Conclusion;
    use host::{input::Prompt, machine::Environment, run::Loaded, run::RunSettings};

    let models = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
    let settings = RunSettings {
        model: models.join("tiny.gguf"),
        prompt: Prompt::Ids(vec![1, 2, 3]),
        depth: 0,
        pin: false,
        time_budget: 60,
        n_generate: 2,
        warmup: 0,
        repetitions: Some(1),
        environment: Environment {
            deterministic: true,
            seed: 42,
            threads: 1,
        },
        i2s_layout: Default::default(),
        kernel: Default::default(),
        packing: Default::default(),
        screening: Default::default(),
        kv_type: Default::default(),
    };
    let measured = Loaded::open(settings, &Watch::default()).unwrap().measure();
    let receipt = host::receipt::to_json(&measured.unwrap().without_proof().receipt());
    let conclusion = |models| verify(receipt.as_bytes(), models).unwrap().conclusion;
    assert_eq!(conclusion(models), Conclusion::Accepted);
    assert_eq!(conclusion("nowhere".into()), Conclusion::Unverifiable);
}
