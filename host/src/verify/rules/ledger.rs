//! Rules on the kernels: the ledger must contain exactly the work that the shape requires.

use std::collections::{BTreeMap, BTreeSet};

use engine_native::{
    Activation, Architecture, Isa, KernelChoice, KernelName, ModelShape, Op, RopeScaling,
};

use super::{found::equal, identity::architecture, ternary};
use crate::{
    receipt::{LedgerRecord, Receipt, kernel_ids, parse_kernel_name},
    verify::outcome::Rule,
};

pub(super) const RULES: &[Rule] = &[
    ("kernels", ids),
    ("ledger_entries", entries),
    ("ledger_kernels", kernels),
    ("ledger_work", work),
];

/// A receipt of another engine says nothing of its kernels.
fn ids(r: &Receipt) -> Result<(), String> {
    if r.kernel_ledger.is_some() == r.is_external() {
        let (found, allowed) = match r.is_external() {
            true => ("a list", "null for another engine"),
            false => ("null", "a list"),
        };
        return Err(format!("kernel_ledger: found {found}, allowed {allowed}"));
    }
    equal(&r.kernels, &kernel_ids(r.ledger()))
}

fn entries(r: &Receipt) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for entry in r.ledger() {
        let LedgerRecord {
            kernel,
            op,
            calls,
            multiply_accumulates: macs,
        } = entry;
        if !seen.insert((kernel, op)) {
            return Err(format!("{kernel} for {op} appears twice"));
        }
        if *calls == 0 {
            return Err(format!("{kernel} for {op}: listed, but never called"));
        }
        // Every call does at least one multiply-accumulate.
        if calls > macs {
            return Err(format!(
                "{kernel} for {op}: found {calls} calls with {macs} multiply-accumulates"
            ));
        }
    }
    Ok(())
}

/// Checks that every kernel exists, and fits its operation and the types of the run; and that all
/// of them belong to the requested ISA or to ISAs that it builds on.
fn kernels(r: &Receipt) -> Result<(), String> {
    if r.is_external() {
        return Ok(());
    }
    let mut isas = BTreeSet::new();
    for entry in r.ledger() {
        let refused = |why: &str| Err(format!("{} for {}: {why}", entry.kernel, entry.op));
        let Some(op) = Op::from_name(&entry.op) else {
            return refused("no such operation");
        };
        let Some((name, isa)) = KernelName::parse_id(&entry.kernel) else {
            return refused("no such kernel");
        };
        if !fits(name, op, r) {
            return refused("the kernel does not compute that");
        }
        isas.insert(isa);
    }
    ternary::check(r)?;
    let runs_all = |asked: Isa| isas.iter().all(|&isa| asked.runs(isa));
    let fits = match parse_kernel_name(&r.run.kernel) {
        Some(KernelChoice::Auto) => Isa::ALL.iter().any(|&isa| runs_all(isa)),
        Some(KernelChoice::Only(isa)) => runs_all(isa),
        None => false,
    };
    if !fits {
        let isas: Vec<_> = isas.iter().map(|isa| isa.as_str()).collect();
        let asked = &r.run.kernel;
        return Err(format!("found kernels of {isas:?}, requested {asked}"));
    }
    Ok(())
}

fn fits(kernel: KernelName, op: Op, r: &Receipt) -> bool {
    let kernel = kernel.as_str();
    let kv_type = &r.run.kv_type[..];
    let activation = architecture(r).map(Architecture::activation);
    match op {
        Op::Embed => kernel.starts_with("embedding_row_"),
        Op::AttnNorm
        | Op::AttnQNorm
        | Op::AttnKNorm
        | Op::AttnSubNorm
        | Op::FfnNorm
        | Op::FfnSubNorm
        | Op::OutputNorm => kernel == "rms_norm",
        Op::AttnQkvQuantize
        | Op::AttnOutputQuantize
        | Op::FfnGateUpQuantize
        | Op::FfnDownQuantize => kernel == "activation_quantize" || kernel == "block_quantize",
        Op::AttnQ
        | Op::AttnK
        | Op::AttnV
        | Op::AttnOutput
        | Op::FfnGate
        | Op::FfnUp
        | Op::FfnDown => ["i2s_gemv", "i2s_gemm", "grouped_gemv", "grouped_gemm"].contains(&kernel),
        Op::RopeQ | Op::RopeK => kernel == "rope_apply",
        Op::KvStore => kernel.strip_prefix("kv_store_") == Some(kv_type),
        Op::AttentionScores => kernel.strip_prefix("attention_scores_") == Some(kv_type),
        Op::AttentionSoftmax => kernel == "softmax_inplace",
        Op::AttentionValues => kernel.strip_prefix("attention_values_") == Some(kv_type),
        Op::AttnResidual | Op::FfnResidual => kernel == "residual_add",
        Op::FfnActivation => match activation {
            Ok(Activation::SquaredRelu) => kernel == "squared_relu_mul",
            Ok(Activation::Silu) => kernel == "silu_mul",
            Err(_) => false,
        },
        Op::OutputQuantize => kernel == "block_quantize",
        Op::OutputScreen => kernel == "output_screen",
        Op::OutputRefine => kernel == "output_refine",
        Op::Output => kernel.starts_with("output_gemv_") || kernel == "grouped_gemv",
        Op::GreedyChoice => kernel == "argmax",
    }
}

fn work(r: &Receipt) -> Result<(), String> {
    if r.is_external() {
        return Ok(());
    }
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in r.ledger() {
        let sum = found.entry(&entry.op).or_default();
        *sum = sum.saturating_add(entry.multiply_accumulates);
    }
    let shape = shape(r)?;
    let n_positions = r.n_positions().ok_or("positions overflow")?;
    let is_screened = found.contains_key(Op::OutputScreen.name());
    if is_screened && ternary::has_grouped_output(r) {
        return Err("output_screen: grouped ternary output matrices are not screened".into());
    }
    if is_screened {
        let mut take = |op: Op| found.remove(op.name()).unwrap_or(0);
        ScreenedChoices {
            screen: take(Op::OutputScreen),
            refine: take(Op::OutputRefine),
            output: take(Op::Output),
            left: take(Op::GreedyChoice),
        }
        .check(&shape, r.run.tokens)?;
    }
    let is_checked = |op: Op| is_screened && is_of_choice(op);
    for &op in Op::ALL.iter().filter(|&&op| !is_checked(op)) {
        let derived = match op {
            // A shape does not say whether the output matrix is grouped ternary.
            Op::OutputQuantize => match ternary::has_grouped_output(r) {
                true => shape.n_embd.checked_mul(r.run.tokens),
                false => Some(0),
            },
            op => op.work(&shape, n_positions, r.run.tokens),
        }
        .ok_or_else(|| format!("{}: the shape's work overflows", op.name()))?;
        let found = found.remove(op.name()).unwrap_or(0);
        if found != derived {
            return Err(format!(
                "{}: found {found} multiply-accumulates, the shape has {derived}",
                op.name()
            ));
        }
    }
    match found.first_key_value() {
        None => Ok(()),
        Some((op, _)) => Err(format!("{op}: no such operation")),
    }
}

fn is_of_choice(op: Op) -> bool {
    matches!(
        op,
        Op::OutputScreen | Op::OutputRefine | Op::Output | Op::GreedyChoice
    )
}

/// The work of choices in a run with a screen. The number of logits that the screen leaves cannot
/// be derived from the shape, but the other counts depend on it.
struct ScreenedChoices {
    screen: u64,
    refine: u64,
    output: u64,
    left: u64,
}

impl ScreenedChoices {
    /// A screened choice reads every row of the screen once, computes one logit, and then the
    /// logits that the screen leaves. Other choices compute every logit, as does a choice for which
    /// the screen leaves too many.
    fn check(&self, shape: &ModelShape, n_choices: u64) -> Result<(), String> {
        let [screen, refine] = [self.screen, self.refine].map(u128::from);
        let [output, left] = [self.output, self.left].map(u128::from);
        let [n_embd, n_vocab, n_choices] = [shape.n_embd, shape.n_vocab, n_choices].map(u128::from);
        // Other rules bound shapes and runs, so nothing here exceeds 2^84.
        let n_screened = screen / (n_embd * n_vocab).max(1);
        if screen != n_screened * n_embd * n_vocab || n_screened > n_choices {
            return Err(format!(
                "output_screen: found {screen} multiply-accumulates, expected at most {n_choices} \
                 times {}",
                n_embd * n_vocab
            ));
        }
        if !refine.is_multiple_of(n_embd.max(1)) || refine > screen {
            return Err(format!(
                "output_refine: found {refine} multiply-accumulates, expected whole rows, at most \
                 {screen}"
            ));
        }
        let fewest = (n_choices - n_screened) * n_vocab + n_screened;
        if left < fewest || left > n_choices * n_vocab {
            return Err(format!(
                "greedy_choice: found {left} logits, expected {fewest} to {}",
                n_choices * n_vocab
            ));
        }
        let derived = n_embd * (left + n_screened);
        if output != derived {
            return Err(format!(
                "output: found {output} multiply-accumulates, {n_screened} screened choices with \
                 {left} logits left take {derived}"
            ));
        }
        Ok(())
    }
}

/// The shape as the engine knows it.
pub(super) fn shape(r: &Receipt) -> Result<ModelShape, String> {
    let s = &r.model.shape;
    Ok(ModelShape {
        architecture: architecture(r)?,
        n_vocab: s.n_vocab,
        n_embd: s.n_embd,
        n_layers: s.n_layers,
        n_heads: s.n_heads,
        n_kv_heads: s.n_kv_heads,
        head_dim: s.head_dim,
        rope_dim: s.rope_dim,
        n_ff: s.n_ff,
        context_length: s.context_length,
        // The number of operations does not depend on these.
        rope_base: 1.0,
        rope_scaling: RopeScaling::None,
        rms_epsilon: 1.0,
    })
}
