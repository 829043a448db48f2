//! A server's answer, event by event, as its adapter says where what is.

use std::time::Instant;

use serde_json::Value;

use super::{
    adapter::{AdapterAnswer, TopLogits},
    engine::{Answer, Reported, Request},
    failure::Cause,
    pieces::Pieces,
    progress::{Progress, after},
    quote::quote,
    vocabulary::Vocabulary,
};
use crate::http::Event;

/// An answer while it comes.
pub(super) struct Completion<'a> {
    places: &'a AdapterAnswer,
    /// Where the stream has texts in place of ids.
    pieces: Option<Pieces<'a>>,
    progress: Progress<'a>,
    /// Ids in their order; nothing for tokens that the stream keeps back, or has as text.
    ids: Vec<Option<i64>>,
    reported: Option<Reported>,
}

/// Whether more events are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    More,
    Last,
}

impl<'a> Completion<'a> {
    pub(super) fn new(
        request: &'a Request<'a>,
        places: &'a AdapterAnswer,
        vocabulary: Option<&'a Vocabulary>,
        n_vocab: u32,
        sent: Instant,
    ) -> Self {
        Self {
            places,
            pieces: vocabulary.map(Pieces::new),
            progress: Progress::new(request, n_vocab, sent),
            ids: Vec::new(),
            reported: None,
        }
    }

    /// How many tokens it has by now.
    pub(super) fn n(&self) -> usize {
        self.ids.len()
    }

    /// Where it is, for messages.
    pub(super) fn when(&self) -> String {
        match &self.pieces {
            // Their arrival is noted when their ids are known.
            Some(pieces) => after(pieces.n(), self.progress.n_asked()),
            None => self.progress.when(),
        }
    }

    /// Takes an event.
    pub(super) fn event(&mut self, event: &Event) -> Result<Reply, Cause> {
        let value: Value = serde_json::from_slice(&event.data).map_err(|_| {
            let (found, when) = (quote(&event.data), self.when());
            Cause::BadAnswer(format!(
                "found {found} in its stream {when}, allowed is JSON"
            ))
        })?;
        if let Some(why) = error_in(&value) {
            return Err(Cause::Refused(format!("it says {why} {}", self.when())));
        }
        let is_last = match value.pointer(&self.places.last) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(other) => return Err(self.wrong(&self.places.last, other)),
        };
        match (&self.places.tokens, &self.places.piece) {
            (Some(place), _) => self.take_ids(&value, place, event.at)?,
            (None, Some(place)) => self.take_piece(&value, place, is_last, event.at)?,
            (None, None) => {}
        }
        self.take_top_logits(&value)?;
        if !is_last {
            return Ok(Reply::More);
        }
        self.reported = Reported::of(
            self.number(&value, self.places.prompt_ms.as_deref()),
            self.number(&value, self.places.decode_ms.as_deref()),
        );
        Ok(Reply::Last)
    }

    fn take_ids(&mut self, value: &Value, place: &str, at: Instant) -> Result<(), Cause> {
        let new = self.ids_at(value, place)?;
        for &id in &new {
            self.progress.id(id)?;
        }
        let before = self.ids.len();
        let n = self.count(value)?.unwrap_or(before + new.len());
        if n < before + new.len() {
            let found = before + new.len();
            return Err(Cause::BadAnswer(format!(
                "it counts {n} tokens, found {found}"
            )));
        }
        if n > before {
            // This refuses too many, before there is room for them.
            self.progress.arrived(n - before, at)?;
            self.ids.resize(n - new.len(), None);
            self.ids.extend(new.into_iter().map(Some));
        }
        Ok(())
    }

    fn take_piece(
        &mut self,
        value: &Value,
        place: &str,
        is_last: bool,
        at: Instant,
    ) -> Result<(), Cause> {
        match (value.pointer(place), &mut self.pieces) {
            (Some(Value::String(text)), Some(pieces)) if !(text.is_empty() && is_last) => {
                pieces.came(text, at)?;
            }
            (None | Some(Value::String(_)), _) | (_, None) => {}
            (Some(other), _) => return Err(self.wrong(place, other)),
        }
        let n = self.pieces.as_ref().map_or(0, Pieces::n);
        let n = self.count(value)?.unwrap_or(n).max(n);
        self.progress.check_count(n)?;
        self.ids.resize(n, None);
        Ok(())
    }

    fn ids_at(&self, value: &Value, place: &str) -> Result<Vec<i64>, Cause> {
        let found = match value.pointer(place) {
            None => return Ok(vec![]),
            Some(found) => found,
        };
        let ids: Option<Vec<i64>> = match found {
            Value::Array(ids) => ids.iter().map(Value::as_i64).collect(),
            one => one.as_i64().map(|id| vec![id]),
        };
        ids.ok_or_else(|| self.wrong(place, found))
    }

    fn count(&self, value: &Value) -> Result<Option<usize>, Cause> {
        let Some(place) = &self.places.count else {
            return Ok(None);
        };
        match value.pointer(place) {
            None => Ok(None),
            Some(found) => {
                let n = found.as_u64().and_then(|n| usize::try_from(n).ok());
                n.map(Some).ok_or_else(|| self.wrong(place, found))
            }
        }
    }

    fn take_top_logits(&mut self, value: &Value) -> Result<(), Cause> {
        let Some(places) = &self.places.top_logits else {
            return Ok(());
        };
        for top in top_logits(value, places)? {
            self.progress.top_logits(top)?;
        }
        Ok(())
    }

    fn number(&self, value: &Value, place: Option<&str>) -> Option<f64> {
        value.pointer(place?)?.as_f64().filter(|x| x.is_finite())
    }

    fn wrong(&self, place: &str, found: &Value) -> Cause {
        let found = quote(found.to_string().as_bytes());
        Cause::BadAnswer(format!("found {found} at {place} {}", self.when()))
    }

    /// Whether ids have to be asked for again.
    pub(super) fn lacks_ids(&self) -> bool {
        let n = self.ids.len();
        n == self.progress.n_asked()
            && match &self.pieces {
                Some(pieces) => pieces.ids(n).is_err(),
                None => self.ids.contains(&None),
            }
    }

    /// The answer.
    pub(super) fn end(mut self) -> Result<Answer, Cause> {
        let n = self.ids.len();
        if let Some(pieces) = &self.pieces {
            pieces.one_by_one(&pieces.ids(n)?, &mut self.progress)?;
            return self.progress.end(self.reported);
        }
        let known: Vec<i64> = self.ids.iter().copied().flatten().collect();
        if known.len() < n {
            let found = known.len();
            return Err(Cause::BadAnswer(format!(
                "its stream shows {found} of {n} tokens: it keeps back those that end within a character"
            )));
        }
        self.progress.ids(&known)?;
        self.progress.end(self.reported)
    }

    /// The answer, with ids or texts from another one that has those of all tokens at once.
    pub(super) fn end_with(mut self, whole: &[u8]) -> Result<Answer, Cause> {
        let value: Value = serde_json::from_slice(whole).map_err(|_| {
            let whole = quote(whole);
            Cause::BadAnswer(format!(
                "found {whole} when it was asked again, allowed is JSON"
            ))
        })?;
        if let Some(pieces) = &self.pieces {
            let texts = self.texts_in(&value)?;
            pieces.with_texts(&texts, &mut self.progress)?;
            return self.progress.end(self.reported);
        }
        let place = self.places.tokens.as_deref().unwrap_or_default();
        let ids = self.ids_at(&value, place)?;
        let same = ids.len() == self.ids.len()
            && ids
                .iter()
                .zip(&self.ids)
                .all(|(id, known)| known.is_none_or(|known| known == *id));
        if !same {
            return Err(Cause::BadAnswer(
                "it chose other tokens when it was asked again".into(),
            ));
        }
        self.progress.ids(&ids)?;
        self.progress.end(self.reported)
    }

    /// The texts of all tokens, in an answer that has them at once.
    fn texts_in<'v>(&self, value: &'v Value) -> Result<Vec<&'v str>, Cause> {
        let places = self.places.pieces.as_ref();
        let texts = places.and_then(|places| {
            let positions = value.pointer(&places.positions)?.as_array()?;
            let text = |position: &'v Value| position.pointer(&places.text)?.as_str();
            positions.iter().map(text).collect::<Option<Vec<_>>>()
        });
        texts.ok_or_else(|| {
            Cause::BadAnswer("found no texts of tokens when it was asked again".into())
        })
    }
}

/// The largest logits at each token of an event.
fn top_logits(value: &Value, places: &TopLogits) -> Result<Vec<Vec<(i64, f32)>>, Cause> {
    let Some(Value::Array(positions)) = value.pointer(&places.positions) else {
        return Ok(vec![]);
    };
    let of_position = |position: &Value| {
        let list = position.pointer(&places.list)?.as_array()?;
        let pair = |element: &Value| {
            let id = element.pointer(&places.id)?.as_i64()?;
            Some((id, element.pointer(&places.value)?.as_f64()? as f32))
        };
        list.iter().map(pair).collect::<Option<Vec<_>>>()
    };
    let all = positions.iter().map(|position| {
        of_position(position).ok_or_else(|| {
            let found = quote(position.to_string().as_bytes());
            Cause::BadAnswer(format!("found {found} as the logits of a token"))
        })
    });
    all.collect()
}

/// What a server says of a request that it refuses.
pub(super) fn refusal(status: u16, body: &[u8]) -> Cause {
    let value = serde_json::from_slice::<Value>(body).ok();
    let why = value.as_ref().and_then(error_in);
    let why = why.unwrap_or_else(|| quote(body));
    Cause::Refused(format!("it answers with status {status} and says {why}"))
}

/// The message of an error, as llama.cpp's servers send it.
fn error_in(value: &Value) -> Option<String> {
    let error = value.get("error").filter(|error| !error.is_null());
    let is_bare = value.get("code").is_some() && value.get("message").is_some();
    let error = error.or_else(|| is_bare.then_some(value))?;
    let text = match error.get("message").unwrap_or(error) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(quote(text.as_bytes()))
}
