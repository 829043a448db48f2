//! One function per export. The parent module has what they share.

use alloc::format;

use super::{address, at_position, count, index, op, size, staging, status, value, with_state};
use crate::attention::KvType;
use crate::error::Error;
use crate::op::{OPS, OpView};
use crate::runner::Runner;
use crate::ternary::I2sLayout;

/// Version of this interface.
#[unsafe(no_mangle)]
extern "C" fn abi_version() -> i32 {
    crate::ABI_VERSION
}

/// Where the host copies the first `len` bytes of the file.
#[unsafe(no_mangle)]
extern "C" fn header_buffer(len: i64) -> i64 {
    value(|session| Ok(address(session.header_buffer(size("length", len)?)?)))
}

/// 0: parsed; n > 0: call again with the first n bytes.
#[unsafe(no_mangle)]
extern "C" fn header_parse(len: i64, file_len: i64) -> i64 {
    value(|session| {
        let more = session.header_parse(size("length", len)?, size("file length", file_len)?)?;
        // At most the header cap.
        Ok(more.unwrap_or(0) as i64)
    })
}

/// A size of the model.
#[unsafe(no_mangle)]
extern "C" fn shape(field: i32) -> i64 {
    value(|session| {
        let model = session.model()?;
        let hp = &model.hyperparameters;
        Ok(match field {
            0 => count(hp.n_vocab),
            1 => count(hp.n_embd),
            2 => count(hp.n_layers),
            3 => count(hp.n_heads),
            4 => count(hp.n_kv_heads),
            5 => count(hp.head_dim),
            6 => count(hp.n_ff),
            7 => count(hp.context_length),
            8 => count(hp.rope_dim),
            9 => count(session.n_chunks()?),
            10 => i64::from(model.tensors.output.is_none()),
            11 => model.parameters.cast_signed(),
            _ => return Err(Error::Misuse(format!("shape {field}; 0 to 11 exist"))),
        })
    })
}

/// Allocates a run of `n_positions` positions with KV cache type 0 (f32) or 1 (f16) and I2_S
/// layout 0 (`block128`), 1 (`row4`) or 2 (`block64`).
#[unsafe(no_mangle)]
extern "C" fn configure(kv_type: i32, i2s_layout: i32, n_positions: i64) -> i32 {
    status(|session| {
        let kv_type = match kv_type {
            0 => KvType::F32,
            1 => KvType::F16,
            _ => return Err(Error::Misuse(format!("KV type {kv_type}; 0 and 1 exist"))),
        };
        let i2s_layout = match i2s_layout {
            0 => I2sLayout::Block128,
            1 => I2sLayout::Row4,
            2 => I2sLayout::Block64,
            _ => {
                let message = format!("I2_S layout {i2s_layout}; 0 to 2 exist");
                return Err(Error::Misuse(message));
            }
        };
        session.configure(kv_type, i2s_layout, index("position count", n_positions)?)
    })
}

/// Plans a token's embedding row; returns the number of ranges.
#[unsafe(no_mangle)]
extern "C" fn plan_embed(token: i64) -> i64 {
    value(|session| {
        session
            .runner()?
            .plan_embed(index("token", token)?)
            .map(count)
    })
}

/// Plans a layer; returns the number of ranges.
#[unsafe(no_mangle)]
extern "C" fn plan_layer(layer: i64) -> i64 {
    value(|session| {
        session
            .runner()?
            .plan_layer(index("layer", layer)?)
            .map(count)
    })
}

/// Plans a chunk of the output matrix; returns the number of ranges.
#[unsafe(no_mangle)]
extern "C" fn plan_head(chunk: i64) -> i64 {
    value(|session| {
        session
            .runner()?
            .plan_head(index("chunk", chunk)?)
            .map(count)
    })
}

/// File offset of range `i` of the last plan.
#[unsafe(no_mangle)]
extern "C" fn range_offset(i: i64) -> i64 {
    value(|session| {
        let range = staging(session)?.file_range(index("range", i)?)?;
        // Every offset was checked against a file length that came as an i64.
        Ok(range.offset.cast_signed())
    })
}

/// Bytes of range `i` of the last plan.
#[unsafe(no_mangle)]
extern "C" fn range_len(i: i64) -> i64 {
    value(|session| {
        let range = staging(session)?.file_range(index("range", i)?)?;
        Ok(range.len.cast_signed())
    })
}

/// Where the host copies range `i` of the last plan: the same address for every range.
#[unsafe(no_mangle)]
extern "C" fn range_dest(i: i64) -> i64 {
    value(|session| {
        let place = staging(session)?.destination(index("range", i)?)?;
        Ok(address(place))
    })
}

/// Validates and decodes range `i`, the one just copied.
#[unsafe(no_mangle)]
extern "C" fn load_range(i: i64) -> i32 {
    status(|session| session.runner()?.load_range(index("range", i)?))
}

/// Sets a position's residual stream to the loaded embedding row.
#[unsafe(no_mangle)]
extern "C" fn embed(position: i64) -> i32 {
    at_position(position, Runner::embed)
}

/// Runs a position through the loaded layer.
#[unsafe(no_mangle)]
extern "C" fn layer(position: i64) -> i32 {
    at_position(position, Runner::layer)
}

/// Frees a layer's KV cache.
#[unsafe(no_mangle)]
extern "C" fn release_layer(layer: i64) -> i32 {
    status(|session| session.runner()?.release_layer(index("layer", layer)?))
}

/// Final norm of a position.
#[unsafe(no_mangle)]
extern "C" fn head_norm(position: i64) -> i32 {
    at_position(position, Runner::head_norm)
}

/// Logits of the loaded chunk for a position.
#[unsafe(no_mangle)]
extern "C" fn head_rows(position: i64) -> i32 {
    at_position(position, Runner::head_rows)
}

/// First row of the loaded chunk of the output matrix.
#[unsafe(no_mangle)]
extern "C" fn head_first_row() -> i64 {
    value(|session| Ok(count(session.runner()?.loaded_rows()?.start)))
}

/// Rows of the loaded chunk of the output matrix.
#[unsafe(no_mangle)]
extern "C" fn head_n_rows() -> i64 {
    value(|session| Ok(count(session.runner()?.loaded_rows()?.len())))
}

/// The token chosen at a position.
#[unsafe(no_mangle)]
extern "C" fn choice_token(position: i64) -> i64 {
    value(|session| {
        Ok(count(
            session.runner()?.choice(index("position", position)?)?.0,
        ))
    })
}

/// Bits of the chosen logit at a position.
#[unsafe(no_mangle)]
extern "C" fn choice_logit_bits(position: i64) -> i64 {
    value(|session| {
        let (_, logit) = session.runner()?.choice(index("position", position)?)?;
        Ok(logit.to_bits().into())
    })
}

/// Address of a position's residual stream.
#[unsafe(no_mangle)]
extern "C" fn residual_ptr(position: i64) -> i64 {
    value(|session| {
        Ok(address(
            session.runner()?.residual(index("position", position)?)?,
        ))
    })
}

/// Address of a position's final hidden state.
#[unsafe(no_mangle)]
extern "C" fn hidden_ptr(position: i64) -> i64 {
    value(|session| {
        Ok(address(
            session.runner()?.hidden(index("position", position)?)?,
        ))
    })
}

/// Address of the logits computed last.
#[unsafe(no_mangle)]
extern "C" fn logits_ptr() -> i64 {
    value(|session| Ok(address(session.runner()?.logits())))
}

/// Number of operations of a layer.
#[unsafe(no_mangle)]
extern "C" fn op_count() -> i32 {
    OPS.len() as i32
}

/// Address of an operation's output.
#[unsafe(no_mangle)]
extern "C" fn op_ptr(number: i32) -> i64 {
    value(|session| {
        Ok(match session.runner()?.outputs().view(op(number)?) {
            OpView::F32(values) => address(values),
            OpView::I8(values) => address(values),
        })
    })
}

/// Bytes of an operation's output.
#[unsafe(no_mangle)]
extern "C" fn op_len(number: i32) -> i64 {
    value(|session| {
        let view = session.runner()?.outputs().view(op(number)?);
        Ok(count(view.elements() * view.width()))
    })
}

/// Bytes per element of an operation's output, or a negated status if no run is configured.
#[unsafe(no_mangle)]
extern "C" fn op_width(number: i32) -> i32 {
    // 1, 4 or a small negative number.
    value(|session| Ok(count(session.runner()?.outputs().view(op(number)?).width()))) as i32
}

/// Address of the last error's message.
#[unsafe(no_mangle)]
extern "C" fn error_ptr() -> i64 {
    with_state(|state| address(state.error.as_bytes()))
}

/// Bytes of the last error's message.
#[unsafe(no_mangle)]
extern "C" fn error_len() -> i64 {
    with_state(|state| count(state.error.len()))
}
