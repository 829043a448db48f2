//! Cases, made from models and the reference.

use engine_native::{I2sLayout, KvType, Op};
use host::{
    judge::Moments,
    sandbox::{ModelInput, Sandbox, SandboxError},
    watch::Watch,
};

use super::{
    case::{
        Bounds, BoundsOf, CORPUS_VERSION, Case, ChoiceFact, ModelFile, RowFact, RunFact, Runs,
        SumsFact, sha256,
    },
    extra::Extra,
    models::{Gguf, ModelOf},
    prompts::{N_TOKENS, NoPrompt, clear_prompts},
    reference::{ReferenceRun, run},
    weights::Ternary,
};
use crate::make_model::{GroupedType, OutputMatrix, WeightType};

/// Largest logits of a choice that a case has.
const N_TOP: usize = 16;

/// Why a case cannot be made: a defect of this program, or a limit of the machine.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NotMade {
    #[error("{case}: {why}")]
    Reference {
        case: &'static str,
        why: SandboxError,
    },
    #[error("{case}: {why}")]
    Prompt { case: &'static str, why: NoPrompt },
    #[error("{case}: {tensor}: the sums are not those of the reference")]
    Sums { case: &'static str, tensor: String },
    #[error("{file}: {found}, but it must be refused")]
    Refused { file: String, found: String },
}

/// A case with its file.
pub struct MadeCase {
    /// The case.
    pub case: Case,
    /// The model's file.
    pub file: Vec<u8>,
    /// Whether the file is committed.
    pub is_committed: bool,
}

/// The case of a model.
///
/// # Errors
/// The reference refuses the model, or computes something else than is expected.
pub(super) fn make(
    model: &ModelOf,
    sandbox: &Sandbox,
    bounds: BoundsOf,
    watch: &Watch,
) -> Result<MadeCase, NotMade> {
    let case = model.name;
    let gguf = model.file();
    let prompts =
        clear_prompts(model, &gguf, watch).map_err(|why| NotMade::Prompt { case, why })?;
    let input = ModelInput {
        file: &gguf.bytes,
        i2s_layout: gguf.layout,
    };
    let runs = |kv_type| -> Result<Vec<ReferenceRun>, NotMade> {
        let runs = prompts
            .iter()
            .map(|prompt| run(sandbox, input, kv_type, prompt, N_TOKENS));
        runs.collect::<Result<_, _>>()
            .map_err(|why| NotMade::Reference { case, why })
    };
    let (f16, f32) = (runs(KvType::F16)?, runs(KvType::F32)?);
    let (rows, sums) = facts(model, &gguf, prompts[0][0], &f16[0])?;
    let told = |runs: &[ReferenceRun], bounds: Bounds| {
        let runs = runs.iter().map(|run| told(run, bounds.tolerance));
        runs.collect()
    };
    let case = Case {
        version: CORPUS_VERSION,
        name: model.name.to_owned(),
        about: model.about.to_owned(),
        model: describe(model, &gguf),
        refusal_names: refusal_names(model),
        rows,
        sums,
        runs: Runs {
            f16: told(&f16, bounds.f16),
            f32: told(&f32, bounds.f32),
        },
        prompts,
        n_tokens: N_TOKENS,
    };
    Ok(MadeCase {
        case,
        file: gguf.bytes,
        is_committed: model.is_committed,
    })
}

/// Rows and sums of the first and of the last projection of a run.
fn facts(
    model: &ModelOf,
    gguf: &Gguf,
    first_token: u32,
    run: &ReferenceRun,
) -> Result<(Vec<RowFact>, Vec<SumsFact>), NotMade> {
    let last = model.recipe.shape.n_layers as usize - 1;
    let mut rows = vec![RowFact {
        tensor: "token_embd.weight".to_owned(),
        row: first_token.into(),
        values: run.embedding.clone(),
    }];
    let mut sums = Vec::new();
    for (layer, op) in [(0, Op::AttnQ), (last, Op::FfnDown)] {
        let tensor = format!("blk.{layer}.{}.weight", op.name());
        let not_made = || NotMade::Sums {
            case: model.name,
            tensor: tensor.clone(),
        };
        let (info, bytes) = gguf.tensor(&tensor).ok_or_else(not_made)?;
        let dims = [info.dims[0] as usize, info.dims[1] as usize];
        let projection = Ternary::read(model.recipe.weights, gguf.layout, dims, bytes);
        rows.push(RowFact {
            tensor: tensor.clone(),
            row: 0,
            values: projection.values(0).to_vec(),
        });
        let input = input_of(run, layer, op).ok_or_else(not_made)?;
        let fact = SumsFact::of(op.name(), &tensor, &projection, &input);
        if !is_of_reference(&fact, &projection, run, layer, op) {
            return Err(not_made());
        }
        sums.push(fact);
        if model.extra == Extra::FullRows && op == Op::FfnDown {
            let input = vec![1.0; projection.n_cols];
            sums.push(SumsFact::of("ffn_down-equal", &tensor, &projection, &input));
        }
    }
    Ok((rows, sums))
}

/// The activations that a projection gets.
fn input_of(run: &ReferenceRun, layer: usize, op: Op) -> Option<Vec<f32>> {
    let bits = match op {
        Op::AttnQ => run.op(layer, Op::AttnNorm),
        _ => run
            .op(layer, Op::FfnSubNorm)
            .or_else(|| run.op(layer, Op::FfnActivation)),
    };
    Some(bits?.iter().map(|&bits| f32::from_bits(bits)).collect())
}

/// Whether quantized activations and outputs are those that the reference has, bit for bit.
fn is_of_reference(
    fact: &SumsFact,
    projection: &Ternary,
    run: &ReferenceRun,
    layer: usize,
    op: Op,
) -> bool {
    let quantized = match op {
        Op::AttnQ => Op::AttnQkvQuantize,
        _ => Op::FfnDownQuantize,
    };
    let own = fact.quantized.iter().map(|&q| u32::from(q.cast_unsigned()));
    let outputs = fact.outputs(projection).into_iter().map(f32::to_bits);
    let outputs: Vec<u32> = outputs.collect();
    run.op(layer, quantized)
        .is_some_and(|q| own.eq(q.iter().copied()))
        && run.op(layer, op).is_some_and(|y| y.starts_with(&outputs))
        && !outputs.is_empty()
}

fn told(run: &ReferenceRun, tolerance: f64) -> RunFact {
    let n_prompt = run.records.len() + 1 - run.logits.len();
    let residuals = run.records[n_prompt - 1].boundaries.iter();
    RunFact {
        choices: run
            .logits
            .iter()
            .map(|row| ChoiceFact::of(row, tolerance))
            .collect(),
        residuals: residuals.map(ToString::to_string).collect(),
        checksum: run.checksum.to_string(),
    }
}

impl ChoiceFact {
    /// Of a row of logits.
    pub(super) fn of(row: &[f32], tolerance: f64) -> Self {
        let top = Self::top(row, N_TOP);
        let mut moments = Moments::default();
        row.iter().for_each(|&logit| moments.add(logit.into()));
        let spread = moments.deviation();
        let lead = f64::from(top[0].1) - f64::from(top[1].1);
        Self {
            token: top[0].0,
            lead,
            spread,
            near_tie: lead <= tolerance * spread,
            top_logits: top,
        }
    }

    /// The `n` largest logits with their ids, from the largest down; among equals the lowest id first.
    pub(super) fn top(row: &[f32], n: usize) -> Vec<(u32, f32)> {
        let mut top: Vec<(u32, f32)> = (0..).zip(row.iter().copied()).collect();
        top.sort_by(|a, b| b.1.total_cmp(&a.1));
        top.truncate(n);
        top
    }
}

fn describe(model: &ModelOf, gguf: &Gguf) -> ModelFile {
    let recipe = &model.recipe;
    let is_i2_s = recipe.weights == WeightType::I2S;
    ModelFile {
        file_name: format!("{}.gguf", model.name),
        bytes: gguf.bytes.len() as u64,
        sha256: sha256(&gguf.bytes),
        architecture: recipe.architecture.to_string(),
        projections: recipe.weights.layout().name.to_owned(),
        i2s_layout: is_i2_s.then(|| model.layout.as_str().to_owned()),
        embedding: recipe.embedding.layout().name.to_owned(),
        output: match recipe.output {
            OutputMatrix::Tied => None,
            OutputMatrix::Own(rows) => Some(rows.layout().name.to_owned()),
        },
    }
}

/// The words of which a message has one that says what it does not support.
fn refusal_names(model: &ModelOf) -> Vec<String> {
    let recipe = &model.recipe;
    let mut layouts = vec![recipe.weights.layout(), recipe.embedding.layout()];
    if let OutputMatrix::Own(rows) = recipe.output {
        layouts.push(rows.layout());
    }
    let types = layouts
        .iter()
        .flat_map(|layout| [layout.name.to_owned(), format!("type {}", layout.type_id)]);
    let mut names: Vec<String> = types.collect();
    names.push(recipe.architecture.to_string());
    let is_i2_s = recipe.weights == WeightType::I2S;
    if is_i2_s && model.layout != I2sLayout::default() {
        names.push(model.layout.as_str().to_owned());
    }
    if recipe.weights == WeightType::Grouped(GroupedType::Q2_0G128) {
        // Whoever knows only blocks of 64 finds that tensors lie elsewhere, and cannot say more.
        names.push("offset".to_owned());
    }
    names.dedup();
    names
}
