//! What the fuzz targets share: files with a few bytes changed, and each side taking one in whole.

#[cfg(feature = "documents")]
pub mod documents;

use std::sync::Arc;

use engine_native::{
    Engine, I2sLayout, KvType, LogitsAt, Model, ModelError, RunError, Scalar, SessionOptions,
};
use guest_reference::{attention, error::Error, runner::Runner, session::Session, ternary};

/// Small valid files: every architecture, most types of tensors.
const FILES: [&[u8]; 5] = [
    include_bytes!("../../tests/oracle/G-tq2_0-embq4_k.gguf"),
    include_bytes!("../../tests/oracle/G-i2s-embq4_k.gguf"),
    include_bytes!("../../tests/oracle/F-tq1_0-embf16-outq4_k.gguf"),
    include_bytes!("../../tests/oracle/D2-f16-embf16.gguf"),
    include_bytes!("../../tests/oracle/E-i2s-embq8_0-outq6_k.gguf"),
];

/// Where most keys and tensor infos lie; half of the changes go there.
const HEADER: usize = 16 << 10;

/// A valid file with bytes changed as `data` says: first which file, then five bytes a change.
pub fn changed_file(data: &[u8]) -> Vec<u8> {
    let (which, changes) = data.split_first().unwrap_or((&0, &[]));
    let mut file = FILES[usize::from(*which) % FILES.len()].to_vec();
    for [a, b, c, d, value] in changes.as_chunks().0 {
        let place = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let range = if place.is_multiple_of(2) {
            HEADER
        } else {
            file.len()
        };
        let at = place / 2 % range.min(file.len());
        file[at] = *value;
    }
    file
}

/// The native engine reads `file`.
pub fn native(file: Vec<u8>) -> Result<Model, ModelError> {
    Model::load(file.into(), I2sLayout::Block128, &())
}

/// The bits of the logits of token 0 at position 0, natively.
pub fn native_logits(model: Model) -> Result<Vec<u32>, RunError> {
    let engine = Engine::new(Arc::new(model), Arc::new(Scalar), 1)?;
    let mut session = engine.session(SessionOptions {
        kv_type: KvType::F16,
        logits: LogitsAt::EveryPosition,
        ..SessionOptions::new(1)
    })?;
    let mut steps = session.generate(&[0], 1)?;
    let logits = steps.next().map(|step| step.map(|step| step.logits));
    let rows = logits.transpose()?.unwrap_or_default();
    Ok(rows.concat().iter().map(|x| x.to_bits()).collect())
}

/// The reference takes in the header, then every weight of `file`.
pub fn guest(file: &[u8]) -> Result<(), Error> {
    let mut session = open(file)?;
    let model = session.model()?;
    let (n_vocab, n_layers) = (
        model.hyperparameters.n_vocab,
        model.hyperparameters.n_layers,
    );
    let runner = session.runner()?;
    for token in 0..n_vocab {
        let n = runner.plan_embed(token)?;
        load(runner, file, n)?;
    }
    for layer in 0..n_layers {
        let n = runner.plan_layer(layer)?;
        load(runner, file, n)?;
        runner.release_layer(layer)?;
    }
    for chunk in 0..runner.n_chunks() {
        let n = runner.plan_head(chunk)?;
        load(runner, file, n)?;
    }
    Ok(())
}

/// The bits of the logits of token 0 at position 0, by the reference.
pub fn guest_logits(file: &[u8]) -> Result<Vec<u32>, Error> {
    let mut session = open(file)?;
    let n_layers = session.model()?.hyperparameters.n_layers;
    let runner = session.runner()?;
    let n = runner.plan_embed(0)?;
    load(runner, file, n)?;
    runner.embed(0)?;
    for layer in 0..n_layers {
        let n = runner.plan_layer(layer)?;
        load(runner, file, n)?;
        runner.layer(0)?;
    }
    for chunk in 0..runner.n_chunks() {
        let n = runner.plan_head(chunk)?;
        load(runner, file, n)?;
        if chunk == 0 {
            runner.head_norm(0)?;
        }
        runner.head_rows(0)?;
    }
    Ok(runner.logits().iter().map(|x| x.to_bits()).collect())
}

/// Copies a growing prefix until the whole header has been seen, as the host does.
fn open(file: &[u8]) -> Result<Session, Error> {
    let mut session = Session::default();
    let mut len = file.len().min(1 << 12);
    loop {
        session
            .header_buffer(len as u64)?
            .copy_from_slice(&file[..len]);
        match session.header_parse(len as u64, file.len() as u64)? {
            None => break,
            Some(more) => {
                assert!(more as usize > len && more as usize <= file.len());
                len = more as usize;
            }
        }
    }
    let layout = ternary::I2sLayout::Block128;
    session.configure(attention::KvType::F16, layout, 1)?;
    Ok(session)
}

fn load(runner: &mut Runner, file: &[u8], n_ranges: usize) -> Result<(), Error> {
    for i in 0..n_ranges {
        let staging = runner.staging()?;
        let range = staging.file_range(i)?;
        let start = range.offset as usize;
        let bytes = &file[start..start + range.len as usize];
        staging.destination(i)?.copy_from_slice(bytes);
        runner.load_range(i)?;
    }
    Ok(())
}
