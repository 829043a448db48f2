//! Model files, taken in whole by each side.

use std::sync::Arc;

use engine_native::{
    Engine, I2sLayout, KvType, LogitsAt, Model, ModelError, RunError, Scalar, SessionOptions,
};
use guest_reference::{attention, error::Error, ternary};

use crate::guest::Guest;

/// The native engine reads `file`.
///
/// # Errors
/// It refuses it.
pub fn native(file: Vec<u8>) -> Result<Model, ModelError> {
    Model::load(file.into(), I2sLayout::Block128, &())
}

/// The bits of the logits of token 0 at position 0, natively.
///
/// # Errors
/// The run fails.
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
///
/// # Errors
/// It refuses one of them.
pub fn guest(file: &[u8]) -> Result<(), Error> {
    open(file)?.load_all()
}

/// The bits of the logits of token 0 at position 0, by the reference.
///
/// # Errors
/// The run fails.
pub fn guest_logits(file: &[u8]) -> Result<Vec<u32>, Error> {
    let mut guest = open(file)?;
    guest.load_embedding(0)?;
    guest.runner()?.embed(0)?;
    for layer in 0..guest.n_layers()? {
        guest.load_layer(layer)?;
        guest.runner()?.layer(0)?;
    }
    for chunk in 0..guest.runner()?.n_chunks() {
        guest.load_head(chunk)?;
        let runner = guest.runner()?;
        if chunk == 0 {
            runner.head_norm(0)?;
        }
        runner.head_rows(0)?;
    }
    let logits = guest.runner()?.logits();
    Ok(logits.iter().map(|x| x.to_bits()).collect())
}

fn open(file: &[u8]) -> Result<Guest<'_>, Error> {
    Guest::open(
        file,
        attention::KvType::F16,
        ternary::I2sLayout::Block128,
        1,
    )
}
