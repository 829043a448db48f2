//! `make-model`: a generated model in a file.

use std::{io, path::PathBuf};

use clap::{ValueEnum, builder::PossibleValue};
use host::watch::{Phase, Watch};
use serde_json::json;

use crate::{
    args::MakeModelArgs,
    exit::{Exit, Failure},
    make_model::{Preset, Recipe, preset, write_model},
    models::make_cache_folder,
    output::{Destination, is_stdout, tell},
    progress::RunProgress,
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No file is written then.
pub fn run(args: &MakeModelArgs, watch: &Watch) -> Result<Exit, Failure> {
    let name = args.preset.name();
    let preset =
        preset(name).ok_or_else(|| Failure::new(Exit::Usage, format_args!("no preset {name}")))?;
    let recipe = recipe(&preset, args)?;
    let seed = args.seed.unwrap_or(preset.default_seed);
    let path = place(args, &preset, &recipe, seed)?;
    let output = Destination::prepare(&path)?;
    if !args.force && path.exists() && !is_stdout(&path) {
        return Err(Failure::new(Exit::Io, "exists")
            .at(&path)
            .with_hint("add --force to replace it, or name another file"));
    }
    let bytes = write(
        args,
        &Job {
            recipe,
            preset: &preset,
            seed,
        },
        &output,
        watch,
    )?;
    if matches!(output, Destination::File(_)) {
        let shown = path.display();
        let json = json!({
            "path": shown.to_string(), "preset": preset.name, "seed": seed, "bytes": bytes,
        });
        tell(args.print.output, &json, || {
            format!(
                "{shown}: preset {}, seed {seed}, {bytes} bytes\n",
                preset.name
            )
        });
    }
    Ok(Exit::Done)
}

/// Where the model goes. In the cache, its name says what it is.
fn place(
    args: &MakeModelArgs,
    preset: &Preset,
    recipe: &Recipe,
    seed: u64,
) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.place.output {
        return Ok(path.clone());
    }
    let mut name = preset.name.to_owned();
    if seed != preset.default_seed {
        name += &format!("-seed{seed}");
    }
    let usual = preset.with_weights(recipe.weights);
    let mut differs = |is_other: bool, kind: &str, value: Option<PossibleValue>| {
        if let (true, Some(value)) = (is_other, value) {
            name += &format!("-{kind}{}", value.get_name());
        }
    };
    let weights = recipe.weights.to_possible_value();
    differs(recipe.weights != preset.weights, "", weights);
    let embedding = recipe.embedding.to_possible_value();
    differs(recipe.embedding != usual.embedding, "embedding-", embedding);
    let output = recipe.output.to_possible_value();
    differs(recipe.output != usual.output, "output-", output);
    if let Some(yarn) = recipe.yarn.filter(|_| recipe.yarn != usual.yarn) {
        let (factor, length) = (yarn.factor, yarn.original_context_length);
        name += &format!("-yarn{factor}-{length}");
    }
    if recipe.comparable {
        name += "-comparable";
    }
    Ok(make_cache_folder()?.join(name + ".gguf"))
}

/// What is written.
struct Job<'a> {
    recipe: Recipe,
    preset: &'a Preset,
    seed: u64,
}

/// Writes the model. Returns its size.
fn write(
    args: &MakeModelArgs,
    job: &Job,
    output: &Destination,
    watch: &Watch,
) -> Result<u64, Failure> {
    let mut bytes = 0;
    output.fill(|mut file| {
        let _display = RunProgress::of(args.print, watch);
        watch.begin(Phase::Other("write the model"), 0);
        let mut progress = |done, total| {
            watch.set_progress(done, total);
            bytes = done;
        };
        let mut file = Interruptible {
            file: &mut file,
            watch,
        };
        let name = job.preset.model_name;
        match write_model(&job.recipe, name, job.seed, &mut file, &mut progress) {
            Ok(()) => Ok(()),
            Err(_) if watch.is_stopped() => Err(Failure::interrupted()),
            Err(e) => Err(Failure::of_io(&e).about("the model")),
        }
    })?;
    Ok(bytes)
}

/// The preset with the types that were asked for.
fn recipe(preset: &Preset, args: &MakeModelArgs) -> Result<Recipe, Failure> {
    let mut recipe = preset.with_weights(args.weights.unwrap_or(preset.weights));
    if let Some(embedding) = args.embedding {
        recipe.embedding = embedding;
    }
    if let Some(output) = args.output_matrix {
        recipe.output = output;
    }
    if let Some(yarn) = args.yarn {
        recipe.yarn = Some(yarn);
    }
    recipe.comparable = args.comparable;
    recipe.validate().map_err(|reason| {
        let name = preset.name;
        Failure::new(Exit::Usage, reason)
            .about(format_args!("preset {name}"))
            .with_hint("ask for other types with --weights, --embedding or --output-matrix")
    })?;
    Ok(recipe)
}

/// A file whose writing ends when the command is interrupted.
struct Interruptible<'a, W> {
    file: W,
    watch: &'a Watch,
}

impl<W: io::Write> io::Write for Interruptible<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.watch.is_stopped() {
            // Not `Interrupted`: that kind is retried.
            return Err(io::Error::other("interrupted"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
