//! The cells of a sweep: each combination of what the arguments list.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use clap::ValueEnum;

use super::other::Other;
use crate::{
    args::{BenchmarkArgs, Kernel, OURS, WeightPacking, numbers},
    exit::{Exit, Failure},
    kv_name::KvName,
};

/// The most cells of a sweep.
const MOST_CELLS: usize = 1000;

/// What one run is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The model file, and its place among all that were named.
    pub model: (usize, PathBuf),
    /// The engine, and its place among all that were named; none is ours.
    pub engine: (usize, Option<Arc<Other>>),
    /// Number of prompt tokens, for a prompt that follows from the seed.
    pub prompt_tokens: usize,
    /// Number of prompt tokens before these, whose time does not count.
    pub depth: usize,
    /// Number of tokens to generate.
    pub tokens: usize,
    /// Kernels of our engine.
    pub kernel: Kernel,
    /// Threads; the default if none.
    pub threads: Option<usize>,
    /// Element type of the KV cache of our engine. Another one says its own when it is started.
    pub kv_type: KvName,
    /// How weights are arranged by our engine.
    pub packing: WeightPacking,
}

/// All cells, in the order of the command line.
///
/// # Errors
/// A list has something twice, or there are too many cells.
pub fn cells(
    args: &BenchmarkArgs,
    models: &[PathBuf],
    engines: Vec<Option<Arc<Other>>>,
) -> Result<Vec<Cell>, Failure> {
    let (engine, prompt) = (&args.engine, &args.prompt);
    let threads = numbers(&engine.threads);
    let prompt_tokens = numbers(&prompt.prompt_tokens);
    let depths = numbers(&prompt.depth);
    let tokens = numbers(&prompt.tokens);
    each_once("--model", models, |path| path.display().to_string())?;
    each_once("--threads", &threads, usize::to_string)?;
    each_once("--prompt-tokens", &prompt_tokens, usize::to_string)?;
    each_once("--depth", &depths, usize::to_string)?;
    each_once("--tokens", &tokens, usize::to_string)?;
    each_once("--kernel", &engine.kernel, |&kernel| word(kernel))?;
    each_once("--kv-type", &engine.kv_type, |&kv| word(kv))?;
    each_once("--packing", &engine.packing, |&packing| word(packing))?;
    let threads: Vec<Option<usize>> = match &threads[..] {
        [] => vec![None],
        given => given.iter().copied().map(Some).collect(),
    };
    let ours = [
        engine.kernel.len(),
        engine.kv_type.len(),
        engine.packing.len(),
    ];
    let of_engine = |other: &Option<_>| match other {
        None => product(&ours),
        Some(_) => 1,
    };
    let of_engines = engines.iter().map(of_engine).fold(0, usize::saturating_add);
    let lengths = [
        models.len(),
        threads.len(),
        prompt_tokens.len(),
        depths.len(),
        tokens.len(),
        of_engines,
    ];
    let n_cells = product(&lengths);
    if n_cells > MOST_CELLS {
        let what = format!("found {n_cells} cells, allowed at most {MOST_CELLS}");
        return Err(Failure::new(Exit::Usage, what).with_hint("shorten a list"));
    }
    let mut cells: Vec<Cell> = models
        .iter()
        .enumerate()
        .map(|(i, path)| Cell {
            model: (i, path.clone()),
            engine: (0, None),
            prompt_tokens: 0,
            depth: 0,
            tokens: 0,
            kernel: Kernel::Auto,
            threads: None,
            kv_type: KvName::F16,
            packing: WeightPacking::Auto,
        })
        .collect();
    cells = with_each(cells, &prompt_tokens, |cell, n| cell.prompt_tokens = n);
    cells = with_each(cells, &depths, |cell, n| cell.depth = n);
    cells = with_each(cells, &tokens, |cell, n| cell.tokens = n);
    let engines: Vec<_> = engines.into_iter().enumerate().collect();
    cells = with_each(cells, &engines, |cell, engine| cell.engine = engine);
    let with_ours = |cell: Cell| match cell.engine.1 {
        None => with_settings(cell, args),
        Some(_) => vec![cell],
    };
    cells = cells.into_iter().flat_map(with_ours).collect();
    Ok(with_each(cells, &threads, |cell, n| cell.threads = n))
}

/// A cell of our engine with each of its settings.
fn with_settings(cell: Cell, args: &BenchmarkArgs) -> Vec<Cell> {
    let engine = &args.engine;
    let mut cells = vec![cell];
    cells = with_each(cells, &engine.kv_type, |cell, kv| cell.kv_type = kv);
    cells = with_each(cells, &engine.kernel, |cell, kernel| cell.kernel = kernel);
    with_each(cells, &engine.packing, |cell, packing| {
        cell.packing = packing;
    })
}

fn product(lengths: &[usize]) -> usize {
    lengths.iter().fold(1, |n, len| n.saturating_mul(*len))
}

/// Each cell with each value.
fn with_each<V: Clone>(cells: Vec<Cell>, values: &[V], set: fn(&mut Cell, V)) -> Vec<Cell> {
    let one = |cell: &Cell, value: &V| {
        let mut cell = cell.clone();
        set(&mut cell, value.clone());
        cell
    };
    let each = |cell| {
        values
            .iter()
            .map(move |value| one(&cell, value))
            .collect::<Vec<_>>()
    };
    cells.into_iter().flat_map(each).collect()
}

/// Refuses a list that has something twice: two receipts would have one name.
fn each_once<V>(flag: &str, values: &[V], text: impl Fn(&V) -> String) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for value in values {
        if !seen.insert(text(value)) {
            let what = format!("found {} twice", text(value));
            return Err(Failure::new(Exit::Usage, what)
                .about(flag)
                .with_hint("name each once"));
        }
    }
    Ok(())
}

/// A value as the command line has it.
fn word(value: impl ValueEnum) -> String {
    let possible = value.to_possible_value();
    possible.map_or(String::new(), |value| value.get_name().to_owned())
}

impl Cell {
    /// What its weights are arranged for, as the command line has it.
    pub fn packing_word(&self) -> &'static str {
        match self.packing {
            WeightPacking::Auto => "auto",
            WeightPacking::Off => "off",
            WeightPacking::TwoBit => "two-bit",
            WeightPacking::Densest => "densest",
        }
    }

    /// What its engine is called.
    pub fn engine_name(&self) -> &str {
        self.engine.1.as_ref().map_or(OURS, |other| other.name())
    }

    /// A name made of what the cell is: `tiny-p16-n128-t2-avx2`. Depth, kernels, KV type, packing and engine
    /// stand in it if they are not the default; `threads` are those that run. `prompt` stands for the prompt.
    /// Another cell can have it by chance, which [`plan`](super::settings::plan) refuses.
    pub fn name(&self, stem: &str, prompt: &str, threads: usize) -> String {
        let mut name = format!("{stem}-{prompt}");
        if self.depth > 0 {
            name += &format!("-d{}", self.depth);
        }
        name += &format!("-n{}-t{threads}", self.tokens);
        if self.kernel != Kernel::Auto {
            name += &format!("-{}", word(self.kernel));
        }
        if self.kv_type != KvName::F16 {
            name += &format!("-kv-{}", word(self.kv_type));
        }
        if self.packing != WeightPacking::Auto {
            name += &format!("-packing-{}", self.packing_word());
        }
        if let (_, Some(other)) = &self.engine {
            name += &format!("-{}", other.name());
        }
        name
    }
}
