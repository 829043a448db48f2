//! One instance of the guest: calls with their fuel counted, and byte ranges copied in unread.

use engine_native::{Choice, KvType, Op};
use wasmtime::{Instance, Store, StoreLimitsBuilder, Trap, TypedFunc, WasmParams, WasmResults};

use super::{
    FUEL_PER_CALL, MEMORY_LIMIT, Sandbox, SandboxError,
    abi::{ABI_VERSION, Exports, GUEST_OPS, GuestStore},
};
use crate::cancel::Cancel;

/// Shape of the model as the guest reads it from the header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct GuestShape {
    pub n_vocab: u64,
    pub n_embd: u64,
    pub n_layers: u64,
    pub n_heads: u64,
    pub n_kv_heads: u64,
    pub head_dim: u64,
    pub n_ff: u64,
    pub context_length: u64,
    pub rope_dim: u64,
    pub n_head_chunks: u64,
    pub tied: bool,
    pub n_parameters: u64,
}

/// A guest that has parsed a model's header.
pub struct Guest<'f> {
    file: &'f [u8],
    store: GuestStore,
    exports: Exports,
    cancel: Cancel,
    shape: GuestShape,
    /// Fuel of the compute calls so far; loading is not counted.
    fuel: u64,
}

impl<'f> Guest<'f> {
    pub(super) fn open(sandbox: &Sandbox, file: &'f [u8]) -> Result<Self, SandboxError> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MEMORY_LIMIT)
            .memories(1)
            .tables(1)
            .table_elements(10_000)
            .instances(1)
            .build();
        let mut store = Store::new(&sandbox.engine, limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(1);
        let failed = |e: wasmtime::Error| SandboxError::Trap(format!("{e:#}"));
        store.set_fuel(FUEL_PER_CALL).map_err(failed)?;
        let instance = Instance::new(&mut store, &sandbox.module, &[]).map_err(failed)?;
        let exports = Exports::of(&instance, &mut store)?;
        let mut guest = Self {
            file,
            store,
            exports,
            cancel: sandbox.cancel.clone(),
            shape: GuestShape::unread(),
            fuel: 0,
        };
        guest.check_version()?;
        guest.parse_header()?;
        guest.shape = guest.read_shape()?;
        Ok(guest)
    }

    fn check_version(&mut self) -> Result<(), SandboxError> {
        let version = self.call(|e| &e.abi_version, ())?;
        let n_ops = self.call(|e| &e.op_count, ())?;
        if version != ABI_VERSION || n_ops as usize != GUEST_OPS.len() {
            return Err(SandboxError::Protocol(format!(
                "calls of version {version} with {n_ops} operations, expected {ABI_VERSION} with {}",
                GUEST_OPS.len()
            )));
        }
        Ok(())
    }

    /// Copies a growing prefix of the file until the guest has seen its whole header.
    fn parse_header(&mut self) -> Result<(), SandboxError> {
        let file_len = self.file.len() as i64;
        let mut len = file_len.min(1 << 16);
        loop {
            let dest = self.value(|e| &e.header_buffer, (len,))?;
            self.copy_in(0, len as u64, dest)?;
            match self.value(|e| &e.header_parse, (len, file_len))? {
                0 => return Ok(()),
                more if more > len && more <= file_len => len = more,
                more => {
                    return Err(SandboxError::Protocol(format!(
                        "header of {len} bytes: asked for {more} of {file_len}"
                    )));
                }
            }
        }
    }

    fn read_shape(&mut self) -> Result<GuestShape, SandboxError> {
        let mut field = |i: i32| Ok(self.value(|e| &e.shape, (i,))?.cast_unsigned());
        Ok(GuestShape {
            n_vocab: field(0)?,
            n_embd: field(1)?,
            n_layers: field(2)?,
            n_heads: field(3)?,
            n_kv_heads: field(4)?,
            head_dim: field(5)?,
            n_ff: field(6)?,
            context_length: field(7)?,
            rope_dim: field(8)?,
            n_head_chunks: field(9)?,
            tied: field(10)? == 1,
            n_parameters: field(11)?,
        })
    }

    /// The model's shape.
    pub fn shape(&self) -> &GuestShape {
        &self.shape
    }

    /// Fuel of the compute calls so far.
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Allocates for `n_positions`.
    ///
    /// # Errors
    /// They do not fit the memory or the context.
    pub fn configure(&mut self, kv_type: KvType, n_positions: usize) -> Result<(), SandboxError> {
        let kv_type = match kv_type {
            KvType::F32 => 0,
            KvType::F16 => 1,
        };
        self.status(|e| &e.configure, (kv_type, n_positions as i64))
    }

    /// Loads the embedding row of `token` and puts it at `position`.
    ///
    /// # Errors
    /// The guest refuses the row.
    pub fn embed(&mut self, token: u32, position: usize) -> Result<(), SandboxError> {
        let n_ranges = self.value(|e| &e.plan_embed, (token.into(),))?;
        self.load(n_ranges)?;
        self.compute(|e| &e.embed, position)
    }

    /// Makes `layer` the current one.
    ///
    /// # Errors
    /// The guest refuses a weight.
    pub fn load_layer(&mut self, layer: usize) -> Result<(), SandboxError> {
        let n_ranges = self.value(|e| &e.plan_layer, (layer as i64,))?;
        self.load(n_ranges)
    }

    /// Takes `position` through the current layer.
    ///
    /// # Errors
    /// A value is not finite.
    pub fn layer(&mut self, position: usize) -> Result<(), SandboxError> {
        self.compute(|e| &e.layer, position)
    }

    /// Frees the KV cache of `layer`.
    ///
    /// # Errors
    /// There is no such layer.
    pub fn release_layer(&mut self, layer: usize) -> Result<(), SandboxError> {
        self.status(|e| &e.release_layer, (layer as i64,))
    }

    /// Loads a chunk of the output matrix.
    ///
    /// # Errors
    /// The guest refuses a row.
    pub fn load_head(&mut self, chunk: u64) -> Result<(), SandboxError> {
        let n_ranges = self.value(|e| &e.plan_head, (chunk.cast_signed(),))?;
        self.load(n_ranges)
    }

    /// The final norm at `position`.
    ///
    /// # Errors
    /// A value is not finite.
    pub fn head_norm(&mut self, position: usize) -> Result<(), SandboxError> {
        self.compute(|e| &e.head_norm, position)
    }

    /// The logits of the loaded chunk at `position`.
    ///
    /// # Errors
    /// A logit is not finite.
    pub fn head_rows(&mut self, position: usize) -> Result<(), SandboxError> {
        self.compute(|e| &e.head_rows, position)
    }

    /// The token chosen at `position`, once every chunk was seen.
    ///
    /// # Errors
    /// A chunk was left out.
    pub fn choice(&mut self, position: usize) -> Result<Choice, SandboxError> {
        let token = self.value(|e| &e.choice_token, (position as i64,))?;
        let bits = self.value(|e| &e.choice_logit_bits, (position as i64,))?;
        match (u32::try_from(token), u32::try_from(bits)) {
            (Ok(token), Ok(bits)) => Ok(Choice {
                token,
                logit: f32::from_bits(bits),
            }),
            _ => Err(SandboxError::Protocol(format!(
                "choice {token} with logit bits {bits}"
            ))),
        }
    }

    /// Residual stream at `position`, `[n_embd]`.
    ///
    /// # Errors
    /// There is no such position.
    pub fn residual(&mut self, position: usize) -> Result<Vec<f32>, SandboxError> {
        let at = self.value(|e| &e.residual_ptr, (position as i64,))?;
        self.f32s(at, self.shape.n_embd)
    }

    /// Replaces the residual stream at `position`.
    ///
    /// # Errors
    /// There is no such position.
    pub fn set_residual(&mut self, position: usize, x: &[f32]) -> Result<(), SandboxError> {
        let at = self.value(|e| &e.residual_ptr, (position as i64,))?;
        let bytes = self.bytes_mut(at, x.len() as u64 * 4)?;
        for (bytes, x) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(x) {
            *bytes = x.to_bits().to_le_bytes();
        }
        Ok(())
    }

    /// Hidden state at `position`, `[n_embd]`.
    ///
    /// # Errors
    /// There is no such position.
    pub fn hidden(&mut self, position: usize) -> Result<Vec<f32>, SandboxError> {
        let at = self.value(|e| &e.hidden_ptr, (position as i64,))?;
        self.f32s(at, self.shape.n_embd)
    }

    /// Logits of the last position that saw every chunk, `[n_vocab]`.
    ///
    /// # Errors
    /// The guest's answer is out of bounds.
    pub fn logits(&mut self) -> Result<Vec<f32>, SandboxError> {
        let at = self.value(|e| &e.logits_ptr, ())?;
        self.f32s(at, self.shape.n_vocab)
    }

    /// Outputs of every operation in the last [`Guest::layer`] call: the elements' bits.
    ///
    /// # Errors
    /// The guest's answer is out of bounds.
    pub fn op_outputs(&mut self) -> Result<Vec<(Op, Vec<u32>)>, SandboxError> {
        let mut outputs = Vec::with_capacity(GUEST_OPS.len());
        for (i, op) in (0..).zip(GUEST_OPS) {
            let at = self.value(|e| &e.op_ptr, (i,))?;
            let len = self.value(|e| &e.op_len, (i,))?;
            let width = self.call(|e| &e.op_width, (i,))?;
            let bytes = self.bytes_mut(at, len.cast_unsigned())?;
            let bits = match width {
                1 => bytes.iter().map(|&b| u32::from(b)).collect(),
                _ => bytes
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|&b| u32::from_le_bytes(b))
                    .collect(),
            };
            outputs.push((op, bits));
        }
        Ok(outputs)
    }

    /// Copies the ranges of the last plan and lets the guest validate them.
    fn load(&mut self, n_ranges: i64) -> Result<(), SandboxError> {
        for i in 0..n_ranges {
            let offset = self.value(|e| &e.range_offset, (i,))?;
            let len = self.value(|e| &e.range_len, (i,))?;
            let dest = self.value(|e| &e.range_dest, (i,))?;
            self.copy_in(offset.cast_unsigned(), len.cast_unsigned(), dest)?;
        }
        self.status(|e| &e.load, ())
    }

    fn copy_in(&mut self, offset: u64, len: u64, dest: i64) -> Result<(), SandboxError> {
        let file = self.file;
        let range = offset
            .checked_add(len)
            .filter(|&end| end <= file.len() as u64);
        let Some(end) = range else {
            return Err(SandboxError::Protocol(format!(
                "asked for {len} bytes at {offset} of a file of {}",
                file.len()
            )));
        };
        self.bytes_mut(dest, len)?
            .copy_from_slice(&file[offset as usize..end as usize]);
        Ok(())
    }

    fn f32s(&mut self, at: i64, n: u64) -> Result<Vec<f32>, SandboxError> {
        let bytes = self.bytes_mut(at, n * 4)?;
        let bits = bytes.as_chunks::<4>().0.iter();
        Ok(bits
            .map(|&b| f32::from_bits(u32::from_le_bytes(b)))
            .collect())
    }

    fn bytes_mut(&mut self, at: i64, len: u64) -> Result<&mut [u8], SandboxError> {
        let data = self.exports.memory.data_mut(&mut self.store);
        let size = data.len();
        usize::try_from(at)
            .ok()
            .zip(usize::try_from(len).ok())
            .and_then(|(at, len)| data.get_mut(at..at.checked_add(len)?))
            .ok_or_else(|| {
                SandboxError::Protocol(format!("{len} bytes at {at} of a memory of {size}"))
            })
    }

    /// Calls for a position, with the fuel counted.
    fn compute(
        &mut self,
        f: fn(&Exports) -> &TypedFunc<(i64,), i32>,
        position: usize,
    ) -> Result<(), SandboxError> {
        let status = self.call(f, (position as i64,))?;
        let left = self.store.get_fuel().unwrap_or(0);
        self.fuel += FUEL_PER_CALL - left;
        self.check(i64::from(status))
    }

    fn status<P: WasmParams>(
        &mut self,
        f: fn(&Exports) -> &TypedFunc<P, i32>,
        params: P,
    ) -> Result<(), SandboxError> {
        let status = self.call(f, params)?;
        self.check(i64::from(status))
    }

    /// A call that returns a value, or a negated status.
    fn value<P: WasmParams>(
        &mut self,
        f: fn(&Exports) -> &TypedFunc<P, i64>,
        params: P,
    ) -> Result<i64, SandboxError> {
        match self.call(f, params)? {
            negated if negated < 0 => Err(self.failure(negated.saturating_neg())),
            value => Ok(value),
        }
    }

    fn check(&mut self, status: i64) -> Result<(), SandboxError> {
        match status {
            0 => Ok(()),
            status => Err(self.failure(status)),
        }
    }

    fn failure(&mut self, status: i64) -> SandboxError {
        let message = self.error_message().unwrap_or_else(|| "no message".into());
        match status {
            1 | 2 | 5 => SandboxError::Refused(message),
            4 => SandboxError::NonFinite(message),
            _ => SandboxError::Protocol(message),
        }
    }

    fn error_message(&mut self) -> Option<String> {
        let at = self.call(|e| &e.error_ptr, ()).ok()?;
        let len = self.call(|e| &e.error_len, ()).ok()?;
        let bytes = self.bytes_mut(at, len.cast_unsigned()).ok()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        f: fn(&Exports) -> &TypedFunc<P, R>,
        params: P,
    ) -> Result<R, SandboxError> {
        if self.cancel.is_requested() {
            return Err(SandboxError::Interrupted);
        }
        let trapped = |e: wasmtime::Error| match e.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => SandboxError::Interrupted,
            Some(trap) => SandboxError::Trap(trap.to_string()),
            None => SandboxError::Trap(format!("{e:#}")),
        };
        self.store.set_fuel(FUEL_PER_CALL).map_err(trapped)?;
        f(&self.exports)
            .call(&mut self.store, params)
            .map_err(trapped)
    }
}

impl GuestShape {
    fn unread() -> Self {
        Self {
            n_vocab: 0,
            n_embd: 0,
            n_layers: 0,
            n_heads: 0,
            n_kv_heads: 0,
            head_dim: 0,
            n_ff: 0,
            context_length: 0,
            rope_dim: 0,
            n_head_chunks: 0,
            tied: false,
            n_parameters: 0,
        }
    }
}
