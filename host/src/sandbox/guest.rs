//! The guest as the replay uses it: load a part of the model, then compute a position with it.

use std::ops::Range;

use engine_native::{Choice, I2sLayout, KvType, Op, gguf::caps};

use super::{
    abi::{ABI_VERSION, Export, GUEST_OPS},
    calls::Calls,
    error::SandboxError,
    instance::Instance,
};

/// An operation and the bits of all elements of its output.
pub type OpBits = (Op, Vec<u32>);

/// The most ranges of a layer or a chunk. A guest loads megabytes with each, so this is far beyond any
/// model; without a limit, a guest with empty ranges would never end.
const MOST_RANGES: i64 = 1 << 20;

/// The model's shape, as the guest reads it from the header.
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
pub struct Guest<I> {
    calls: Calls<I>,
    i2s_layout: I2sLayout,
    shape: GuestShape,
}

impl<I: Instance> Guest<I> {
    /// Lets a new instance of the guest parse the header of its file. `i2s_layout` is how I2_S tensors
    /// are laid out, if there are any.
    ///
    /// # Errors
    /// The guest rejects the file.
    pub fn open(instance: I, i2s_layout: I2sLayout) -> Result<Self, SandboxError> {
        let mut calls = Calls::new(instance);
        check_version(&mut calls)?;
        parse_header(&mut calls)?;
        let shape = read_shape(&mut calls)?;
        check_shape(&shape, calls.file_len())?;
        Ok(Self {
            calls,
            i2s_layout,
            shape,
        })
    }

    /// The model's shape.
    pub fn shape(&self) -> &GuestShape {
        &self.shape
    }

    /// Fuel used by compute calls so far, where it is counted; loading is not.
    pub fn fuel(&self) -> Option<u64> {
        self.calls.fuel()
    }

    /// Allocates memory for `n_positions` positions.
    ///
    /// # Errors
    /// They exceed the memory or the context length, or the model does not fit the I2_S layout.
    pub fn configure(&mut self, kv_type: KvType, n_positions: usize) -> Result<(), SandboxError> {
        let kv_type = match kv_type {
            KvType::F32 => 0,
            KvType::F16 => 1,
        };
        let i2s_layout = match self.i2s_layout {
            I2sLayout::Block128 => 0,
            I2sLayout::Row4 => 1,
            I2sLayout::Block64 => 2,
        };
        self.calls.status(
            Export::Configure,
            &[kv_type, i2s_layout, n_positions as i64],
        )
    }

    /// Loads the embedding row of `token` and stores it as the residual stream at `position`.
    ///
    /// # Errors
    /// The guest rejects the row.
    pub fn embed(&mut self, token: u32, position: usize) -> Result<(), SandboxError> {
        let n_ranges = self.plan(Export::PlanEmbed, token.into())?;
        self.load(n_ranges)?;
        self.calls.compute(Export::Embed, position)
    }

    /// Loads the weights of `layer`, which becomes the current layer.
    ///
    /// # Errors
    /// The guest rejects a weight.
    pub fn load_layer(&mut self, layer: usize) -> Result<(), SandboxError> {
        let n_ranges = self.plan_layer(layer)?;
        self.load(n_ranges)
    }

    /// Begins to load the weights of `layer`. Returns how many ranges of the file have to be loaded, one
    /// after another.
    ///
    /// # Errors
    /// There is no such layer.
    pub fn plan_layer(&mut self, layer: usize) -> Result<u64, SandboxError> {
        self.plan(Export::PlanLayer, layer as i64)
    }

    /// Computes the current layer at `position`.
    ///
    /// # Errors
    /// A value is not finite.
    pub fn layer(&mut self, position: usize) -> Result<(), SandboxError> {
        self.calls.compute(Export::Layer, position)
    }

    /// Frees the KV cache of `layer`.
    ///
    /// # Errors
    /// There is no such layer.
    pub fn release_layer(&mut self, layer: usize) -> Result<(), SandboxError> {
        self.calls.status(Export::ReleaseLayer, &[layer as i64])
    }

    /// Loads a chunk of rows of the output matrix.
    ///
    /// # Errors
    /// The guest rejects a row.
    pub fn load_head(&mut self, chunk: u64) -> Result<(), SandboxError> {
        let n_ranges = self.plan_head(chunk)?;
        self.load(n_ranges)
    }

    /// Begins to load a chunk of rows of the output matrix, as [`Guest::plan_layer`] does a layer.
    ///
    /// # Errors
    /// There is no such chunk.
    pub fn plan_head(&mut self, chunk: u64) -> Result<u64, SandboxError> {
        self.plan(Export::PlanHead, chunk.cast_signed())
    }

    /// The bytes of the file that a planned range has.
    ///
    /// # Errors
    /// The guest's answer is out of bounds.
    pub fn range(&mut self, i: u64) -> Result<Range<u64>, SandboxError> {
        let i = [i.cast_signed()];
        let offset = self.calls.value(Export::RangeOffset, &i)?;
        let len = self.calls.value(Export::RangeLen, &i)?;
        self.calls
            .in_file(offset.cast_unsigned(), len.cast_unsigned())
    }

    /// Copies a planned range, and lets the guest validate it.
    ///
    /// # Errors
    /// The guest rejects a weight.
    pub fn load_range(&mut self, i: u64) -> Result<(), SandboxError> {
        let range = self.range(i)?;
        let dest = self.calls.value(Export::RangeDest, &[i.cast_signed()])?;
        self.calls.copy_in(range, dest)?;
        self.calls.status(Export::LoadRange, &[i.cast_signed()])
    }

    /// Computes the final norm at `position`.
    ///
    /// # Errors
    /// A value is not finite.
    pub fn head_norm(&mut self, position: usize) -> Result<(), SandboxError> {
        self.calls.compute(Export::HeadNorm, position)
    }

    /// Computes the logits of the loaded chunk at `position`.
    ///
    /// # Errors
    /// A logit is not finite.
    pub fn head_rows(&mut self, position: usize) -> Result<(), SandboxError> {
        self.calls.compute(Export::HeadRows, position)
    }

    /// The logits that the last [`Guest::head_rows`] computed, and the token of the first one.
    ///
    /// # Errors
    /// The guest's answer is out of bounds.
    pub fn chunk_logits(&mut self) -> Result<(u32, Vec<f32>), SandboxError> {
        let first = self.calls.value(Export::HeadFirstRow, &[])?;
        let n = self.calls.value(Export::HeadNRows, &[])?;
        let all = self.calls.value(Export::LogitsPtr, &[])?;
        let at = first
            .checked_mul(4)
            .and_then(|bytes| all.checked_add(bytes));
        let (Ok(token), Some(at)) = (u32::try_from(first), at) else {
            return Err(SandboxError::Protocol(format!(
                "first row of the chunk: found {first}, allowed a token id"
            )));
        };
        Ok((token, self.calls.f32s(at, n.cast_unsigned())?))
    }

    /// The token chosen at `position`, after [`Guest::head_rows`] for every chunk.
    ///
    /// # Errors
    /// A chunk was left out.
    pub fn choice(&mut self, position: usize) -> Result<Choice, SandboxError> {
        let token = self.calls.value(Export::ChoiceToken, &[position as i64])?;
        let bits = self
            .calls
            .value(Export::ChoiceLogitBits, &[position as i64])?;
        match (u32::try_from(token), u32::try_from(bits)) {
            (Ok(token), Ok(bits)) => Ok(Choice {
                token,
                logit: f32::from_bits(bits),
            }),
            _ => Err(SandboxError::Protocol(format!(
                "choice: found token {token} with logit bits {bits}, allowed 32 bits each"
            ))),
        }
    }

    /// The residual stream at `position`, `[n_embd]`.
    ///
    /// # Errors
    /// There is no such position.
    pub fn residual(&mut self, position: usize) -> Result<Vec<f32>, SandboxError> {
        let at = self.calls.value(Export::ResidualPtr, &[position as i64])?;
        self.calls.f32s(at, self.shape.n_embd)
    }

    /// Replaces the residual stream at `position`.
    ///
    /// # Errors
    /// There is no such position.
    pub fn set_residual(&mut self, position: usize, x: &[f32]) -> Result<(), SandboxError> {
        let at = self.calls.value(Export::ResidualPtr, &[position as i64])?;
        self.calls.set_f32s(at, x)
    }

    /// The hidden state at `position`, `[n_embd]`: the output of the final norm.
    ///
    /// # Errors
    /// There is no such position.
    pub fn hidden(&mut self, position: usize) -> Result<Vec<f32>, SandboxError> {
        let at = self.calls.value(Export::HiddenPtr, &[position as i64])?;
        self.calls.f32s(at, self.shape.n_embd)
    }

    /// The logits of the last position for which every chunk was computed, `[n_vocab]`.
    ///
    /// # Errors
    /// The guest's answer is out of bounds.
    pub fn logits(&mut self) -> Result<Vec<f32>, SandboxError> {
        let at = self.calls.value(Export::LogitsPtr, &[])?;
        self.calls.f32s(at, self.shape.n_vocab)
    }

    /// The output bits of every operation in the last [`Guest::layer`] call. Operations that the
    /// architecture does not have are left out.
    ///
    /// # Errors
    /// The guest's answer is out of bounds.
    pub fn op_outputs(&mut self) -> Result<Vec<(Op, Vec<u32>)>, SandboxError> {
        let mut outputs = Vec::with_capacity(GUEST_OPS.len());
        for (i, op) in (0..).zip(GUEST_OPS) {
            let at = self.calls.value(Export::OpPtr, &[i])?;
            let len = self.calls.value(Export::OpLen, &[i])?;
            if len == 0 {
                continue;
            }
            let width = self.calls.call(Export::OpWidth, &[i])?;
            let bytes = self.calls.bytes(at, len.cast_unsigned())?;
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

    fn plan(&mut self, export: Export, arg: i64) -> Result<u64, SandboxError> {
        let n_ranges = self.calls.value(export, &[arg])?;
        if n_ranges > MOST_RANGES {
            return Err(SandboxError::Protocol(format!(
                "found {n_ranges} ranges to load, allowed at most {MOST_RANGES}"
            )));
        }
        Ok(n_ranges.cast_unsigned())
    }

    /// Loads the ranges that the guest planned last.
    fn load(&mut self, n_ranges: u64) -> Result<(), SandboxError> {
        (0..n_ranges).try_for_each(|i| self.load_range(i))
    }
}

fn check_version<I: Instance>(calls: &mut Calls<I>) -> Result<(), SandboxError> {
    let version = calls.call(Export::AbiVersion, &[])?;
    let n_ops = calls.call(Export::OpCount, &[])?;
    if version != ABI_VERSION || n_ops as usize != GUEST_OPS.len() {
        return Err(SandboxError::Protocol(format!(
            "found interface version {version} with {n_ops} operations, allowed {ABI_VERSION} with {}",
            GUEST_OPS.len()
        )));
    }
    Ok(())
}

/// Copies longer and longer prefixes of the file until the guest has the whole header.
fn parse_header<I: Instance>(calls: &mut Calls<I>) -> Result<(), SandboxError> {
    let file_len = calls.file_len() as i64;
    let mut len = file_len.min(1 << 16);
    loop {
        let dest = calls.value(Export::HeaderBuffer, &[len])?;
        calls.copy_in(0..len as u64, dest)?;
        match calls.value(Export::HeaderParse, &[len, file_len])? {
            0 => return Ok(()),
            more if more > len && more <= file_len => len = more,
            more => {
                return Err(SandboxError::Protocol(format!(
                    "header: found a request for {more} bytes after {len}, allowed up to {file_len}"
                )));
            }
        }
    }
}

fn read_shape<I: Instance>(calls: &mut Calls<I>) -> Result<GuestShape, SandboxError> {
    let mut field = |i: i64| Ok(calls.value(Export::Shape, &[i])?.cast_unsigned());
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

/// Refuses a shape that no file of this size can have: the replay counts and allocates by it.
fn check_shape(shape: &GuestShape, file_len: u64) -> Result<(), SandboxError> {
    // The densest type has five weights in a byte.
    let elements = file_len.saturating_mul(8);
    for (what, found, allowed) in [
        ("vocabulary", shape.n_vocab, elements),
        ("embedding", shape.n_embd, elements),
        ("layers", shape.n_layers, caps::TENSORS),
        ("heads", shape.n_heads, elements),
        ("KV heads", shape.n_kv_heads, elements),
        ("head dimension", shape.head_dim, elements),
        ("feed-forward length", shape.n_ff, elements),
        ("chunks of the head", shape.n_head_chunks, elements),
    ] {
        if !(1..=allowed).contains(&found) {
            return Err(SandboxError::Protocol(format!(
                "shape: {what}: found {found}, allowed 1 to {allowed} for a file of {file_len} bytes"
            )));
        }
    }
    Ok(())
}
