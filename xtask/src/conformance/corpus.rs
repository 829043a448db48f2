//! The whole corpus, and its files.

use std::{collections::BTreeMap, path::PathBuf};

use host::{
    sandbox::{ModelInput, Sandbox, SandboxError},
    watch::{Phase, Watch},
};

use super::{
    case::{Bounds, BoundsOf, CORPUS_VERSION, Index, IndexEntry},
    json, list,
    made::{MadeCase, NotMade, make},
    reference,
    refused::{self, MadeRefused},
};

/// With a KV cache in f16, what engines round besides keys and values differs: llama.cpp's logits are off by up to
/// 0.32 spreads, 0.045 rms. With one in f32, those of llama.cpp, where it quantizes activations, and of transformers
/// are off by up to 0.15, 0.011 rms; and scales that are 1 % too large make ours differ by more than these bounds, in
/// every I2_S and Q2_0 case (tested). The engines of `ci/conformance/RESULTS.md` tie in at most one run of a case.
const BOUNDS: BoundsOf = BoundsOf {
    f16: Bounds {
        tolerance: 0.5,
        noise: 0.15,
        tied_runs: 1,
    },
    f32: Bounds {
        tolerance: 0.15,
        noise: 0.02,
        tied_runs: 1,
    },
};

/// What the folder has for people who judge without this program.
const TOOLS: [(&str, &[u8]); 3] = [
    (
        "README.md",
        include_bytes!("../../../ci/conformance/README.md"),
    ),
    (
        "judge.py",
        include_bytes!("../../../ci/conformance/judge.py"),
    ),
    (
        "schema.json",
        include_bytes!("../../../ci/conformance/schema.json"),
    ),
];

/// Everything that an engine is asked.
pub struct Corpus {
    /// Models to be run.
    pub cases: Vec<MadeCase>,
    /// Files to be refused.
    pub refused: Vec<MadeRefused>,
    /// What the answers are judged by.
    pub bounds: BoundsOf,
}

/// The models that files to be refused are made from.
const BASES: [&str; 2] = ["b158-i2_s", "qwen3-q2_0"];

impl Corpus {
    /// Tokens in the vocabulary of each model.
    pub const N_VOCAB: u32 = list::N_VOCAB;

    /// Makes the corpus. `watch` sees the models go by, and may stop it.
    ///
    /// # Errors
    /// The reference does not compute what is expected, or not at all.
    pub fn make(sandbox: &Sandbox, watch: &Watch) -> Result<Self, NotMade> {
        let models = list::all();
        watch.begin(Phase::Other("make the corpus"), models.len() as u64);
        let mut cases = Vec::with_capacity(models.len());
        for (i, model) in models.iter().enumerate() {
            cases.push(make(model, sandbox, BOUNDS, watch)?);
            watch.set_progress(i as u64 + 1, models.len() as u64);
        }
        let bases = BASES.map(|name| {
            let model = models.iter().find(|model| model.name == name);
            (name, model.expect("it is in the list").file())
        });
        let [i2_s, q2_0] = bases.each_ref().map(|(name, gguf)| (*name, gguf));
        let refused = refused::all(i2_s, q2_0);
        for file in &refused {
            check_refused(file, sandbox)?;
        }
        Ok(Self {
            cases,
            refused,
            bounds: BOUNDS,
        })
    }

    /// `corpus.json`
    pub fn index(&self) -> Index {
        let entry = |made: &MadeCase| IndexEntry {
            name: made.case.name.clone(),
            model: made.case.model.clone(),
        };
        Index {
            version: CORPUS_VERSION,
            licence: env!("CARGO_PKG_LICENSE").to_owned(),
            bounds: self.bounds,
            cases: self.cases.iter().map(entry).collect(),
            refused: self
                .refused
                .iter()
                .map(|made| made.refused.clone())
                .collect(),
        }
    }

    /// The JSON files, and of the model files those that are committed or all, by path in the folder; with all of
    /// them, also what judges answers and says how.
    pub fn files(&self, which: Which) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        files.insert(PathBuf::from("corpus.json"), json::text(&self.index()));
        for made in &self.cases {
            let name = &made.case.name;
            let path = PathBuf::from(format!("cases/{name}.json"));
            files.insert(path, json::text(&made.case));
            if which == Which::All || made.is_committed {
                let path = PathBuf::from(format!("models/{}", made.case.model.file_name));
                files.insert(path, made.file.clone());
            }
        }
        for made in self.refused.iter().filter(|_| which == Which::All) {
            let path = PathBuf::from(format!("refused/{}.gguf", made.refused.name));
            files.insert(path, made.file.clone());
        }
        if which == Which::All {
            let tools = TOOLS.map(|(name, bytes)| (PathBuf::from(name), bytes.to_vec()));
            files.extend(tools);
        }
        files
    }
}

/// Which model files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that are committed.
    Committed,
}

/// The reference must refuse what others must refuse.
fn check_refused(made: &MadeRefused, sandbox: &Sandbox) -> Result<(), NotMade> {
    let input = ModelInput {
        file: &made.file,
        i2s_layout: engine_native::I2sLayout::default(),
    };
    match reference::refusal(sandbox, input) {
        Some(SandboxError::Refused(_) | SandboxError::TooLarge(_)) => Ok(()),
        Some(other) => Err(NotMade::Refused {
            file: made.refused.name.clone(),
            found: other.to_string(),
        }),
        None => Err(NotMade::Refused {
            file: made.refused.name.clone(),
            found: "accepted".to_owned(),
        }),
    }
}
