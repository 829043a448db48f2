//! The bytes of a model file. They are read into memory of this process and never looked up again, so
//! another process that rewrites or shortens the file cannot change what is hashed, run and replayed.

use std::{
    fmt::Debug,
    fs::{self, File, Metadata},
    io::{self, Read, Seek},
    ops::Deref,
    path::Path,
    sync::Arc,
};

use super::bind;
use crate::{
    gguf::{Gguf, GgufError, caps},
    huge_pages::HugePages,
    model::{I2sLayout, ModelError},
    observer::Observer,
};

/// Bytes read before the observer is asked again.
const PIECE: usize = 16 << 20;

/// Bytes of most headers; a longer one is read in doubled steps.
const USUAL_HEADER: u64 = 16 << 20;

/// The bytes of a whole model file. Clones share them, so that the engine, the hash and the replay all
/// see the same.
#[derive(Debug, Clone)]
pub struct ModelFile(Arc<HugePages>);

impl From<Vec<u8>> for ModelFile {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(HugePages::Owned(bytes)))
    }
}

impl Deref for ModelFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// A model file that is open, and of which no more was read than somebody asked for.
///
/// ```
/// use std::path::Path;
/// use engine_native::{ModelShape, ModelSource};
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
/// let source = ModelSource::open(Path::new(path))?;
/// let shape = ModelShape::from_gguf(&source.header()?)?;
/// assert_eq!(shape.n_embd, 256);
/// assert_eq!(source.read(&())?.len() as u64, source.file_len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ModelSource {
    file: File,
    /// What the system said about the file when it was opened.
    opened: Metadata,
}

impl ModelSource {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// `path` is not a regular file, or it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Checked before opening: opening a pipe would block forever.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        let file = File::open(path)?;
        let opened = file.metadata()?;
        Ok(Self { file, opened })
    }

    /// The file, to be read from where it stands: from its start after [`ModelSource::open`].
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Bytes of the file.
    pub fn file_len(&self) -> u64 {
        self.opened.len()
    }

    /// Reads and parses the header, and no more of the file than that takes.
    ///
    /// # Errors
    /// The file cannot be read, or its header breaks a rule of the format.
    pub fn header(&self) -> Result<Gguf, ModelError> {
        self.header_and_start().map(|(header, _)| header)
    }

    /// As [`ModelSource::header`], with the start of the file, in which long values of the metadata stand.
    ///
    /// # Errors
    /// As there.
    pub fn header_and_start(&self) -> Result<(Gguf, Vec<u8>), ModelError> {
        let mut start = Vec::new();
        let mut len = USUAL_HEADER;
        loop {
            let mut file = &self.file;
            file.seek(io::SeekFrom::Start(start.len() as u64))?;
            let missing = len.min(self.file_len()) - start.len() as u64;
            file.take(missing).read_to_end(&mut start)?;
            match Gguf::parse_header(&start, self.file_len()) {
                Err(GgufError::Truncated { .. })
                    if len < self.file_len() && len < caps::HEADER_BYTES =>
                {
                    len *= 2;
                }
                parsed => return Ok((parsed?, start)),
            }
        }
    }

    /// Bytes that loading the file will allocate for packed weights, beside its own; 0 if its header is
    /// not one of a model.
    pub fn bytes_to_pack(&self, i2s_layout: I2sLayout) -> u64 {
        self.header()
            .map_or(0, |gguf| bind::bytes_to_pack(&gguf, i2s_layout))
    }

    /// Reads the whole file into memory. `observer` is asked now and then whether to stop.
    ///
    /// # Errors
    /// The file cannot be read, there is no memory for it, it changed in the meantime, or `observer`
    /// stopped it.
    pub fn read(&self, observer: &dyn Observer) -> Result<ModelFile, ModelError> {
        let needed = self.file_len();
        let pages = usize::try_from(needed).ok().and_then(HugePages::try_zeroed);
        let mut pages = pages.ok_or(ModelError::NoMemory { needed })?;
        let mut file = &self.file;
        file.seek(io::SeekFrom::Start(0))?;
        for piece in pages.as_mut_slice().chunks_mut(PIECE) {
            if observer.is_cancelled() {
                return Err(ModelError::Cancelled);
            }
            if let Err(error) = file.read_exact(piece) {
                // A file that was shortened is the more useful thing to say.
                self.check_unchanged()?;
                return Err(error.into());
            }
        }
        self.check_unchanged()?;
        Ok(ModelFile(Arc::new(pages)))
    }

    /// Checks that nobody has written to the file since it was opened.
    ///
    /// # Errors
    /// Somebody has, or the system does not say.
    pub fn check_unchanged(&self) -> Result<(), ModelError> {
        let now = self.file.metadata()?;
        let (then, now) = (facts(&self.opened), facts(&now));
        let changed = then.iter().zip(&now).find(|(then, now)| then != now);
        match changed {
            None => Ok(()),
            Some(((what, then), (_, now))) => Err(ModelError::Changed {
                what,
                then: then.clone(),
                now: now.clone(),
            }),
        }
    }
}

/// What cannot stay the same when a file is written to, as far as the system tells, the size first.
fn facts(metadata: &Metadata) -> Vec<(&'static str, String)> {
    fn of<T: Debug>(what: &'static str, fact: T) -> (&'static str, String) {
        (what, format!("{fact:?}"))
    }
    let mut facts = vec![of("size", metadata.len())];
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let time = |what, s: i64, ns: i64| (what, format!("{s}.{ns:09} s"));
        facts.push(of("device", metadata.dev()));
        facts.push(of("inode", metadata.ino()));
        facts.push(time("mtime", metadata.mtime(), metadata.mtime_nsec()));
        facts.push(time("ctime", metadata.ctime(), metadata.ctime_nsec()));
    }
    #[cfg(not(unix))]
    facts.push(of("time of change", metadata.modified().ok()));
    facts
}
