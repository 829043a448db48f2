//! What is in a model file, and what a run of it takes.

use std::{collections::BTreeMap, fs::File, path::Path, sync::Arc};

use engine_native::{
    EngineOptions, KernelChoice, Model, ModelError, ModelShape, ModelSource, Scalar,
    SessionOptions, gguf::Gguf,
};
use host::{
    digest::Digest,
    machine::{EngineNeed, MemoryNeed, default_threads},
    verify::MOST_UNASKED_BYTES,
    watch::Watch,
};
use serde::Serialize;

use crate::{args::InspectArgs, exit::Failure};

/// A model file, looked into.
pub struct Inspected {
    /// `general.name`
    pub name: Option<String>,
    /// `general.architecture`
    pub architecture: Option<String>,
    /// Size of the file.
    pub bytes: u64,
    /// Version of the format.
    pub gguf_version: u32,
    /// Digest of the file, if it was read to its end.
    pub sha256: Option<Digest>,
    /// What its tensors take, by type.
    pub types: Vec<TypeFound>,
    /// What the tensors are together.
    pub content: Content,
}

/// What a file has in it.
pub enum Content {
    /// A model whose weights were checked, if it can be run.
    Checked(Result<Box<Model>, ModelError>),
    /// Too much to be read unasked, or at once: the shape, if it is that of a model.
    Unread(Result<Box<ModelShape>, ModelError>),
}

impl Content {
    /// Why it cannot be run.
    pub fn error(&self) -> Option<&ModelError> {
        match self {
            Self::Checked(model) => model.as_ref().err(),
            Self::Unread(shape) => shape.as_ref().err(),
        }
    }
}

/// The tensors of one type.
#[derive(Debug, Serialize)]
pub struct TypeFound {
    /// The type.
    pub name: String,
    /// How many there are.
    pub tensors: usize,
    /// Their elements.
    pub elements: u64,
    /// Their bytes; 0 where the size of the type is not known.
    pub bytes: u64,
}

impl Inspected {
    /// Looks into the file at `path`.
    ///
    /// # Errors
    /// It cannot be read, or is no GGUF file.
    pub fn open(path: &Path, args: &InspectArgs, watch: &Watch) -> Result<Self, Failure> {
        let failed = |e: ModelError| Failure::model(path, &e);
        let source = ModelSource::open(path).map_err(|e| failed(e.into()))?;
        let gguf = source.header().map_err(failed)?;
        let bytes = source.file_len();
        let layout = args.i2s_layout.into();
        let shape = || Content::Unread(ModelShape::from_gguf(&gguf).map(Box::new));
        let is_read = args.sha256 || bytes <= MOST_UNASKED_BYTES;
        let (sha256, content) = match MemoryNeed::to_load(&source, layout).check() {
            _ if !is_read => (None, shape()),
            Ok(()) => {
                let file = source.read(watch).map_err(failed)?;
                let sha256 = Digest::of_unless(&file, || watch.is_stopped());
                let model = Model::load(file, layout, watch);
                (sha256, Content::Checked(model.map(Box::new)))
            }
            // Its bytes have a digest, even if nothing here can run them.
            Err(_) => {
                let file = File::open(path).map_err(|e| failed(e.into()))?;
                let sha256 = Digest::of_reader_unless(file, || watch.is_stopped());
                (sha256.map_err(|e| failed(e.into()))?, shape())
            }
        };
        if watch.is_stopped() {
            return Err(Failure::interrupted());
        }
        let string = |key| gguf.metadata.string_lossy(key);
        Ok(Self {
            name: string("general.name"),
            architecture: string("general.architecture"),
            bytes,
            gguf_version: gguf.version,
            sha256,
            types: types(&gguf),
            content,
        })
    }

    /// Elements of all tensors.
    pub fn parameters(&self) -> u64 {
        let elements = self.types.iter().map(|found| found.elements);
        elements.fold(0, u64::saturating_add)
    }
}

fn types(gguf: &Gguf) -> Vec<TypeFound> {
    let mut types: BTreeMap<String, TypeFound> = BTreeMap::new();
    for tensor in &gguf.tensors {
        let name = tensor.tensor_type.to_string();
        let found = types.entry(name.clone()).or_insert(TypeFound {
            name,
            tensors: 0,
            elements: 0,
            bytes: 0,
        });
        found.tensors += 1;
        found.elements = found.elements.saturating_add(tensor.n_elements());
        found.bytes = found.bytes.saturating_add(tensor.n_bytes());
    }
    types.into_values().collect()
}

/// Whether the file names its RoPE base; if not, it has the format's default.
pub fn has_rope_base(model: &Model) -> bool {
    let key = format!("{}.rope.freq_base", model.shape().architecture);
    model.metadata().get(&key).is_some()
}

/// What runs of two lengths take: a usual one, and the longest.
pub fn memory(model: &Model) -> [(usize, MemoryNeed); 2] {
    let options = EngineOptions::new(default_threads().get());
    let kernels = KernelChoice::default().resolve();
    let kernels = kernels.unwrap_or_else(|_| Arc::new(Scalar));
    let engine = EngineNeed::of(model, &*kernels, &options);
    let longest = model.shape().context_length as usize;
    [144.min(longest), longest].map(|n_positions| {
        let session = SessionOptions::new(n_positions);
        (n_positions, MemoryNeed::to_run(model, &session, engine))
    })
}
