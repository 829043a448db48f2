//! `make-model`: a generated model in a file.

use std::io;

use host::{cancel::Cancel, files::AtomicFile};

use crate::{
    args::MakeModelArgs,
    exit::{Exit, Failure},
    make_model::{PRESETS, Preset, Recipe, preset, write_model},
    output::print,
    progress::byte_bar,
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No file is written then.
pub fn run(args: &MakeModelArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let preset = find_preset(&args.preset)?;
    let recipe = recipe(&preset, args)?;
    let seed = args.seed.unwrap_or(preset.default_seed);
    let mut written = 0;
    let output = AtomicFile::prepare(&args.output).map_err(|e| Failure::io(&args.output, &e))?;
    output.replace(|mut file| {
        let bar = byte_bar(0);
        let mut progress = |done, total| {
            bar.set_length(total);
            bar.set_position(done);
            written = done;
        };
        let mut file = Interruptible {
            file: &mut file,
            cancel,
        };
        let result = write_model(&recipe, preset.model_name, seed, &mut file, &mut progress);
        bar.finish_and_clear();
        match result {
            Ok(()) => Ok(()),
            Err(_) if cancel.is_requested() => Err(Failure::interrupted()),
            Err(e) => Err(Failure::io(&args.output, &e)),
        }
    })?;
    print(&format!(
        "{}: preset {}, seed {seed}, {written} bytes\n",
        args.output.display(),
        preset.name
    ))?;
    Ok(Exit::Done)
}

fn find_preset(name: &str) -> Result<Preset, Failure> {
    preset(name).ok_or_else(|| {
        let names: Vec<_> = PRESETS.iter().map(|p| p.name).collect();
        let names = names.join(", ");
        Failure::new(
            Exit::Usage,
            format_args!("--preset: found {name:?}, allowed {names}"),
        )
    })
}

/// The preset with the types that were asked for.
fn recipe(preset: &Preset, args: &MakeModelArgs) -> Result<Recipe, Failure> {
    let mut recipe = preset.recipe(args.weights, args.embedding);
    if let Some(output) = args.output_matrix {
        recipe.output = output;
    }
    recipe.validate().map_err(|reason| {
        let name = preset.name;
        Failure::new(Exit::Usage, format_args!("--preset {name}: {reason}"))
    })?;
    Ok(recipe)
}

/// A file whose writing ends when the command is interrupted.
struct Interruptible<'a, W> {
    file: W,
    cancel: &'a Cancel,
}

impl<W: io::Write> io::Write for Interruptible<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancel.is_requested() {
            // Not `Interrupted`: that kind is retried.
            return Err(io::Error::other("interrupted"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
