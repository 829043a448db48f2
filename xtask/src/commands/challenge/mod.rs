//! `challenge serve`: the clock of somebody else.

mod events;
mod judge;
mod prover;
mod route;
mod service;
mod sessions;

use std::{
    sync::{Arc, mpsc::RecvTimeoutError},
    thread,
    time::Duration,
};

use host::watch::Watch;

pub use prover::Prover;

use crate::{
    args::{ChallengeArgs, ChallengeCommand, ChallengeServeArgs},
    commands::sign::signing_key,
    exit::{Exit, Failure},
    hints::no_more_threads,
    http::{Limits, Server},
};
use events::{Event, Log};
use judge::Judge;
use service::Challenger;

/// How long a message may take from its first byte to its last.
const MESSAGE: Duration = Duration::from_secs(30);

/// Connections at once.
const CONNECTIONS: usize = 32;

/// How long the last statement waits to be fetched before the command ends.
const FETCHING: Duration = Duration::from_secs(10);

/// How often the command looks whether to end.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code.
pub fn run(args: &ChallengeArgs, watch: &Watch) -> Result<Exit, Failure> {
    match &args.command {
        ChallengeCommand::Serve(args) => serve(args, watch),
    }
}

fn serve(args: &ChallengeServeArgs, watch: &Watch) -> Result<Exit, Failure> {
    let key = signing_key(&args.key)?;
    let limits = Limits {
        connections: CONNECTIONS,
        silence: args.answer_within,
        message: MESSAGE,
    };
    let listening = Server::listen(args.listen, limits);
    let server = listening
        .map_err(|e| Failure::of_io(&e).about(format_args!("--listen {}", args.listen)))?;
    let log = Log::new(args.print.output);
    let address = server.address()?;
    let (challenger, complete) = Challenger::new(args, log, watch.clone());
    let challenger = Arc::new(challenger);
    let served = challenger.clone();
    let serving = thread::Builder::new().spawn(move || server.serve(&served));
    let serving = serving.map_err(|e| {
        let what = format_args!("threads: the system does not start one: {e}");
        Failure::new(Exit::Usage, what).with_hint(no_more_threads())
    })?;
    log.say(&Event::Listening {
        address: format!("http://{address}"),
        keyid: key.public_key().id(),
    });
    let mut judge = Judge::new(args, key, watch);
    let exit = loop {
        match complete.recv_timeout(BETWEEN_LOOKS) {
            Ok(number) => judge.judge(&challenger, number)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if watch.is_stopped() {
            break Err(Failure::interrupted());
        }
        let ended = challenger.sweep(FETCHING);
        if args.sessions.is_some_and(|most| ended.n_over >= most) {
            break Ok(match ended.n_signed == ended.n_over {
                true => Exit::Done,
                false => Exit::Rejected,
            });
        }
    };
    challenger.stop();
    // What is being sent is sent; a thread that has failed has nothing more to send.
    let _ = serving.join();
    exit
}
