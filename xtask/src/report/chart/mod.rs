//! The charts of a report, as SVG. Every one has a caption and a table that say the same.

mod axes;
mod canvas;
mod curve;
mod distribution;
mod intervals;
mod operations;
mod phases;
mod roofline;
mod scale;
mod steps;

pub use canvas::{DrawError, Drawn};
pub use curve::{Series, depth, trend};
pub use distribution::distribution;
pub use intervals::intervals;
pub use operations::operations;
pub use phases::phases;
pub use roofline::roofline;
pub use steps::steps;
