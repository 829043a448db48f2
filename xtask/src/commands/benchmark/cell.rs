//! The cells of a sweep: each combination of what the arguments list.

use std::{collections::HashSet, path::PathBuf};

use clap::ValueEnum;

use crate::{
    args::{BenchmarkArgs, Kernel, Kv, WeightPacking, numbers},
    exit::{Exit, Failure},
};

/// The most cells of a sweep.
const MOST_CELLS: usize = 1000;

/// What one run is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The model file, and its place among all that were named.
    pub model: (usize, PathBuf),
    /// Number of prompt tokens, for a prompt that follows from the seed.
    pub prompt_tokens: usize,
    /// Number of prompt tokens before these, whose time does not count.
    pub depth: usize,
    /// Number of tokens to generate.
    pub tokens: usize,
    /// Kernels.
    pub kernel: Kernel,
    /// Threads; the default if none.
    pub threads: Option<usize>,
    /// Element type of the KV cache.
    pub kv_type: Kv,
    /// How weights are arranged.
    pub packing: WeightPacking,
}

/// All cells, in the order of the command line.
///
/// # Errors
/// A list has something twice, or there are too many cells.
pub fn cells(args: &BenchmarkArgs, models: &[PathBuf]) -> Result<Vec<Cell>, Failure> {
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
    let lengths = [
        models.len(),
        threads.len(),
        prompt_tokens.len(),
        depths.len(),
        tokens.len(),
        engine.kernel.len(),
        engine.kv_type.len(),
        engine.packing.len(),
    ];
    let n_cells = lengths.iter().fold(1usize, |n, len| n.saturating_mul(*len));
    if n_cells > MOST_CELLS {
        let what = format!("found {n_cells} cells, allowed at most {MOST_CELLS}");
        return Err(Failure::new(Exit::Usage, what).with_hint("shorten a list"));
    }
    let mut cells: Vec<Cell> = models
        .iter()
        .enumerate()
        .map(|(i, path)| Cell {
            model: (i, path.clone()),
            prompt_tokens: 0,
            depth: 0,
            tokens: 0,
            kernel: Kernel::Auto,
            threads: None,
            kv_type: Kv::F16,
            packing: WeightPacking::Auto,
        })
        .collect();
    cells = with_each(cells, &prompt_tokens, |cell, n| cell.prompt_tokens = n);
    cells = with_each(cells, &depths, |cell, n| cell.depth = n);
    cells = with_each(cells, &tokens, |cell, n| cell.tokens = n);
    cells = with_each(cells, &engine.kv_type, |cell, kv| cell.kv_type = kv);
    cells = with_each(cells, &engine.kernel, |cell, kernel| cell.kernel = kernel);
    cells = with_each(cells, &engine.packing, |cell, packing| {
        cell.packing = packing
    });
    Ok(with_each(cells, &threads, |cell, n| cell.threads = n))
}

/// Each cell with each value.
fn with_each<V: Copy>(cells: Vec<Cell>, values: &[V], set: fn(&mut Cell, V)) -> Vec<Cell> {
    let one = |cell: &Cell, value: V| {
        let mut cell = cell.clone();
        set(&mut cell, value);
        cell
    };
    let each = |cell| {
        values
            .iter()
            .map(move |&value| one(&cell, value))
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

    /// A name that no other cell of its sweep has, made of what the cell is: `tiny-p16-n128-t2-avx2`.
    /// Depth, kernels, KV type and packing stand in it if they are not the default; `threads` are those
    /// that run. `prompt` stands for the prompt.
    pub fn name(&self, stem: &str, prompt: &str, threads: usize) -> String {
        let mut name = format!("{stem}-{prompt}");
        if self.depth > 0 {
            name += &format!("-d{}", self.depth);
        }
        name += &format!("-n{}-t{threads}", self.tokens);
        if self.kernel != Kernel::Auto {
            name += &format!("-{}", word(self.kernel));
        }
        if self.kv_type != Kv::F16 {
            name += &format!("-kv-{}", word(self.kv_type));
        }
        if self.packing != WeightPacking::Auto {
            name += &format!("-packing-{}", self.packing_word());
        }
        name
    }
}
