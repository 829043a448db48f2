//! Where the files of a challenged benchmark go.

use std::path::PathBuf;

use host::{
    attest::challenged_path,
    files::{AtomicFile, Staged},
    receipt::{Receipt, to_json},
};

use super::made::Made;
use crate::{
    args::BenchmarkArgs,
    commands::{
        benchmark::{
            settings::Planned,
            single::{retire, show},
            sweep,
        },
        ours::is_our_statement,
        rows::{Exports, Line},
        sign::Bundle,
    },
    exit::{Exit, Failure},
    output::{file, note, spares_model, stage},
};

/// The statement's name in a folder of all rounds.
const STATEMENT: &str = "challenged.dsse.json";

/// Where receipts and statement go: those of all rounds, or that of the tightest.
pub(super) struct Places {
    receipts: Vec<(AtomicFile, Bundle)>,
    keeps_all: bool,
    statement: AtomicFile,
    exports: Exports,
}

impl Places {
    pub(super) fn prepare(
        args: &BenchmarkArgs,
        planned: &Planned,
        n_rounds: usize,
    ) -> Result<Self, Failure> {
        let model = &planned.cell.model.1;
        let (paths, statement): (Vec<PathBuf>, PathBuf) = match &args.output_dir {
            Some(folder) => {
                sweep::make(folder)?;
                let path = |round| folder.join(format!("round-{round}.json"));
                ((1..=n_rounds).map(path).collect(), folder.join(STATEMENT))
            }
            None => (vec![args.output()], challenged_path(&args.output())),
        };
        let place = |path: PathBuf| {
            let file = spares_model(file(&path)?, model)?;
            let bundle = Bundle::prepare(args, model, &file)?;
            Ok((file, bundle))
        };
        let receipts: Vec<_> = paths
            .into_iter()
            .map(place)
            .collect::<Result<_, Failure>>()?;
        let statement = spares_model(file(&statement)?, model)?;
        if let Some(key) = &args.sign {
            statement
                .spares("key", key)
                .map_err(|e| Failure::io(statement.path(), &e))?;
        }
        if statement.target().exists() && !is_our_statement(statement.target()) {
            let what = "exists, and is no challenger's statement";
            return Err(Failure::new(Exit::Io, what)
                .at(statement.path())
                .with_hint("move it away, or name another place with --output"));
        }
        let taken: Vec<&AtomicFile> = receipts.iter().map(|(file, _)| file).collect();
        let exports = Exports::prepare(&args.print.output.exports, &[model], &taken)?;
        Ok(Self {
            receipts,
            keeps_all: args.output_dir.is_some(),
            statement,
            exports,
        })
    }

    /// Puts everything in its place, and shows the tightest round. The statement comes last: an older one
    /// beside a new receipt is not about it, and verifiers say so.
    pub(super) fn fill(
        self,
        args: &BenchmarkArgs,
        planned: &Planned,
        made: &Made,
    ) -> Result<(), Failure> {
        let tightest = made.tightest();
        let kept: Vec<&Receipt> = match self.keeps_all {
            true => made.receipts.iter().collect(),
            false => vec![&made.receipts[tightest]],
        };
        let shown = if self.keeps_all { tightest } else { 0 };
        let statement = stage(&self.statement, &made.statement)?;
        let texts: Vec<String> = kept.iter().map(|receipt| to_json(receipt)).collect();
        let files: Vec<AtomicFile>;
        let bundles: Vec<Bundle>;
        (files, bundles) = self.receipts.into_iter().unzip();
        let staged = files.iter().zip(&texts);
        let staged = staged.map(|(file, text)| stage(file, text.as_bytes()));
        let staged: Vec<Staged> = staged.collect::<Result<_, Failure>>()?;
        let mut signed = Vec::new();
        for (((bundle, receipt), text), staged) in
            bundles.into_iter().zip(&kept).zip(&texts).zip(staged)
        {
            signed.push(bundle.finish(receipt, text.as_bytes(), staged)?);
        }
        let path = self.statement.path();
        statement.commit().map_err(|e| Failure::io(path, &e))?;
        let paths = files.iter().map(|file| file.path().display().to_string());
        let entries = kept.iter().zip(paths);
        let entries: Vec<_> = entries
            .map(|(receipt, path)| planned.entry(receipt, path))
            .collect();
        self.exports
            .write(&entries.iter().map(Line::from).collect::<Vec<_>>())?;
        let more = made.text(path) + &signed[shown];
        let place = files[shown].path();
        note(show(args, &entries[shown], &made.figures, place, &more));
        Ok(())
    }

    /// A wrong run leaves no receipt in any place.
    pub(super) fn retire_with(&self, failure: Failure) -> Failure {
        let places = self.receipts.iter();
        places.fold(failure, |failure, (file, bundle)| {
            bundle.retire_with(retire(file, failure))
        })
    }
}
