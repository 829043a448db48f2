//! What needs the model of a receipt: a replay or an audit, and the run on this machine.

use std::{num::NonZeroUsize, path::Path};

use host::{
    digest::Digest,
    examine::{Selection, audit_receipt, find_model, open_model, retime},
    input::HashedModel,
    machine::{MemoryNeed, default_threads},
    receipt::Receipt,
    verify::{
        Checked, LEFT_OUT, MOST_UNASKED_BYTES, NO_PARTS, Retimed, missing_by_size, missing_model,
    },
    watch::Watch,
};

use super::Shared;
use crate::{
    args::VerifyReceiptArgs,
    commands::allowance::{self, Deadline},
    exit::{Exit, Failure},
    models,
};

/// What needs the model: a replay or an audit, and the run on this machine.
pub(super) struct Examination<'a> {
    pub(super) args: &'a VerifyReceiptArgs,
    pub(super) receipt: &'a Receipt,
    pub(super) shared: &'a Shared,
    pub(super) watch: &'a Watch,
}

impl Examination<'_> {
    /// Does what is wanted and allowed.
    pub(super) fn run(&self, checked: &mut Checked) -> Result<Option<Retimed>, Failure> {
        let allowance = &self.args.allowance;
        let is_whole = self.args.sample.is_none() && !self.args.names_parts();
        if !self.args.no_replay
            && let Err(why) = allowance::check(allowance, self.receipt, self.guests(), is_whole)
        {
            checked.without_replay(why);
            return Ok(None);
        }
        let deadline = allowance.max_seconds.map(|seconds| {
            Deadline::start(seconds, self.watch)
                .map_err(|e| Failure::of_io(&e).about("--max-seconds"))
        });
        let deadline = deadline.transpose()?;
        match self.work(checked) {
            Err(failure)
                if failure.exit == Exit::Interrupted
                    && deadline.as_ref().is_some_and(Deadline::is_over) =>
            {
                let why = "stopped: the time of --max-seconds is over; pass a larger one, or audit a \
                           part with --sample";
                checked.without_replay(why);
                Ok(None)
            }
            done => done,
        }
    }

    fn guests(&self) -> NonZeroUsize {
        self.args.jobs.unwrap_or_else(default_threads)
    }

    fn work(&self, checked: &mut Checked) -> Result<Option<Retimed>, Failure> {
        let is_needed = !self.args.no_replay || self.args.retime || self.args.model.is_some();
        let found = match is_needed {
            true => self.model(checked)?,
            false => Err(String::new()),
        };
        match &found {
            _ if self.args.no_replay => checked.without_replay(LEFT_OUT),
            Ok(found) => self.replay(checked, found)?,
            Err(why) => checked.without_replay(why),
        }
        if !self.args.retime {
            return Ok(None);
        }
        let not_run = |why: &str| format!("not run: {why}");
        match found {
            Err(_) => checked.without_retime(&not_run("the model of the receipt is not here")),
            Ok(_) if self.receipt.is_external() => {
                let why = "the run is another engine's, and --retime times this project's own; measure that engine \
                           here with benchmark";
                checked.without_retime(&not_run(why));
            }
            Ok(_) if checked.is_rejected() => {
                checked.without_retime(&not_run("the receipt is rejected"));
            }
            Ok(found) => {
                let retimed = retime(self.receipt, &found, self.watch)?;
                checked.with_retime(retimed.same_tokens, retimed.speed());
                return Ok(Some(retimed));
            }
        }
        Ok(None)
    }

    /// The receipt's model, or why there is none. A model that is here and cannot be used is no reason
    /// for having no verdict: the receipt's sender may have put it there.
    fn model(&self, checked: &mut Checked) -> Result<Result<HashedModel, String>, Failure> {
        let named = self.args.model.as_deref();
        let other_size = named.and_then(|path| Some((path, self.other_size(path)?)));
        if let Some((path, bytes)) = other_size {
            let model = &self.receipt.model;
            return Ok(Err(missing_by_size(
                model,
                &path.display().to_string(),
                bytes,
            )));
        }
        let found = match &self.args.model {
            Some(path) => Some(open_model(self.receipt, path, self.watch)?),
            None => match self.shared.model_of(self.receipt, || self.find_model()) {
                // A limit of this machine says nothing about the receipt.
                Err(failure) if !matches!(failure.exit, Exit::Interrupted | Exit::Usage) => {
                    return Ok(Err(failure.to_string()));
                }
                found => found?,
            },
        };
        if let Some(found) = &found {
            checked.with_model(&found.facts());
        }
        let found = found.filter(|found| found.sha256 == self.receipt.model.sha256);
        Ok(found.ok_or_else(|| self.missing()))
    }

    /// The size of a large file that is not that of the receipt's model: it is not read only to find
    /// another digest.
    fn other_size(&self, path: &Path) -> Option<u64> {
        let bytes = path.metadata().ok()?.len();
        let is_other = bytes != self.receipt.model.file_bytes;
        (is_other && bytes > MOST_UNASKED_BYTES).then_some(bytes)
    }

    /// Why there is nothing to replay.
    fn missing(&self) -> String {
        let model = &self.receipt.model;
        let named = self.args.model.as_ref();
        let named = named.map(|path| path.display().to_string());
        let how = models::how_to_get(model.sha256);
        missing_model(model, named.as_deref(), how.as_deref())
    }

    fn find_model(&self) -> Result<Option<HashedModel>, Failure> {
        let path = self.args.receipt_path();
        let mut folders = models::folders(path.parent().unwrap_or(Path::new("")));
        folders.extend_from_slice(&self.shared.model_folders);
        if let Some(found) = find_model(self.receipt, &folders, self.watch)? {
            return Ok(Some(found));
        }
        let Some(embedded) = models::embedded(self.receipt.model.sha256)? else {
            return Ok(None);
        };
        Ok(Some(open_model(self.receipt, &embedded, self.watch)?))
    }

    fn replay(&self, checked: &mut Checked, found: &HashedModel) -> Result<(), Failure> {
        if let Some(task) = self.receipt.task() {
            MemoryNeed::to_replay(&found.model, task.n_positions()).check()?;
        }
        let sandbox = self.shared.sandbox(self.watch)?;
        let guests = self.guests();
        let (receipt, model) = (self.receipt, &found.model);
        match self.selection()? {
            Some(_) if receipt.is_external() => checked.without_replay(NO_PARTS),
            None => {
                let replay = self.shared.replay(receipt, sandbox, model, guests)?;
                checked.with_replay(replay);
            }
            Some(units) => {
                let finding = audit_receipt(receipt, sandbox, model, &units, guests)?;
                checked.with_audit(finding);
            }
        }
        Ok(())
    }

    /// What is replayed, if not everything. The receipt has been read by now.
    fn selection(&self) -> Result<Option<Selection>, Failure> {
        if self.args.names_parts() {
            return Ok(Some(Selection::Named {
                layers: self.args.layers.clone().unwrap_or(0..0),
                heads: self.args.heads,
            }));
        }
        let Some(per_mille) = self.args.sample else {
            return Ok(None);
        };
        Ok(Some(Selection::Share {
            per_mille,
            is_fresh: self.args.nonce.is_none(),
            nonce: match self.args.nonce {
                Some(nonce) => nonce,
                None => fresh_nonce()?,
            },
        }))
    }
}

fn fresh_nonce() -> Result<Digest, Failure> {
    let mut nonce = Digest([0; 32]);
    getrandom::fill(&mut nonce.0).map_err(|e| {
        let line = format!("the system gives no random numbers: {e}");
        Failure::new(Exit::Io, line)
    })?;
    Ok(nonce)
}
