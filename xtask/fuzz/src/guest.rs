//! The reference as a library, given a file as the host gives it one.

use guest_reference::{
    attention::KvType, error::Error, runner::Runner, session::Session, ternary::I2sLayout,
};

/// A session with a file whose header it has taken.
pub struct Guest<'f> {
    session: Session,
    file: &'f [u8],
}

impl<'f> Guest<'f> {
    /// Copies a growing prefix until the whole header has been seen, and configures a run.
    ///
    /// # Errors
    /// The reference refuses the header, or the run does not fit the model.
    pub fn open(
        file: &'f [u8],
        kv_type: KvType,
        layout: I2sLayout,
        n_positions: usize,
    ) -> Result<Self, Error> {
        let mut session = Session::default();
        let mut len = file.len().min(1 << 12);
        loop {
            let buffer = session.header_buffer(len as u64)?;
            buffer.copy_from_slice(&file[..len]);
            match session.header_parse(len as u64, file.len() as u64)? {
                None => break,
                Some(more) => {
                    assert!(more as usize > len && more as usize <= file.len());
                    len = more as usize;
                }
            }
        }
        session.configure(kv_type, layout, n_positions)?;
        Ok(Self { session, file })
    }

    /// The run.
    ///
    /// # Errors
    /// None: it has been configured.
    pub fn runner(&mut self) -> Result<&mut Runner, Error> {
        self.session.runner()
    }

    /// Layers of the model.
    ///
    /// # Errors
    /// None: the header has been read.
    pub fn n_layers(&self) -> Result<usize, Error> {
        Ok(self.session.model()?.hyperparameters.n_layers)
    }

    /// Takes in every weight, and keeps none.
    ///
    /// # Errors
    /// The reference refuses one of them.
    pub fn load_all(&mut self) -> Result<(), Error> {
        for token in 0..self.session.model()?.hyperparameters.n_vocab {
            self.load_embedding(token)?;
        }
        for layer in 0..self.n_layers()? {
            self.load_layer(layer)?;
            self.runner()?.release_layer(layer)?;
        }
        for chunk in 0..self.runner()?.n_chunks() {
            self.load_head(chunk)?;
        }
        Ok(())
    }

    /// Takes in the embedding of `token`.
    ///
    /// # Errors
    /// The reference refuses it.
    pub fn load_embedding(&mut self, token: usize) -> Result<(), Error> {
        let n = self.runner()?.plan_embed(token)?;
        self.load(n)
    }

    /// Takes in the weights of `layer`.
    ///
    /// # Errors
    /// As for [`Guest::load_embedding`].
    pub fn load_layer(&mut self, layer: usize) -> Result<(), Error> {
        let n = self.runner()?.plan_layer(layer)?;
        self.load(n)
    }

    /// Takes in a chunk of the output matrix.
    ///
    /// # Errors
    /// As for [`Guest::load_embedding`].
    pub fn load_head(&mut self, chunk: usize) -> Result<(), Error> {
        let n = self.runner()?.plan_head(chunk)?;
        self.load(n)
    }

    fn load(&mut self, n_ranges: usize) -> Result<(), Error> {
        let runner = self.session.runner()?;
        for i in 0..n_ranges {
            let staging = runner.staging()?;
            let range = staging.file_range(i)?;
            let start = range.offset as usize;
            let bytes = &self.file[start..start + range.len as usize];
            staging.destination(i)?.copy_from_slice(bytes);
            runner.load_range(i)?;
        }
        Ok(())
    }
}
