//! Scales: of a block, and the one scale of a tensor.

use alloc::format;
use alloc::string::String;

use crate::float::is_finite;
use crate::rows::f16_le;

/// The scale of a block, from its half: finite and not below 0.
pub fn block_scale(half: [u8; 2]) -> Result<f32, String> {
    let d = f16_le(half);
    if is_finite(d) && d >= 0.0 {
        return Ok(d);
    }
    Err(format!("scale is {d}; a finite scale >= 0 is required"))
}

/// The scale, if the part of the tensor read so far has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneScale(Option<f32>);

impl OneScale {
    /// Takes the scale of one more block or element, finite and > 0. All must be the same.
    pub fn see(&mut self, scale: f32) -> Result<(), String> {
        match self.0 {
            Some(before) if before != scale => Err(format!(
                "scale is {scale} after {before}; one scale for the whole tensor is required (TriLM has \
                 several)"
            )),
            _ => {
                self.0 = Some(scale);
                Ok(())
            }
        }
    }

    /// Whether this is the scale seen before.
    pub fn is(self, scale: f32) -> bool {
        self.0 == Some(scale)
    }

    /// Takes the scale of an I2_S tensor: the f32 right after the codes.
    pub fn see_trailer(&mut self, trailer: &[u8]) -> Result<(), String> {
        let scale = f32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
        if !is_finite(scale) || scale <= 0.0 {
            return Err(format!("scale is {scale}; a finite scale > 0 is required"));
        }
        self.see(scale)
    }

    /// The scale, or 1 for a tensor of zeros: their products are +0 with any scale.
    pub fn value(self) -> f32 {
        self.0.unwrap_or(1.0)
    }
}
