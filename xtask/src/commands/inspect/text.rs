//! What `inspect` shows to people.

use std::fmt::Write;

use engine_native::{Activation, Architecture, Model, ModelShape, RopePairs, RopeScaling};
use host::{input::tokenizer_of, machine::available_memory, plain::plain};

use super::facts::{Content, Inspected, has_rope_base, memory};
use crate::units;

/// Everything that can be read of a file, a line each.
pub fn text(inspected: &Inspected) -> String {
    let mut text = String::new();
    describe_file(&mut text, inspected);
    match &inspected.content {
        Content::Checked(Ok(model)) => describe_model(&mut text, model),
        Content::Unread(Ok(shape)) => describe_unread(&mut text, shape),
        Content::Checked(Err(error)) | Content::Unread(Err(error)) => {
            line(&mut text, "supported", format_args!("no: {error}"));
        }
    }
    text
}

/// One line, whatever a hostile file put into it.
fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let value = plain(&value.to_string(), usize::MAX);
    let _ = writeln!(text, "{name:14} {value}");
}

fn describe_file(text: &mut String, inspected: &Inspected) {
    if let Some(name) = &inspected.name {
        line(text, "name", name);
    }
    let architecture = inspected.architecture.as_deref().unwrap_or("not said");
    line(text, "architecture", architecture.escape_default());
    let (bytes, version) = (inspected.bytes, inspected.gguf_version);
    line(
        text,
        "file",
        format_args!("{bytes} bytes, GGUF version {version}"),
    );
    match inspected.sha256 {
        Some(sha256) => line(text, "sha256", sha256),
        None => line(
            text,
            "sha256",
            "not computed: add --sha256 to read the whole file",
        ),
    }
    line(text, "parameters", units::count(inspected.parameters()));
    for found in &inspected.types {
        let size = match found.bytes {
            0 => "size unknown".into(),
            n => units::bytes(n),
        };
        let elements = units::count(found.elements);
        let value = format!("{size}, {} tensors, {elements}", found.tensors);
        line(text, &format!("  {}", found.name), value);
    }
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
        false => format!("{}, its own", model.description().output),
    };
    describe_vocabulary(text, s);
    line(text, "output matrix", matrix);
    describe_layer(text, s);
    let sub_norms = match s.architecture.has_sub_norms() {
        true => "with sub-norms",
        false => "no sub-norms",
    };
    let head_norms = match s.architecture.has_head_norms() {
        true => ", norms of query and key heads",
        false => "",
    };
    let epsilon = s.rms_epsilon;
    line(
        text,
        "norms",
        format_args!("RMS, epsilon {epsilon:e}, {sub_norms}{head_norms}"),
    );
    line(text, "RoPE", rope(model));
    line(text, "arithmetic", arithmetic(model));
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

/// Which arithmetic the projections get, and why.
fn arithmetic(model: &Model) -> String {
    if model.description().has_grouped_projections {
        return "grouped ternary, because each group of weights has a scale: activations are \
                rounded to 8 bits in blocks of 32, as other engines do with these files"
            .into();
    }
    let trained = match model.shape().architecture {
        Architecture::Llama | Architecture::Qwen3 => {
            "; a model whose weights alone were ternary in training, such as TriLM, was trained \
             without this rounding"
        }
        _ => ", as in the training of these models",
    };
    format!(
        "BitLinear, because each projection has one scale: activations are rounded to 8 bits per \
         token{trained}"
    )
}

/// What the header says of a file that was not read to its end.
fn describe_unread(text: &mut String, shape: &ModelShape) {
    line(text, "supported", "not known: the weights were not read");
    line(text, "layers", shape.n_layers);
    describe_vocabulary(text, shape);
    describe_layer(text, shape);
    let context = format_args!("{} positions", shape.context_length);
    line(text, "context", context);
}

fn describe_vocabulary(text: &mut String, s: &ModelShape) {
    line(text, "vocabulary", format_args!("{} tokens", s.n_vocab));
    line(text, "embedding", format_args!("{} wide", s.n_embd));
}

fn describe_layer(text: &mut String, s: &ModelShape) {
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
}

fn rope(model: &Model) -> String {
    let s = model.shape();
    let pairs = match s.architecture.rope_pairs() {
        RopePairs::Halves => "halves",
        RopePairs::Neighbours => "neighbours",
    };
    let said = match has_rope_base(model) {
        true => "",
        false => " (the format's default: the file names none)",
    };
    let mut text = format!(
        "base {}{said}, {} of {} elements, pairs are {pairs}",
        s.rope_base, s.rope_dim, s.head_dim
    );
    match s.rope_scaling {
        RopeScaling::None => {}
        RopeScaling::Linear { factor } => {
            let _ = write!(text, ", scaled by {factor}");
        }
        RopeScaling::Yarn(yarn) => {
            let _ = write!(
                text,
                ", YaRN by {} from {} positions",
                yarn.factor, yarn.original_context_length
            );
        }
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
            units::bytes(model.bytes_per_token())
        ),
    );
    for (n_positions, need) in memory(model) {
        line(
            text,
            "memory",
            format_args!(
                "{} for {n_positions} positions: file {}, packed weights {}, session {}, replay {}",
                units::bytes(need.total()),
                units::bytes(need.file),
                units::bytes(need.packed),
                units::bytes(need.session),
                units::bytes(need.replay)
            ),
        );
    }
    line(
        text,
        "available",
        format_args!("{} here", units::bytes(available_memory())),
    );
}
