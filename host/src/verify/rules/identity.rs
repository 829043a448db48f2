//! Rules on the description of the run: compute path, environment, settings, prompt, model, build.

use engine_native::{Architecture, I2sLayout, gguf::TensorType};

use super::found::{equal, in_vocabulary, within};
use crate::{
    receipt::{
        EXTERNAL, MAX_SEED, MAX_THREADS, ModelRecord, PromptSource, Receipt, ShapeRecord,
        parse_kernel_name, parse_kv_type_name,
    },
    task::seeded_prompt,
    verify::outcome::Rule,
};

pub(super) const RULES: &[Rule] = &[
    ("compute_path", compute_path),
    ("backend", |r| equal(&r.backend[..], "cpu")),
    ("environment", environment),
    ("run_settings", run_settings),
    ("prompt", prompt),
    ("context", context),
    ("model_shape", model_shape),
    ("model_file_name", model_file_name),
    ("model_parameters", model_parameters),
    ("build", build),
];

fn compute_path(r: &Receipt) -> Result<(), String> {
    let allowed = match r.is_external() {
        true => EXTERNAL,
        false => "real",
    };
    equal(&r.compute_path[..], allowed)
}

fn environment(r: &Receipt) -> Result<(), String> {
    let named = |name, found: &str, allowed: &str| {
        equal(found, allowed).map_err(|e| format!("{name}: {e}"))
    };
    let e = &r.environment;
    named(
        "RAYON_NUM_THREADS",
        &e.RAYON_NUM_THREADS,
        &r.run.threads.to_string(),
    )?;
    match e.BITNET_DETERMINISTIC.as_str() {
        "0" => {}
        "1" => named(
            "RAYON_NUM_THREADS of a deterministic run",
            &e.RAYON_NUM_THREADS,
            "1",
        )?,
        found => named("BITNET_DETERMINISTIC", found, "0\" or \"1")?,
    }
    if let PromptSource::Seeded { seed, .. } = r.run.prompt {
        named("BITNET_SEED", &e.BITNET_SEED, &seed.to_string())?;
    }
    let seed = e.BITNET_SEED.parse().unwrap_or(u64::MAX);
    within("BITNET_SEED", seed, 0..=MAX_SEED)?;
    if e.BITNET_VERSION.is_empty() || e.OS.is_empty() {
        return Err("BITNET_VERSION, OS: found an empty string".into());
    }
    Ok(())
}

fn run_settings(r: &Receipt) -> Result<(), String> {
    within("threads", r.run.threads, 1..=MAX_THREADS as u64)?;
    within("repetitions", r.run.repetitions, 1..=u64::from(u32::MAX))?;
    within("tokens", r.run.tokens, 1..=u64::from(u32::MAX))?;
    if r.depth() > 0 && r.n_prefilled() == 0 {
        let (depth, n) = (r.depth(), r.run.prompt_ids.len());
        return Err(format!(
            "depth: found {depth} of {n} prompt ids, allowed fewer than all"
        ));
    }
    kernel(r)?;
    if parse_kv_type_name(&r.run.kv_type).is_none() {
        return Err(format!(
            "kv_type: found {:?}, allowed f16 or f32",
            r.run.kv_type
        ));
    }
    Ok(())
}

/// The kernels that were asked for: another engine takes its own.
fn kernel(r: &Receipt) -> Result<(), String> {
    let found = &r.run.kernel;
    let (is_known, allowed) = match r.is_external() {
        true => (found == EXTERNAL, EXTERNAL),
        false => (
            parse_kernel_name(found).is_some(),
            "auto, scalar, avx2, avx-vnni, avx512-vnni or amx",
        ),
    };
    match is_known {
        true => Ok(()),
        false => Err(format!("kernel: found {found:?}, allowed {allowed}")),
    }
}

fn prompt(r: &Receipt) -> Result<(), String> {
    let ids = &r.run.prompt_ids;
    if ids.is_empty() {
        return Err("found no prompt ids, allowed at least 1".into());
    }
    let n_vocab = r.model.shape.n_vocab;
    let challenge = r.run.challenge.as_ref();
    if let PromptSource::Seeded { seed, count } = r.run.prompt {
        // First, so that the count is bounded before ids are derived.
        equal(&count, &(ids.len() as u64))?;
        if n_vocab == 0 || seeded_prompt(seed, challenge, ids.len(), n_vocab) != *ids {
            return Err("prompt_ids are not those derived from the seed and the challenge".into());
        }
    } else if challenge.is_some() {
        return Err("found a challenge, allowed only for a seeded prompt".into());
    }
    in_vocabulary(ids, n_vocab)
}

fn context(r: &Receipt) -> Result<(), String> {
    let positions = r.n_positions().ok_or("positions overflow")?;
    within("positions", positions, 1..=r.model.shape.context_length)
}

fn model_shape(r: &Receipt) -> Result<(), String> {
    let ShapeRecord {
        n_vocab,
        n_embd,
        n_layers,
        n_heads,
        n_kv_heads,
        head_dim,
        rope_dim,
        n_ff,
        context_length,
    } = r.model.shape;
    for (name, n) in [
        ("n_vocab", n_vocab),
        ("n_embd", n_embd),
        ("n_layers", n_layers),
        ("n_heads", n_heads),
        ("n_kv_heads", n_kv_heads),
        ("head_dim", head_dim),
        ("rope_dim", rope_dim),
        ("n_ff", n_ff),
        ("context_length", context_length),
    ] {
        within(name, n, 1..=1 << 24)?;
    }
    if !n_heads.is_multiple_of(n_kv_heads) || rope_dim > head_dim || !rope_dim.is_multiple_of(2) {
        return Err(format!(
            "found {n_heads} heads over {n_kv_heads} KV heads, {rope_dim} of {head_dim} rotated"
        ));
    }
    let found = architecture(r)?;
    if r.model.rope_factors && !found.allows_rope_factors() {
        return Err(format!(
            "found frequency factors, which {found} does not have"
        ));
    }
    i2s_layout(&r.model)
}

/// Checks that there is a layout if, and only if, there are I2_S tensors.
fn i2s_layout(model: &ModelRecord) -> Result<(), String> {
    let i2s = TensorType::I2S.to_string();
    let has_i2s = model.weight_types.iter().any(|t| t.tensor_type == i2s);
    let layout = model.i2s_layout.as_deref();
    if has_i2s == layout.and_then(I2sLayout::from_name).is_some() && has_i2s == layout.is_some() {
        return Ok(());
    }
    let allowed = match has_i2s {
        true => I2sLayout::ALL.map(I2sLayout::as_str).join(", "),
        false => "null, because there are no I2_S tensors".into(),
    };
    Err(format!("i2s_layout: found {layout:?}, allowed {allowed}"))
}

pub(super) fn architecture(r: &Receipt) -> Result<Architecture, String> {
    Architecture::from_name(&r.model.architecture).ok_or_else(|| {
        format!(
            "architecture: found {:?}, allowed {}",
            r.model.architecture,
            Architecture::ALL.map(Architecture::as_str).join(", ")
        )
    })
}

/// Checks that the name, which may be used to find the file, does not lead to another folder.
fn model_file_name(r: &Receipt) -> Result<(), String> {
    let name = &r.model.file_name;
    if is_plain_file_name(name) {
        return Ok(());
    }
    Err(format!("found {name:?}, allowed a plain file name"))
}

/// Whether a name can only name a file in a given folder.
pub(super) fn is_plain_file_name(name: &str) -> bool {
    let plain = !name.is_empty() && !name.contains(['/', '\\', '\0']);
    plain && name != "." && name != ".." && name.len() <= 255
}

fn model_parameters(r: &Receipt) -> Result<(), String> {
    let derived = parameters(&r.model, architecture(r)?);
    match derived {
        Some(derived) => equal(&r.model.parameters, &derived),
        None => Err("the shape's parameters overflow".into()),
    }
}

/// The number of elements of all tensors that follows from the shape. `None` on overflow.
fn parameters(model: &ModelRecord, architecture: Architecture) -> Option<u64> {
    let s = &model.shape;
    let q = s.n_heads.checked_mul(s.head_dim)?;
    let kv = s.n_kv_heads.checked_mul(s.head_dim)?;
    let attention = q.checked_mul(2)?.checked_add(kv.checked_mul(2)?)?;
    let projections = attention
        .checked_add(s.n_ff.checked_mul(3)?)?
        .checked_mul(s.n_embd)?;
    let sub_norms = match architecture.has_sub_norms() {
        true => q.checked_add(s.n_ff)?,
        false => 0,
    };
    let head_norms = match architecture.has_head_norms() {
        true => s.head_dim.checked_mul(2)?,
        false => 0,
    };
    let norms = s.n_embd.checked_mul(2)?.checked_add(sub_norms)?;
    let norms = norms.checked_add(head_norms)?;
    let layers = projections.checked_add(norms)?.checked_mul(s.n_layers)?;
    let embeddings = s
        .n_vocab
        .checked_mul(s.n_embd)?
        .checked_mul(if model.tied_embeddings { 1 } else { 2 })?;
    let factors = if model.rope_factors {
        s.rope_dim / 2
    } else {
        0
    };
    layers
        .checked_add(embeddings)?
        .checked_add(s.n_embd)?
        .checked_add(factors)
}

fn build(r: &Receipt) -> Result<(), String> {
    let b = &r.build;
    let commit = b.git_commit.as_str();
    let is_hex = commit.len() >= 40 && commit.bytes().all(|c| c.is_ascii_hexdigit());
    if commit != "unknown" && !is_hex {
        return Err(format!(
            "git_commit: found {commit:?}, allowed a commit or \"unknown\""
        ));
    }
    if !["true", "false", "unknown"].contains(&b.git_dirty.as_str()) {
        return Err(format!(
            "git_dirty: found {:?}, allowed true, false or unknown",
            b.git_dirty
        ));
    }
    Ok(())
}
