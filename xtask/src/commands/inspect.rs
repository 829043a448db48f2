//! `inspect`: what is in a model file, and what a run of it takes.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use engine_native::{
    Activation, EngineOptions, KernelChoice, Model, ModelError, ModelFile, RopePairs, Scalar,
    SessionOptions,
    gguf::{Gguf, TensorInfo},
};
use host::{
    cancel::Cancel,
    digest::Digest,
    input::tokenizer_of,
    machine::{EngineNeed, MemoryNeed, available_memory, default_threads},
};

use crate::{
    args::InspectArgs,
    commands::table::{megabytes, millions},
    exit::{Exit, Failure},
    output::print,
};

/// Runs the command. What can be read of a file that cannot be run is printed all the same.
///
/// # Errors
/// The file cannot be read, is no GGUF file, or no model that can be run.
pub fn run(args: &InspectArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let failed = |e: ModelError| Failure::model(&args.model, &e);
    let file = ModelFile::map(&args.model).map_err(|e| failed(e.into()))?;
    let gguf = Gguf::parse(&file).map_err(|e| failed(e.into()))?;
    let digest = Digest::of_unless(&file, || cancel.is_requested());
    let digest = digest.ok_or_else(Failure::interrupted)?;
    let mut text = String::new();
    describe_file(&mut text, &gguf, &file, digest);
    let model = Model::load(file, args.i2s_layout.into(), &());
    match &model {
        Ok(model) => describe_model(&mut text, model),
        Err(error) => line(&mut text, "supported", format_args!("no: {error}")),
    }
    print(&text)?;
    model.map(|_| Exit::Done).map_err(failed)
}

/// One line, whatever a hostile file put into it.
fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let value = value.to_string().replace(char::is_control, " ");
    let _ = writeln!(text, "{name:14} {value}");
}

fn describe_file(text: &mut String, gguf: &Gguf, file: &ModelFile, digest: Digest) {
    let string = |key| gguf.metadata.string(key).ok().flatten();
    if let Some(name) = string("general.name") {
        line(text, "name", name.escape_default());
    }
    let architecture = string("general.architecture").unwrap_or("not said");
    line(text, "architecture", architecture.escape_default());
    line(
        text,
        "file",
        format_args!("{} bytes, GGUF version {}", file.len(), gguf.version),
    );
    line(text, "sha256", digest);
    let elements = |t: &TensorInfo| t.n_elements();
    let parameters = gguf
        .tensors
        .iter()
        .map(elements)
        .fold(0, u64::saturating_add);
    line(text, "parameters", millions(parameters));
    for (name, (n_tensors, n_elements, n_bytes)) in types(gguf) {
        let size = match n_bytes {
            0 => "size unknown".into(),
            n => megabytes(n),
        };
        let value = format!("{size}, {n_tensors} tensors, {}", millions(n_elements));
        line(text, &format!("  {name}"), value);
    }
}

/// Tensors, elements and bytes of each type.
fn types(gguf: &Gguf) -> BTreeMap<String, (usize, u64, u64)> {
    let mut types: BTreeMap<_, (usize, u64, u64)> = BTreeMap::new();
    for tensor in &gguf.tensors {
        let entry = types.entry(tensor.tensor_type.to_string()).or_default();
        entry.0 += 1;
        entry.1 = entry.1.saturating_add(tensor.n_elements());
        entry.2 = entry.2.saturating_add(tensor.bytes.len() as u64);
    }
    types
}

fn describe_model(text: &mut String, model: &Model) {
    let s = model.shape();
    line(text, "supported", "yes, every tensor");
    match tokenizer_of(model) {
        Ok(tokenizer) => line(text, "tokenizer", tokenizer.describe()),
        Err(error) => line(text, "tokenizer", format_args!("none for texts: {error}")),
    }
    line(text, "layers", s.n_layers);
    let matrix = match model.is_tied() {
        true => "is the embedding".into(),
        false => format!("{}, its own", model.output().dense_type),
    };
    line(text, "vocabulary", format_args!("{} tokens", s.n_vocab));
    line(text, "embedding", format_args!("{} wide", s.n_embd));
    line(text, "output matrix", matrix);
    line(
        text,
        "attention",
        format_args!(
            "{} query heads on {} KV heads of {} elements",
            s.n_heads, s.n_kv_heads, s.head_dim
        ),
    );
    let activation = match s.architecture.activation() {
        Activation::SquaredRelu => "squared ReLU",
        Activation::Silu => "SiLU",
    };
    line(
        text,
        "feed-forward",
        format_args!("{} wide, {activation}", s.n_ff),
    );
    let sub_norms = match s.architecture.has_sub_norms() {
        true => "with sub-norms",
        false => "no sub-norms",
    };
    let norms = format_args!("RMS, epsilon {:e}, {sub_norms}", s.rms_epsilon);
    line(text, "norms", norms);
    line(text, "RoPE", rope(model));
    if let Some(layout) = model.i2s_layout() {
        let why = "a setting: files do not say it";
        line(
            text,
            "I2_S layout",
            format_args!("{} ({why})", layout.as_str()),
        );
    }
    line(
        text,
        "context",
        format_args!("{} positions", s.context_length),
    );
    describe_cost(text, model);
}

fn rope(model: &Model) -> String {
    let s = model.shape();
    let pairs = match s.architecture.rope_pairs() {
        RopePairs::Halves => "halves",
        RopePairs::Neighbours => "neighbours",
    };
    let mut text = format!(
        "base {}, {} of {} elements, pairs are {pairs}",
        s.rope_base, s.rope_dim, s.head_dim
    );
    if s.rope_scale != 1.0 {
        let _ = write!(text, ", scaled by {}", s.rope_scale);
    }
    if model.rope_factors().is_some() {
        text += ", with frequency factors";
    }
    text
}

/// What a decoded token reads, and what runs of two lengths take.
fn describe_cost(text: &mut String, model: &Model) {
    let shape = model.shape();
    let per_position = 4 * shape.n_layers * shape.n_kv_heads * shape.head_dim;
    line(
        text,
        "read per token",
        format_args!(
            "{} of weights, and {per_position} bytes of f16 KV cache for each earlier position",
            megabytes(model.bytes_per_token())
        ),
    );
    let options = EngineOptions::new(default_threads().get());
    let kernels = KernelChoice::default().resolve();
    let kernels = kernels.unwrap_or_else(|_| Arc::new(Scalar));
    let engine = EngineNeed::of(model, &*kernels, &options);
    let lengths = [144, shape.context_length as usize];
    for n_positions in lengths.map(|n| n.min(lengths[1])) {
        let need = MemoryNeed::to_run(model, &SessionOptions::new(n_positions), engine);
        line(
            text,
            "memory",
            format_args!(
                "{} for {n_positions} positions: file {}, packed weights {}, session {}, replay {}",
                megabytes(need.total()),
                megabytes(need.file),
                megabytes(need.packed),
                megabytes(need.session),
                megabytes(need.replay)
            ),
        );
    }
    line(
        text,
        "available",
        format_args!("{} here", megabytes(available_memory())),
    );
}
