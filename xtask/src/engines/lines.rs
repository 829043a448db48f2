//! Lines to and from a program, each with the time when it was there. Threads read and write, so that
//! nobody waits for a program that does neither.

use std::{
    io::{self, Read, Write},
    process::{ChildStdin, ChildStdout},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel},
    thread,
    time::{Duration, Instant},
};

use host::watch::Watch;

/// The longest line: sums of a large tensor.
const MOST_LINE_BYTES: usize = 16 << 20;

/// The most lines that wait to be looked at.
const MOST_WAITING: usize = 16;

/// So often somebody who waits looks whether to stop.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The two pipes of a program.
#[derive(Debug)]
pub(super) struct Lines {
    to: Sender<Vec<u8>>,
    sent: Receiver<Instant>,
    from: Receiver<Came>,
}

/// What comes from a program.
#[derive(Debug)]
enum Came {
    /// A line without its end, and when the last byte of it was there.
    Line(Vec<u8>, Instant),
    /// The end, behind these bytes of a line that has none.
    End(Vec<u8>),
    /// A line that is too long.
    TooLong,
}

/// Why there is no line.
#[derive(Debug)]
pub(super) enum NoLine {
    /// Nothing came within the time allowed.
    Silent,
    /// Ctrl-C.
    Stopped,
    /// Standard output is closed.
    Closed,
    /// It is closed, within a line that begins so.
    Half(Vec<u8>),
    /// It has more bytes than allowed.
    TooLong,
}

impl Lines {
    /// Begins to read and write.
    ///
    /// # Errors
    /// There are no threads for that.
    pub(super) fn new(stdin: ChildStdin, stdout: ChildStdout) -> io::Result<Self> {
        let (to, to_write) = channel();
        let (was_sent, sent) = channel();
        let (came, from) = sync_channel(MOST_WAITING);
        thread::Builder::new().spawn(move || write(stdin, &to_write, &was_sent))?;
        thread::Builder::new().spawn(move || read(stdout, &came))?;
        Ok(Self { to, sent, from })
    }

    /// Sends a line, and returns when its first byte was sent. The lines before it have to be read within
    /// `patience`.
    pub(super) fn send(
        &self,
        mut line: Vec<u8>,
        patience: Duration,
        watch: &Watch,
    ) -> Result<Instant, NoLine> {
        line.push(b'\n');
        self.to.send(line).map_err(|_| NoLine::Closed)?;
        wait(&self.sent, patience, watch)
    }

    /// The next line, which has to come within `patience`.
    pub(super) fn next(
        &self,
        patience: Duration,
        watch: &Watch,
    ) -> Result<(Vec<u8>, Instant), NoLine> {
        match wait(&self.from, patience, watch)? {
            Came::Line(line, at) => Ok((line, at)),
            Came::End(half) if half.is_empty() => Err(NoLine::Closed),
            Came::End(half) => Err(NoLine::Half(half)),
            Came::TooLong => Err(NoLine::TooLong),
        }
    }
}

/// What a thread says next, within `patience`.
fn wait<T>(from: &Receiver<T>, patience: Duration, watch: &Watch) -> Result<T, NoLine> {
    let deadline = Instant::now() + patience;
    loop {
        if watch.is_stopped() {
            return Err(NoLine::Stopped);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match from.recv_timeout(left.min(BETWEEN_LOOKS)) {
            Ok(said) => return Ok(said),
            Err(RecvTimeoutError::Disconnected) => return Err(NoLine::Closed),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(NoLine::Silent),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Writes lines until there are no more, and then closes standard input.
fn write(mut stdin: ChildStdin, lines: &Receiver<Vec<u8>>, sent: &Sender<Instant>) {
    for line in lines {
        // Before it is written: the program may begin with the first byte.
        if sent.send(Instant::now()).is_err() || stdin.write_all(&line).is_err() {
            return;
        }
    }
}

/// Reads lines until standard output is closed. Lines that are read at once have the same time.
fn read(mut stdout: ChildStdout, came: &SyncSender<Came>) {
    let (mut unread, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let n = match stdout.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Ok(n) if n > 0 => n,
            _ => {
                let _ = came.send(Came::End(unread));
                return;
            }
        };
        let at = Instant::now();
        let mut new = &buffer[..n];
        while let Some(end) = new.iter().position(|&b| b == b'\n') {
            unread.extend_from_slice(&new[..end]);
            let line = std::mem::take(&mut unread);
            if came.send(Came::Line(line, at)).is_err() {
                return;
            }
            new = &new[end + 1..];
        }
        unread.extend_from_slice(new);
        if unread.len() > MOST_LINE_BYTES {
            let _ = came.send(Came::TooLong);
            return;
        }
    }
}
