//! Starts an engine, or connects to one.

use host::watch::Watch;

use super::{
    adapter::Kind,
    command::EngineCommand,
    engine::{Engine, Settings},
    failure::{Cause, EngineFailure},
    program::Program,
    server::Server,
    spec::{EngineSpec, Place},
};

/// Checks what can be known before `spec` is started: that its command has a program which is there.
///
/// # Errors
/// It has none.
pub fn check(spec: &EngineSpec) -> Result<(), EngineFailure> {
    match &spec.place {
        Place::Command(command) => {
            EngineCommand::check(command).map_err(|cause| EngineFailure::new(&spec.name, cause))
        }
        Place::Url(_) => Ok(()),
    }
}

/// The engine of `spec`, ready to run. Dropped, it is ended.
///
/// # Errors
/// It cannot be started or reached, does not get ready in time, or refuses the model.
pub fn start(
    spec: &EngineSpec,
    settings: &Settings,
    watch: &Watch,
) -> Result<Box<dyn Engine>, EngineFailure> {
    match (spec.adapter.kind, &spec.place) {
        (Kind::Program, Place::Command(command)) => {
            let program = Program::start(spec, command, settings, watch)?;
            Ok(Box::new(program))
        }
        (Kind::Server, Place::Command(command)) => {
            let server = Server::start(spec, command, settings, watch)?;
            Ok(Box::new(server))
        }
        (Kind::Server, Place::Url(url)) => {
            let server = Server::connect(spec, url, settings, watch)?;
            Ok(Box::new(server))
        }
        (Kind::Program, Place::Url(url)) => {
            let why = format!("its adapter is a program's, and {url} is an address");
            Err(EngineFailure::new(&spec.name, Cause::Usage(why)))
        }
    }
}
