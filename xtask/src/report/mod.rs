//! The page that `report` writes: verdicts, charts and how to check them, in one file of HTML.

mod chart;
mod figure;
mod machine;
mod many;
mod page;
mod profile;
mod proof;
mod subject;
mod text;

pub use chart::DrawError;
pub use page::page;
pub use profile::{ProfileRecord, ProfiledReceipt};
pub use subject::Subject;
