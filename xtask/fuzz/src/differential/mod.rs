//! One generated model, read and run by both sides: every value that a transcript commits to, and every
//! logit, is the same, or both sides refuse.

mod native;
mod reference;
mod settings;

use std::sync::Arc;

use engine_native::{I2sLayout, Model, RunError};
use guest_reference::error::Error;

use crate::{
    choices::Choices,
    model::{Generated, generate},
};
use reference::Reference;
pub use settings::Settings;

/// How both sides agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// All positions, in every bit.
    Equal,
    /// Neither takes the file.
    BothRefuse,
    /// Up to a value that is finite on neither side.
    BothNonFinite,
}

/// What a position leaves, as bits.
#[derive(Debug, PartialEq)]
struct Position {
    input: u32,
    /// `[n_layers, n_embd]`
    boundaries: Vec<u32>,
    /// `[n_embd]`
    hidden: Vec<u32>,
    /// Token and logit, where one is chosen.
    choice: Option<(u32, u32)>,
    /// `[n_vocab]`, where all were asked for.
    logits: Vec<u32>,
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Generates a model and settings from `data`, and compares both sides.
///
/// # Errors
/// They differ: where, and with which settings.
pub fn compare(data: &[u8]) -> Result<Agreement, String> {
    let (file, settings) = generated(data);
    compared(&file, &settings).map_err(|how| described(&how, &file, &settings))
}

/// Generates a model from `data`, and lets both sides read it. Much faster than [`compare`], as nothing is
/// run.
///
/// # Errors
/// One side alone refuses it: which, and with which settings.
pub fn compare_readers(data: &[u8]) -> Result<(), String> {
    let (file, settings) = generated(data);
    let sides = read(&file, &settings).map(drop);
    sides.map_err(|how| described(&how, &file, &settings))
}

/// The file that `data` generates, to be looked at.
pub fn file_of(data: &[u8]) -> Vec<u8> {
    generated(data).0.bytes
}

/// The file that `data` generates, and how it is run.
fn generated(data: &[u8]) -> (Generated, Settings) {
    let mut choices = Choices::new(data);
    let mut settings = Settings::choose(&mut choices);
    let file = generate(&mut choices);
    if !file.is_i2s {
        // Without I2_S tensors a layout is refused, by the one side that looks for them.
        settings.layout = I2sLayout::Block128;
    }
    (file, settings)
}

/// What is wrong, and with what.
fn described(how: &str, file: &Generated, settings: &Settings) -> String {
    format!("{how}\n{:?}, {settings:?}", file.kind)
}

/// The file as both sides have read it, or none if both refuse it.
fn read<'a>(
    file: &'a Generated,
    settings: &'a Settings,
) -> Result<Option<(Model, Reference<'a>)>, String> {
    let model = Model::load(file.bytes.clone().into(), settings.layout, &());
    match (model, Reference::load(&file.bytes, settings)) {
        (Ok(model), Ok(reference)) => Ok(Some((model, reference))),
        (Err(_), Err(error)) if is_refusal(&error) => Ok(None),
        (Ok(_), Err(error)) => Err(format!("the reference alone refuses: {error:?}")),
        (Err(error), Ok(_)) => Err(format!("the native reader alone refuses: {error}")),
        (Err(ours), Err(error)) => Err(format!("refused as {ours}, but {error:?}")),
    }
}

fn compared(file: &Generated, settings: &Settings) -> Result<Agreement, String> {
    let Some((model, mut reference)) = read(file, settings)? else {
        return Ok(Agreement::BothRefuse);
    };
    let model = Arc::new(model);
    let run = settings.fit(model.shape());
    let (found, failure) = native::run(&model, settings, &run);
    match failure {
        None => match reference.run(&run, &found) {
            Ok(expected) => same(&expected, &found).map(|()| Agreement::Equal),
            Err(error) => Err(format!("the reference alone fails: {error}")),
        },
        Some(RunError::NonFinite {
            position, layer, ..
        }) => {
            let (expected, error) = reference.decode(&run)?;
            same(&expected, &found)?;
            let place = match layer {
                Some(layer) => format!("position {position}, layer {layer}, "),
                None => format!("position {position}, "),
            };
            // Of many positions at once, as in a prefill, either side may meet another one first.
            let is_many = found.is_empty() && run.prompt.len() > 1;
            let is_same_place = is_many || error.starts_with(&place);
            match is_same_place {
                true => Ok(Agreement::BothNonFinite),
                false => Err(format!("not finite at {place}but at {error}")),
            }
        }
        Some(error) => Err(format!("the native engine alone fails: {error}")),
    }
}

/// What is said of a file, not of a call or of a value that a run computed.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Malformed(_) | Error::Unsupported(_) | Error::TooLarge(_)
    )
}

fn same(expected: &[Position], found: &[Position]) -> Result<(), String> {
    if expected.len() != found.len() {
        return Err(format!("{} positions, not {}", found.len(), expected.len()));
    }
    for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
        let parts = [
            ("boundaries", expected.boundaries == found.boundaries),
            ("hidden state", expected.hidden == found.hidden),
            ("logits", expected.logits == found.logits),
            ("choice", expected.choice == found.choice),
            ("input", expected.input == found.input),
        ];
        if let Some((what, _)) = parts.iter().find(|(_, is_same)| !is_same) {
            return Err(format!("position {index}: another {what}"));
        }
    }
    Ok(())
}
