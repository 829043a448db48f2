//! Derives merges from the scores of a SentencePiece vocabulary.

use tokenizers::models::bpe::Merges;

use super::{
    error::{SCORES, TOKENS, TokenizerError},
    vocabulary::{TokenType, Vocabulary},
};

/// The largest allowed sum of the squared lengths in bytes of all normal tokens. Bounds the work of
/// finding all merges, and their memory. A vocabulary of 32,000 tokens has a sum of 2 million.
const MAX_SQUARES: usize = 1 << 26;

/// A merge of two normal tokens into the token `id`.
struct Join<'a> {
    id: u32,
    left: &'a str,
    right: &'a str,
}

/// All pairs of normal tokens that join to a normal token, in descending order of its score.
///
/// SentencePiece merges the pair with the highest score, and of equal scores the leftmost pair. A
/// list of merges gives the same result if no two tokens have the same score: what happens inside a
/// stretch of text that becomes a token does not depend on the text around it, so a token always
/// results from the same pair.
///
/// Tokens that repeat one character may share a score, like the runs of spaces in the vocabulary of
/// Mistral 7B. Of two such merges, the one with the longer left token comes first, so that a run
/// grows from its left end, as in SentencePiece. Any other tokens with equal scores are refused.
pub(super) fn merges(scores: &[f32], vocabulary: &Vocabulary) -> Result<Merges, TokenizerError> {
    check(scores, vocabulary.len())?;
    // Adding 0.0 turns −0.0 into 0.0.
    let score = |join: &Join| scores[join.id as usize] + 0.0;
    let mut joins = joins(vocabulary)?;
    joins.sort_by(|a, b| {
        let by_score = score(b).total_cmp(&score(a));
        by_score.then(b.left.len().cmp(&a.left.len()))
    });
    let equal = joins.windows(2).find(|pair| {
        let is_run_of_one = pair[0].run().is_some() && pair[0].run() == pair[1].run();
        pair[0].id != pair[1].id && score(&pair[0]) == score(&pair[1]) && !is_run_of_one
    });
    if let Some(pair) = equal {
        let (first, second) = (pair[0].id.min(pair[1].id), pair[0].id.max(pair[1].id));
        let score = score(&pair[0]);
        let problem = format!("{score} is also {SCORES}[{first}], which one merges first is open");
        return Err(TokenizerError::element(SCORES, second as usize, problem));
    }
    let merge = |join: Join| (join.left.to_owned(), join.right.to_owned());
    Ok(joins.into_iter().map(merge).collect())
}

impl Join<'_> {
    /// The character that the joined token consists of, if it repeats a single one.
    fn run(&self) -> Option<char> {
        let mut chars = self.left.chars().chain(self.right.chars());
        let first = chars.next()?;
        chars.all(|c| c == first).then_some(first)
    }
}

fn joins<'a>(vocabulary: &Vocabulary<'a>) -> Result<Vec<Join<'a>>, TokenizerError> {
    let is_token = |text: &str| vocabulary.id_of_type(text, TokenType::Normal).is_some();
    let mut squares = 0;
    let mut joins = Vec::new();
    for (id, text) in vocabulary.of_type(TokenType::Normal) {
        squares += text.len() * text.len();
        if squares > MAX_SQUARES {
            let problem = format!(
                "with it the squares of the lengths in bytes add up to {squares}, \
                 allowed: at most {MAX_SQUARES} for llama"
            );
            return Err(TokenizerError::element(TOKENS, id as usize, problem));
        }
        let splits = text.char_indices().map(|(at, _)| text.split_at(at));
        let pairs = splits.filter(|(left, right)| is_token(left) && is_token(right));
        joins.extend(pairs.map(|(left, right)| Join { id, left, right }));
    }
    Ok(joins)
}

fn check(scores: &[f32], n_tokens: usize) -> Result<(), TokenizerError> {
    if scores.len() != n_tokens {
        return Err(TokenizerError::Length {
            key: SCORES,
            found: scores.len(),
            n_tokens,
        });
    }
    let bad = scores.iter().position(|score| !score.is_finite());
    bad.map_or(Ok(()), |index| {
        let problem = format!("{} is not a finite number", scores[index]);
        Err(TokenizerError::element(SCORES, index, problem))
    })
}
