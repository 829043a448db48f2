//! What `replay` prints.

use std::{fmt::Write, path::Path};

use host::{
    digest::Digest,
    external::ExternalRun,
    guest::guest_sha256,
    input::HashedModel,
    judge::{Consistency, Judgement},
    plain::plain,
};
use serde::Serialize;

const DOUBT: &str = "; this model makes so much of rounding that a right engine may do this, so nobody can tell; \
                     judge the engine on another model";

/// The judgement, and what it is about.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    #[serde(flatten)]
    judgement: &'a Judgement,
    /// Why the run is rejected.
    why: Option<String>,
    /// The file that was replayed.
    model: Replayed,
    /// Number of tokens in the prompt.
    prompt_tokens: usize,
    guest_sha256: Digest,
    /// What the transcript says of itself: nobody checked it.
    claimed: Claimed<'a>,
}

#[derive(Serialize)]
struct Replayed {
    file_name: String,
    sha256: Digest,
}

#[derive(Serialize)]
struct Claimed<'a> {
    engine: Option<&'a str>,
    /// None beside tokens that are rejected.
    tokens_per_sec: Option<f64>,
    model_sha256: Option<Digest>,
}

impl<'a> Report<'a> {
    pub(super) fn of(
        judgement: &'a Judgement,
        transcript: &'a ExternalRun,
        model: &HashedModel,
    ) -> Self {
        let name = model.path.file_name().unwrap_or(model.path.as_os_str());
        let is_right = judgement.mistake.is_none();
        Self {
            judgement,
            why: judgement.mistake.map(|mistake| mistake.to_string()),
            model: Replayed {
                file_name: name.to_string_lossy().into_owned(),
                sha256: model.sha256,
            },
            prompt_tokens: transcript.prompt_ids.len(),
            guest_sha256: guest_sha256(),
            claimed: Claimed {
                engine: transcript.engine.as_deref(),
                tokens_per_sec: transcript.tokens_per_sec.filter(|_| is_right),
                model_sha256: transcript.model_sha256,
            },
        }
    }

    /// The report for people about the transcript at `path`.
    pub(super) fn text(&self, path: &Path) -> String {
        let judgement = self.judgement;
        let (n, ties) = (judgement.tokens.len(), judgement.ties);
        let mut text = format!(
            "{}: {} ({} of {n} tokens are the reference's choice, {} tied)\n",
            judgement.conclusion.as_str(),
            path.display(),
            judgement.exact,
            judgement.tied,
        );
        if let Some(why) = &self.why {
            let (mark, doubt) = match judgement.conclusion {
                Consistency::Unverifiable => ("????", DOUBT),
                _ => ("FAIL", ""),
            };
            let _ = writeln!(text, "  {mark} {why}{doubt}");
        }
        let _ = writeln!(
            text,
            "  ties: {} of {} close decisions made otherwise, at most {} allowed; close is within {} spreads",
            ties.found, ties.close, ties.allowed, judgement.limits.consistent.spreads,
        );
        if let Some(values) = judgement.values {
            let _ = writeln!(
                text,
                "  values: {} logits at {} tokens, off by {:.4} spreads (root mean square), by {:.4} at most",
                values.count, judgement.by_value, values.rms, values.largest,
            );
        }
        if judgement.goes_on > 0 {
            let _ = writeln!(
                text,
                "  at {} tokens the reference would end the text; the best other token counts there",
                judgement.goes_on
            );
        }
        let leads = judgement.tokens.iter().filter_map(|t| t.lead);
        if let Some(least) = leads.min_by(f64::total_cmp) {
            let _ = writeln!(
                text,
                "margin: the reference's closest choice is ahead by {least:.6}"
            );
        }
        let _ = writeln!(
            text,
            "model: {} {}",
            plain(&self.model.file_name, 200),
            self.model.sha256
        );
        text + &self.claimed.line()
    }
}

impl Claimed<'_> {
    fn line(&self) -> String {
        let Some(speed) = self.tokens_per_sec else {
            return String::new();
        };
        match self.engine {
            Some(engine) => format!(
                "speed: {speed} tokens/s, claimed by {}\n",
                plain(engine, usize::MAX)
            ),
            None => format!("speed: {speed} tokens/s, as the file claims\n"),
        }
    }
}
