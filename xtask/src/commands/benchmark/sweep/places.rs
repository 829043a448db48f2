//! Where the receipts of a sweep go: found out before it begins, filled when all of it is proved.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use host::{
    files::AtomicFile,
    receipt::{Receipt, to_json},
};

use super::outcome::Outcome;
use crate::{
    args::BenchmarkArgs,
    commands::{
        benchmark::{no_number::NoNumber, settings::Planned, single::retire},
        rows::Exports,
        sign::Bundle,
    },
    exit::{Exit, Failure},
    output::{not_writable, spares_model, stage},
};

/// The folder for receipts, unless another one is named.
const FOLDER: &str = "receipts";

/// A place for each receipt and its bundle, in the order of the cells, and those of the exports.
pub struct Places {
    folder: PathBuf,
    files: Vec<AtomicFile>,
    bundles: Vec<Bundle>,
    exports: Exports,
}

impl Places {
    /// Makes the folder if it is not there, and checks that every file can be written.
    ///
    /// # Errors
    /// One cannot, or a file that is read would be replaced.
    pub fn prepare(args: &BenchmarkArgs, planned: &[Planned]) -> Result<Self, Failure> {
        if args.output.is_some() {
            let what = format!("found one file for {} receipts", planned.len());
            return Err(Failure::new(Exit::Usage, what)
                .about("--output")
                .with_hint("name a folder with --output-dir"));
        }
        let folder = args.output_dir.clone();
        let folder = folder.unwrap_or_else(|| PathBuf::from(FOLDER));
        make(&folder)?;
        let models: Vec<&Path> = planned.iter().map(|p| &*p.cell.model.1).collect();
        let place = |planned: &Planned| {
            let path = folder.join(format!("{}.json", planned.name));
            let hint = "name another folder with --output-dir";
            let mut file = AtomicFile::prepare(&path).map_err(|e| not_writable(&path, &e, hint))?;
            for model in &models {
                file = spares_model(file, model)?;
            }
            let bundle = Bundle::prepare(args, &planned.cell.model.1, &file)?;
            Ok((file, bundle))
        };
        let places: Vec<_> = planned.iter().map(place).collect::<Result<_, Failure>>()?;
        let (files, bundles): (Vec<AtomicFile>, Vec<Bundle>) = places.into_iter().unzip();
        let taken: Vec<&AtomicFile> = files.iter().collect();
        let exports = Exports::prepare(&args.print.output.exports, &models, &taken)?;
        Ok(Self {
            folder,
            files,
            bundles,
            exports,
        })
    }

    /// Where the receipts are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of the receipt at this place.
    pub fn path(&self, at: usize) -> &Path {
        self.files[at].path()
    }

    /// Puts all receipts and bundles in their places; none where a cell has none. Each is written before the
    /// first one is renamed, so that a full disk leaves the old ones.
    ///
    /// # Errors
    /// Writing or renaming failed.
    pub fn fill(self, receipts: &[Option<&Receipt>]) -> Result<Exports, Failure> {
        let places = self.files.iter().zip(self.bundles).zip(receipts);
        let filled =
            places.filter_map(|((file, bundle), receipt)| Some((file, bundle, (*receipt)?)));
        let staged = filled.map(|(file, bundle, receipt)| {
            let json = to_json(receipt);
            let staged = stage(file, json.as_bytes())?;
            Ok((bundle, receipt, json, staged))
        });
        let staged = staged.collect::<Result<Vec<_>, Failure>>()?;
        for (bundle, receipt, json, staged) in staged {
            bundle.finish(receipt, json.as_bytes(), staged)?;
        }
        Ok(self.exports)
    }

    /// Retires the old receipts of cells whose engine computed something wrong.
    pub fn retire_wrong(&self, outcomes: Vec<Outcome>) -> Vec<Outcome> {
        let retired = outcomes
            .into_iter()
            .enumerate()
            .map(|(at, outcome)| match outcome {
                Outcome::Without(wrong) if wrong.is_wrong => Outcome::Without(NoNumber {
                    failure: self.retire(at, wrong.failure),
                    ..wrong
                }),
                other => other,
            });
        retired.collect()
    }

    /// The old receipt at this place does not stand for the cell any more, nor does its bundle.
    pub fn retire(&self, at: usize, failure: Failure) -> Failure {
        self.bundles[at].retire_with(retire(&self.files[at], failure))
    }
}

/// Makes a folder for receipts, if it is not there.
///
/// # Errors
/// It cannot be made, or something else is there.
pub fn make(folder: &Path) -> Result<(), Failure> {
    match fs::create_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let failure = Failure::new(Exit::Io, "it is no folder");
            Err(failure
                .at(folder)
                .with_hint("name another one with --output-dir"))
        }
        Err(e) => Err(not_writable(
            folder,
            &e,
            "make it first, or name another one with --output-dir",
        )),
        Ok(()) => Ok(()),
    }
}
