//! As much of HTTP/1.1 as a challenge takes: small messages of a known length, over connections that stay
//! open. Everything that is read is bounded in size and time.

mod client;
mod error;
mod message;
mod server;
mod url;
mod wire;

pub use client::{Answer, Client};
pub use error::WireError;
pub use message::{Request, Response};
pub use server::{Limits, Server, Service};
pub use url::ServerAddress;
