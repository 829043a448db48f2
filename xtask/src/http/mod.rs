//! As much of HTTP/1.1 as a challenge and other engines take: small messages of a known length, over
//! connections that stay open; and answers that are read as they come. Everything that is read is bounded in
//! size and time.

mod client;
mod error;
mod events;
mod message;
mod server;
mod stream;
mod url;
mod wire;

pub use client::{Answer, Client};
pub use error::WireError;
pub use events::{Event, Events};
pub use message::{Request, Response};
pub use server::{Limits, Server, Service};
pub use stream::{Connected, Streamed};
pub use url::ServerAddress;
