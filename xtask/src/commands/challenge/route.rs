//! The addresses of a challenger.

/// What a request is about. Sessions have names that cannot be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'p> {
    Hello,
    Open,
    Ping(&'p str),
    Ask(&'p str),
    Answer(&'p str, usize),
    Receipt(&'p str, usize),
    Statement(&'p str),
    /// An address that there is, with a method that it does not have.
    OtherMethod,
    Nowhere,
}

impl<'p> Route<'p> {
    pub fn of(method: &str, path: &'p str) -> Self {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let number = |text: &str| text.parse().ok();
        let (found, allowed) = match parts[..] {
            ["v1"] => (Self::Hello, "GET"),
            ["v1", "sessions"] => (Self::Open, "POST"),
            ["v1", "sessions", id, "ping"] => (Self::Ping(id), "POST"),
            ["v1", "sessions", id, "rounds"] => (Self::Ask(id), "POST"),
            ["v1", "sessions", id, "statement"] => (Self::Statement(id), "GET"),
            ["v1", "sessions", id, "rounds", round, what] => match (number(round), what) {
                (Some(round), "answer") => (Self::Answer(id, round), "POST"),
                (Some(round), "receipt") => (Self::Receipt(id, round), "PUT"),
                _ => return Self::Nowhere,
            },
            _ => return Self::Nowhere,
        };
        match method == allowed {
            true => found,
            false => Self::OtherMethod,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_one_method() {
        for (method, path, route) in [
            ("GET", "/v1", Route::Hello),
            ("POST", "/v1", Route::OtherMethod),
            ("POST", "/v1/sessions", Route::Open),
            ("POST", "/v1/sessions/a/ping", Route::Ping("a")),
            ("POST", "/v1/sessions/a/rounds", Route::Ask("a")),
            (
                "POST",
                "/v1/sessions/a/rounds/2/answer",
                Route::Answer("a", 2),
            ),
            ("GET", "/v1/sessions/a/rounds/2/answer", Route::OtherMethod),
            (
                "PUT",
                "/v1/sessions/a/rounds/2/receipt",
                Route::Receipt("a", 2),
            ),
            ("PUT", "/v1/sessions/a/rounds/x/receipt", Route::Nowhere),
            ("PUT", "/v1/sessions/a/rounds/-1/receipt", Route::Nowhere),
            ("PUT", "/v1/sessions/a/rounds/2/other", Route::Nowhere),
            ("GET", "/v1/sessions/a/statement", Route::Statement("a")),
            ("GET", "/", Route::Nowhere),
            ("GET", "/favicon.ico", Route::Nowhere),
        ] {
            assert_eq!(Route::of(method, path), route, "{method} {path}");
        }
    }
}
