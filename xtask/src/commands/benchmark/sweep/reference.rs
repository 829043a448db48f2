//! The reference of a sweep.

use host::{
    sandbox::Sandbox,
    watch::{Phase, Watch},
};

use crate::exit::Failure;

/// The reference, which is compiled when it is first needed.
pub struct Reference<'s> {
    watch: &'s Watch,
    sandbox: Option<Sandbox>,
}

impl<'s> Reference<'s> {
    /// Not compiled yet.
    pub fn new(watch: &'s Watch) -> Self {
        Self {
            watch,
            sandbox: None,
        }
    }

    /// The sandbox with the reference.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn sandbox(&mut self) -> Result<&Sandbox, Failure> {
        if self.sandbox.is_none() {
            self.watch.begin(Phase::Other("compile the reference"), 0);
            self.sandbox = Some(Sandbox::new(self.watch)?);
        }
        Ok(self.sandbox.as_ref().expect("it was made above"))
    }
}
