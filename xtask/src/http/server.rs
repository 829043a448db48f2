//! A server: a thread for each connection, and no more connections than allowed.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    error::WireError,
    message::{Request, RequestLine, Response, request_head},
    wire::{Received, Wire},
};

/// How long a listener sleeps between two looks for connections.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// What a server bears.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// How long a connection may be silent between two messages.
    pub silence: Duration,
    /// How long a message may take from its first byte to its last.
    pub message: Duration,
}

/// A socket that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    limits: Limits,
}

/// What answers requests, on many threads.
pub trait Service: Send + Sync + 'static {
    /// The most bytes of the body of such a request.
    fn most_body(&self, method: &str, path: &str) -> u64;

    /// The answer to a request that was there, whole, at a time.
    fn answer(&self, request: &Request, at: Instant) -> Response;

    /// Says that a connection ended with a message that is refused.
    fn broke(&self, from: SocketAddr, why: &WireError);

    /// Whether to end.
    fn is_stopped(&self) -> bool;
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// The address is taken, or is none of this machine.
    pub fn listen(address: SocketAddr, limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        // A listener that waits cannot be told to stop.
        listener.set_nonblocking(true)?;
        Ok(Self { listener, limits })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the service is stopped.
    pub fn serve(&self, service: &Arc<impl Service>) {
        let open = Arc::new(AtomicUsize::new(0));
        while !service.is_stopped() {
            match self.listener.accept() {
                Ok((stream, from)) => self.begin(stream, from, service, &open),
                // Also when the system has no more files: the next look may find some.
                Err(_) => thread::sleep(BETWEEN_LOOKS),
            }
        }
    }

    fn begin(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        service: &Arc<impl Service>,
        open: &Arc<AtomicUsize>,
    ) {
        let limits = self.limits;
        // Some systems hand on what they know of the listener.
        let _ = stream.set_nonblocking(false);
        let place = Place::take(open);
        let refused = stream.try_clone();
        if place.number <= limits.connections {
            let service = service.clone();
            let begun = thread::Builder::new().spawn(move || {
                let _place = place;
                talk(stream, from, &*service, limits);
            });
            if begun.is_ok() {
                return;
            }
        }
        if let Ok(stream) = refused
            && let Ok(mut wire) = Wire::new(stream, &|| false)
        {
            let why = format!("allowed are {} connections at once", limits.connections);
            let _ = wire.send(&Response::error(503, why).to_bytes(true), BETWEEN_LOOKS);
        }
    }
}

/// A connection's place among those that are allowed.
struct Place {
    open: Arc<AtomicUsize>,
    number: usize,
}

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        Self {
            number: open.fetch_add(1, Ordering::SeqCst) + 1,
            open: open.clone(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Answers what comes through a connection, until it ends.
fn talk(stream: TcpStream, from: SocketAddr, service: &impl Service, limits: Limits) {
    let is_stopped = || service.is_stopped();
    let Ok(mut wire) = Wire::new(stream, &is_stopped) else {
        return;
    };
    loop {
        let most_body = |(method, path): &RequestLine| service.most_body(method, path);
        let received = wire.receive(request_head, most_body, limits.silence, limits.message);
        let Received {
            start: (method, path),
            body,
            at,
            closes,
        } = match received {
            Ok(received) => received,
            Err(WireError::Closed | WireError::Stopped) => return,
            Err(error) => {
                service.broke(from, &error);
                let response = Response::error(status(&error), &error).to_bytes(true);
                let _ = wire.send(&response, limits.message);
                return;
            }
        };
        let request = Request { method, path, body };
        let response = service.answer(&request, at).to_bytes(closes);
        if wire.send(&response, limits.message).is_err() || closes {
            return;
        }
    }
}

fn status(error: &WireError) -> u16 {
    match error {
        WireError::TooSlow => 408,
        WireError::Head => 431,
        WireError::Body { .. } => 413,
        WireError::NoLength => 411,
        _ => 400,
    }
}
