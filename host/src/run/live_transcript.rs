//! A transcript that is hashed while the run goes on, so that its checksum is there when the run ends.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use engine_native::PositionTrace;

use crate::{
    digest::Digest,
    task::{PositionRecord, Transcript},
};

/// So many bytes of traces are handed over at once: waking a thread takes as long as hashing some KiB.
const BATCH_BYTES: usize = 64 << 10;

/// A transcript so far, with the traces that it was made from.
struct Hashed {
    transcript: Transcript,
    traces: Vec<PositionTrace>,
}

impl Hashed {
    fn append(&mut self, step: Vec<PositionTrace>) {
        for trace in &step {
            self.transcript.append(&PositionRecord::from_trace(trace));
        }
        self.traces.extend(step);
    }

    fn append_all(mut self, steps: &Receiver<Vec<PositionTrace>>) -> Self {
        for step in steps {
            self.append(step);
        }
        self
    }
}

/// Somebody who hashes a transcript.
pub(super) struct LiveTranscript(Hasher);

enum Hasher {
    Beside {
        starts: Sender<Transcript>,
        steps: Sender<Vec<PositionTrace>>,
        waiting: Vec<PositionTrace>,
        done: Receiver<Hashed>,
    },
    /// The system gives no thread.
    Here(Option<Hashed>),
}

impl LiveTranscript {
    /// Gets a thread ready, before any time counts.
    pub(super) fn prepare() -> Self {
        let (starts, start) = channel();
        let (steps, to_hash) = channel();
        let (finished, done) = channel();
        let begun = thread::Builder::new().spawn(move || {
            let Ok(transcript) = start.recv() else { return };
            let hashed = Hashed {
                transcript,
                traces: Vec::new(),
            };
            // Nobody waits for it after a run that failed.
            let _ = finished.send(hashed.append_all(&to_hash));
        });
        Self(match begun {
            Ok(_) => Hasher::Beside {
                starts,
                steps,
                waiting: Vec::new(),
                done,
            },
            Err(_) => Hasher::Here(None),
        })
    }

    /// Begins with T_0.
    pub(super) fn begin(&mut self, transcript: Transcript) {
        match &mut self.0 {
            // The other end is there until this one goes.
            Hasher::Beside { starts, .. } => drop(starts.send(transcript)),
            Hasher::Here(hashed) => {
                *hashed = Some(Hashed {
                    transcript,
                    traces: Vec::new(),
                });
            }
        }
    }

    /// Takes the traces of a step.
    pub(super) fn append(&mut self, step: Vec<PositionTrace>) {
        match &mut self.0 {
            Hasher::Beside { steps, waiting, .. } => {
                waiting.extend(step);
                if waiting.iter().map(bytes_of).sum::<usize>() >= BATCH_BYTES {
                    drop(steps.send(std::mem::take(waiting)));
                }
            }
            Hasher::Here(Some(hashed)) => hashed.append(step),
            Hasher::Here(None) => unreachable!("it has begun"),
        }
    }

    /// The checksum, and all traces.
    pub(super) fn finish(self) -> (Digest, Vec<PositionTrace>) {
        let hashed = match self.0 {
            Hasher::Beside {
                steps,
                waiting,
                done,
                ..
            } => {
                drop(steps.send(waiting));
                drop(steps);
                done.recv().expect("the thread ends with its steps")
            }
            Hasher::Here(hashed) => hashed.expect("it has begun"),
        };
        (hashed.transcript.checksum(), hashed.traces)
    }
}

fn bytes_of(trace: &PositionTrace) -> usize {
    size_of_val(&trace.boundaries[..]) + size_of_val(&trace.hidden[..])
}
