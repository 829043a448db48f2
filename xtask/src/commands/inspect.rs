//! `inspect`: what is in a model file.

use std::fmt::Write;

use engine_native::Model;
use host::digest::Digest;

use crate::{
    args::InspectArgs,
    commands::table::{megabytes, millions},
    exit::{Exit, Failure},
    output::print,
};

/// Runs the command.
///
/// # Errors
/// The file cannot be read or is no model.
pub fn run(args: &InspectArgs) -> Result<Exit, Failure> {
    let model = Model::open(&args.model).map_err(|e| Failure::model(&args.model, &e))?;
    print(&describe(&model))?;
    Ok(Exit::Done)
}

fn describe(model: &Model) -> String {
    let s = model.shape();
    let tied = if model.is_tied() { "tied" } else { "untied" };
    let mut text = format!(
        "architecture  {}\n\
         parameters    {}\n\
         layers        {}\n\
         embedding     {} × {}, {tied} output matrix\n\
         heads         {} query, {} KV, {} elements each, {} rotated\n\
         feed-forward  {}\n\
         context       {}\n\
         RoPE base     {}\n\
         RMS epsilon   {:e}\n",
        s.architecture,
        millions(model.n_parameters()),
        s.n_layers,
        s.n_vocab,
        s.n_embd,
        s.n_heads,
        s.n_kv_heads,
        s.head_dim,
        s.rope_dim,
        s.n_ff,
        s.context_length,
        s.rope_base,
        s.rms_epsilon,
    );
    for (tensor_type, bytes) in model.weight_types() {
        let _ = writeln!(text, "{:13} {}", tensor_type.to_string(), megabytes(*bytes));
    }
    let file = model.file_bytes();
    let _ = writeln!(text, "file          {} bytes", file.len());
    let _ = writeln!(text, "sha256        {}", Digest::of(file));
    text
}
