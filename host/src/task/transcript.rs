//! The transcript: a hash chain over everything that a run computes. `NUMERICS.md` defines it.

use engine_native::{Choice, KvType, PositionTrace, little_endian};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

const TAG: &[u8; 25] = b"bitreceipt/transcript/v1\0";

/// Everything that a run starts from; the first link of the chain.
#[derive(Debug, Clone)]
pub struct TranscriptStart<'a> {
    /// SHA-256 of the whole model file.
    pub model: Digest,
    /// Element type of the KV cache.
    pub kv_type: KvType,
    /// Bytes of the challenge; empty without one.
    pub challenge: &'a [u8],
    /// Prompt ids.
    pub prompt: &'a [u32],
    /// Number of tokens to generate.
    pub n_generate: usize,
}

/// What the transcript records of a position. The residual streams are already hashed.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionRecord {
    /// Position, from 0.
    pub position: usize,
    /// The token that was fed.
    pub input: u32,
    /// Digest of the residual stream leaving each layer.
    pub boundaries: Vec<Digest>,
    /// Output of the final RMSNorm, `[n_embd]`.
    pub hidden: Vec<f32>,
    /// The token chosen at this position, if one is.
    pub choice: Option<Choice>,
}

impl PositionRecord {
    /// Makes the record of a native trace: hashes its residual streams.
    pub fn from_trace(trace: &PositionTrace) -> Self {
        let n_layers = trace.boundaries.len() / trace.hidden.len();
        Self {
            position: trace.position,
            input: trace.input,
            boundaries: (0..n_layers)
                .map(|layer| boundary_digest(trace.boundary(layer)))
                .collect(),
            hidden: trace.hidden.clone(),
            choice: trace.choice,
        }
    }
}

/// The digest of a residual stream's bits.
pub fn boundary_digest(residual: &[f32]) -> Digest {
    let mut hasher = Sha256::new();
    update_f32s(&mut hasher, residual);
    Digest(hasher.finalize().into())
}

/// A hash chain over the positions of a run.
///
/// ```
/// use engine_native::{Choice, KvType};
/// use host::digest::Digest;
/// use host::task::{PositionRecord, Transcript, TranscriptStart, boundary_digest};
///
/// let model = Digest::of(b"the bytes of a model file");
/// let start = TranscriptStart {
///     model,
///     kv_type: KvType::F16,
///     challenge: &[],
///     prompt: &[7],
///     n_generate: 1,
/// };
/// let record = PositionRecord {
///     position: 0,
///     input: 7,
///     boundaries: vec![boundary_digest(&[1.0, -0.5])],
///     hidden: vec![0.25, -3.0],
///     choice: Some(Choice { token: 9, logit: 1.5 }),
/// };
/// let mut transcript = Transcript::new(&start);
/// transcript.append(&record);
/// assert_eq!(transcript.checksum(), Transcript::of(&start, [&record]));
///
/// // A single bit of a residual stream changes the checksum.
/// let other = PositionRecord { boundaries: vec![boundary_digest(&[1.0, 0.5])], ..record };
/// assert_ne!(transcript.checksum(), Transcript::of(&start, [&other]));
/// ```
#[derive(Debug, Clone)]
pub struct Transcript {
    head: Digest,
    n_positions: usize,
}

impl Transcript {
    /// The transcript before the first position: T_0.
    pub fn new(start: &TranscriptStart) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(TAG);
        hasher.update(start.model.0);
        hasher.update([match start.kv_type {
            KvType::F32 => 0,
            KvType::F16 => 1,
        }]);
        hasher.update((start.challenge.len() as u32).to_le_bytes());
        hasher.update(start.challenge);
        hasher.update((start.prompt.len() as u32).to_le_bytes());
        for id in start.prompt {
            hasher.update(id.to_le_bytes());
        }
        hasher.update((start.n_generate as u32).to_le_bytes());
        Self {
            head: Digest(hasher.finalize().into()),
            n_positions: 0,
        }
    }

    /// Appends a position: computes T_{p+1} from T_p.
    ///
    /// # Panics
    /// The positions are not in order.
    pub fn append(&mut self, record: &PositionRecord) {
        assert_eq!(record.position, self.n_positions, "positions come in order");
        let mut hasher = Sha256::new();
        hasher.update(self.head.0);
        hasher.update((record.position as u32).to_le_bytes());
        hasher.update(record.input.to_le_bytes());
        update_f32s(&mut hasher, &record.hidden);
        for boundary in &record.boundaries {
            hasher.update(boundary.0);
        }
        if let Some(choice) = &record.choice {
            hasher.update(choice.token.to_le_bytes());
            hasher.update(choice.logit.to_bits().to_le_bytes());
        }
        self.head = Digest(hasher.finalize().into());
        self.n_positions += 1;
    }

    /// The checksum of a whole run: that of a transcript with all `records`.
    pub fn of<'a>(
        start: &TranscriptStart,
        records: impl IntoIterator<Item = &'a PositionRecord>,
    ) -> Digest {
        let mut transcript = Self::new(start);
        for record in records {
            transcript.append(record);
        }
        transcript.checksum()
    }

    /// The checksum of the positions appended so far.
    pub fn checksum(&self) -> Digest {
        self.head
    }
}

fn update_f32s(hasher: &mut Sha256, values: &[f32]) {
    // In blocks: hashing four bytes at a time would be slow.
    let mut block = [0; 4096];
    for values in values.chunks(block.len() / 4) {
        hasher.update(little_endian(values, &mut block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(position: usize) -> PositionRecord {
        PositionRecord {
            position,
            input: 7,
            boundaries: vec![boundary_digest(&[1.0, -0.0]), boundary_digest(&[0.5, 2.0])],
            hidden: vec![0.25, -3.0],
            choice: Some(Choice {
                token: 9,
                logit: 1.5,
            }),
        }
    }

    fn start(prompt: &[u32]) -> TranscriptStart<'_> {
        TranscriptStart {
            model: Digest([0x11; 32]),
            kv_type: KvType::F16,
            challenge: &[],
            prompt,
            n_generate: 1,
        }
    }

    /// The definition, written out byte by byte and independent of the code above.
    #[test]
    fn bytes_are_those_of_the_definition() {
        let mut t0 = b"bitreceipt/transcript/v1\0".to_vec();
        t0.extend([0x11; 32]);
        t0.extend([1, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0]);
        let b0 = Digest::of(&[0, 0, 0x80, 0x3f, 0, 0, 0, 0x80]);
        let b1 = Digest::of(&[0, 0, 0, 0x3f, 0, 0, 0, 0x40]);
        let mut t1 = Digest::of(&t0).0.to_vec();
        t1.extend([0, 0, 0, 0, 7, 0, 0, 0]);
        t1.extend([0, 0, 0x80, 0x3e, 0, 0, 0x40, 0xc0]);
        t1.extend(b0.0);
        t1.extend(b1.0);
        t1.extend([9, 0, 0, 0, 0, 0, 0xc0, 0x3f]);
        assert_eq!(Transcript::of(&start(&[7]), [&record(0)]), Digest::of(&t1));
    }

    #[test]
    fn values_of_any_number_are_hashed_one_after_another() {
        for n in [0, 1, 255, 256, 257, 2560] {
            let values: Vec<f32> = (0..n).map(|i| i as f32 * -0.5).collect();
            let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            assert_eq!(boundary_digest(&values), Digest::of(&bytes), "{n} values");
        }
    }

    #[test]
    fn a_challenge_stands_before_the_prompt() {
        let mut t0 = b"bitreceipt/transcript/v1\0".to_vec();
        t0.extend([0x11; 32]);
        t0.extend([1, 2, 0, 0, 0, 0xc0, 0xde]);
        t0.extend([1, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0]);
        let mut start = start(&[7]);
        start.challenge = &[0xc0, 0xde];
        assert_eq!(Transcript::of(&start, []), Digest::of(&t0));
    }

    #[test]
    fn every_part_changes_the_checksum() {
        let base = Transcript::of(&start(&[7]), [&record(0)]);
        let edits: [fn(&mut PositionRecord); 6] = [
            |r| r.input = 8,
            |r| r.boundaries.swap(0, 1),
            |r| r.hidden[1] = f32::from_bits(r.hidden[1].to_bits() ^ 1),
            |r| r.choice.as_mut().unwrap().token = 10,
            |r| r.choice.as_mut().unwrap().logit = 1.0,
            |r| r.choice = None,
        ];
        for edit in edits {
            let mut edited = record(0);
            edit(&mut edited);
            assert_ne!(Transcript::of(&start(&[7]), [&edited]), base);
        }
        let mut other = start(&[7]);
        other.n_generate = 2;
        assert_ne!(Transcript::of(&other, [&record(0)]), base);
        other = start(&[7]);
        other.kv_type = KvType::F32;
        assert_ne!(Transcript::of(&other, [&record(0)]), base);
        other = start(&[7]);
        other.challenge = &[0];
        assert_ne!(Transcript::of(&other, [&record(0)]), base);
        assert_ne!(Transcript::of(&start(&[6]), [&record(0)]), base);
    }
}
