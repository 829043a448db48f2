//! The sessions of a challenger that are not over yet, and how those before ended.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use host::challenge::Session;

/// Sessions at once.
const MOST_SESSIONS: usize = 8;

/// A session, and what it takes beside the protocol.
pub struct Entry {
    /// Its number, for messages.
    pub number: u64,
    pub session: Session,
    /// RFC 3339.
    pub begun: String,
    /// When the answer to its last ping was sent, on the challenger's clock.
    pub pong_at_ns: Option<u64>,
    /// The receipts' files, by round.
    pub receipts: HashMap<usize, Vec<u8>>,
    /// The signed statement, or why there is none.
    pub outcome: Option<Result<String, String>>,
    touched: Instant,
    is_fetched: bool,
}

/// All sessions.
pub struct Sessions {
    entries: HashMap<String, Entry>,
    begun: u64,
    patience: Duration,
    ended: Ended,
}

/// How many sessions are over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    pub n_over: u64,
    pub n_signed: u64,
}

impl Sessions {
    /// A session of which nothing is heard for `patience` is given up.
    pub fn new(patience: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            begun: 0,
            patience,
            ended: Ended::default(),
        }
    }

    /// Adds a session under a name. Returns its number, or `None` if there are too many.
    pub fn add(&mut self, name: &str, session: Session, begun: String) -> Option<u64> {
        if self.entries.len() >= MOST_SESSIONS {
            return None;
        }
        self.begun += 1;
        let number = self.begun;
        let entry = Entry {
            number,
            session,
            begun,
            pong_at_ns: None,
            receipts: HashMap::new(),
            outcome: None,
            touched: Instant::now(),
            is_fetched: false,
        };
        self.entries.insert(name.to_owned(), entry);
        Some(number)
    }

    /// The session of this name.
    pub fn get(&mut self, name: &str) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(name)?;
        entry.touched = Instant::now();
        Some(entry)
    }

    /// The session of this number.
    pub fn numbered(&mut self, number: u64) -> Option<&mut Entry> {
        let mut entries = self.entries.values_mut();
        entries.find(|entry| entry.number == number)
    }

    /// Takes the outcome of the session of this name; its next request finds none.
    pub fn fetched(&mut self, name: &str) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.is_fetched = true;
        }
    }

    /// Removes sessions that are over at `now`; a statement waits `fetching` to be fetched. Returns how many
    /// are over so far, and the numbers of those that were given up now.
    pub fn sweep(&mut self, now: Instant, fetching: Duration) -> (Ended, Vec<u64>) {
        let mut given_up = Vec::new();
        let (patience, ended) = (self.patience, &mut self.ended);
        self.entries.retain(|_, entry| {
            let silent = now.saturating_duration_since(entry.touched);
            let is_over = match &entry.outcome {
                Some(_) => entry.is_fetched || silent > fetching,
                None => silent > patience && !is_complete(&entry.session),
            };
            if is_over {
                ended.n_over += 1;
                match &entry.outcome {
                    Some(Ok(_)) => ended.n_signed += 1,
                    Some(Err(_)) => {}
                    None => given_up.push(entry.number),
                }
            }
            !is_over
        });
        (*ended, given_up)
    }
}

fn is_complete(session: &Session) -> bool {
    let (n, of) = session.progress();
    n == of
}

#[cfg(test)]
mod tests {
    use host::{challenge::Terms, digest::Digest};

    use super::*;

    fn session() -> Session {
        let terms = Terms {
            model: Digest([1; 32]),
            kv_type: "f16".into(),
            seed: 42,
            prompt_tokens: 16,
            depth: 0,
            tokens: 4,
        };
        Session::new(terms, 1, 1_000_000_000).unwrap()
    }

    #[test]
    fn sessions_end_and_make_room() {
        let (patience, fetching) = (Duration::from_secs(60), Duration::from_secs(5));
        let mut sessions = Sessions::new(patience);
        for n in 1..=MOST_SESSIONS as u64 {
            let added = sessions.add(&n.to_string(), session(), String::new());
            assert_eq!(added, Some(n));
        }
        assert_eq!(sessions.add("more", session(), String::new()), None);
        let now = Instant::now();
        assert_eq!(sessions.sweep(now, fetching), Default::default());

        // One is signed and fetched, one is refused and waits.
        sessions.get("1").unwrap().outcome = Some(Ok("{}".into()));
        sessions.get("2").unwrap().outcome = Some(Err("no".into()));
        assert_eq!(sessions.sweep(now, fetching), Default::default());
        sessions.fetched("1");
        let ended = Ended {
            n_over: 1,
            n_signed: 1,
        };
        assert_eq!(sessions.sweep(now, fetching), (ended, vec![]));
        assert!(sessions.get("1").is_none() && sessions.numbered(2).is_some());

        let ended = Ended { n_over: 2, ..ended };
        let later = Instant::now() + fetching + Duration::from_secs(1);
        assert_eq!(sessions.sweep(later, fetching), (ended, vec![]));
        let (ended, mut given_up) = sessions.sweep(later + patience, fetching);
        given_up.sort_unstable();
        assert_eq!(given_up, [3, 4, 5, 6, 7, 8]);
        assert_eq!((ended.n_over, ended.n_signed), (8, 1));
        assert_eq!(sessions.add("more", session(), String::new()), Some(9));
    }
}
