//! Files that must be refused: whoever reads them computes something that nobody has written.

use half::f16;

use super::{
    case::{RefusedFile, Splice, sha256},
    models::Gguf,
};
use crate::make_model::gguf_writer::{ALIGNMENT, GgufHeader, I2_S, Q2_0, TensorInfo, Value};

/// A file that must be refused, and how it is made.
pub struct MadeRefused {
    /// Its description.
    pub refused: RefusedFile,
    /// The whole file.
    pub file: Vec<u8>,
}

const PROJECTION: &str = "blk.0.ffn_down.weight";
const NORM: &str = "blk.1.ffn_norm.weight";
const EMBEDDING: &str = "token_embd.weight";

/// Bytes of a block of Q2_0.
const Q2_0_BYTES: u64 = 18;

/// Files that were made from one model.
struct Breaker<'a> {
    /// What their names begin with.
    prefix: &'static str,
    base: &'static str,
    gguf: &'a Gguf,
    made: Vec<MadeRefused>,
}

/// All files. `i2_s` and `q2_0` are the models of these cases.
pub(super) fn all(i2_s: (&'static str, &Gguf), q2_0: (&'static str, &Gguf)) -> Vec<MadeRefused> {
    let mut of_i2_s = Breaker::new("i2_s", i2_s);
    of_i2_s.any_type();
    of_i2_s.values_of_i2_s();
    of_i2_s.layout_of_i2_s();
    let mut of_q2_0 = Breaker::new("q2_0", q2_0);
    of_q2_0.any_type();
    of_q2_0.values_of_q2_0();
    of_q2_0.sizes_of_q2_0();
    of_i2_s.made.into_iter().chain(of_q2_0.made).collect()
}

/// A broken file, in the two parts that are compared with those of its base.
struct Broken {
    head: Vec<u8>,
    data: Vec<u8>,
}

impl<'a> Breaker<'a> {
    fn new(prefix: &'static str, (base, gguf): (&'static str, &'a Gguf)) -> Self {
        Self {
            prefix,
            base,
            gguf,
            made: Vec::new(),
        }
    }

    /// What is wrong whatever the types are.
    fn any_type(&mut self) {
        self.cut_off();
        self.lists_of_tensors();
        let norm = self.with_data(NORM, 4, &f32::INFINITY.to_le_bytes());
        self.push("norm-infinite", "A weight of a norm is infinite", norm);
    }

    fn push(&mut self, name: &str, why: &str, broken: Broken) {
        let name = format!("{}-{name}", self.prefix);
        let (head, data) = self.parts();
        let of_head = splice(0, head, &broken.head);
        let of_data = splice(head.len(), data, &broken.data);
        let file = [broken.head, broken.data].concat();
        self.made.push(MadeRefused {
            refused: RefusedFile {
                name,
                why: why.to_owned(),
                bytes: file.len() as u64,
                sha256: sha256(&file),
                base: self.base.to_owned(),
                splices: of_head.into_iter().chain(of_data).collect(),
            },
            file,
        });
    }

    /// Header and data of the base.
    fn parts(&self) -> (&[u8], &[u8]) {
        self.gguf.bytes.split_at(self.gguf.data_start())
    }

    /// The first bytes of the file.
    fn cut(&self, len: usize) -> Broken {
        let (head, data) = self.parts();
        let kept = len.min(head.len());
        Broken {
            head: head[..kept].to_vec(),
            data: data[..len - kept].to_vec(),
        }
    }

    /// The file with other bytes `at` bytes into a tensor.
    fn with_data(&self, tensor: &str, at: u64, bytes: &[u8]) -> Broken {
        let start = (self.find(tensor).offset + at) as usize;
        let mut broken = self.cut(self.gguf.bytes.len());
        broken.data[start..start + bytes.len()].copy_from_slice(bytes);
        broken
    }

    /// The file with another header.
    fn with_header(&self, edit: impl FnOnce(&mut GgufHeader)) -> Broken {
        let mut header = self.gguf.header.clone();
        edit(&mut header);
        Broken {
            head: header.to_bytes(),
            data: self.parts().1.to_vec(),
        }
    }

    fn find(&self, name: &str) -> &TensorInfo {
        let mut tensors = self.gguf.header.tensors.iter();
        tensors.find(|t| t.name == name).expect("the model has it")
    }

    fn cut_off(&mut self) {
        let (start, end) = (self.gguf.data_start(), self.gguf.bytes.len());
        let header = self.cut(start / 2);
        let half = self.cut(start.midpoint(end));
        let last = self.cut(end - ALIGNMENT as usize);
        self.push("cut-header", "The file ends within its header", header);
        self.push(
            "cut-half",
            "The file ends in the middle of its tensors",
            half,
        );
        self.push(
            "cut-last",
            "The last 32 bytes of the last tensor are missing",
            last,
        );
    }

    fn values_of_i2_s(&mut self) {
        let elements = self.find(PROJECTION).dims.iter().product::<u64>();
        let scale = elements / 4;
        let with_scale = |s: &Self, x: f32| s.with_data(PROJECTION, scale, &x.to_le_bytes());
        let code = self.with_data(PROJECTION, 7, &[0b0111_0110]);
        let (nan, below, zero) = (
            with_scale(self, f32::NAN),
            with_scale(self, -0.125),
            with_scale(self, 0.0),
        );
        self.push(
            "code-3",
            "A weight has code 3, which stands for nothing",
            code,
        );
        self.push("scale-nan", "The scale of a tensor is not a number", nan);
        self.push("scale-below-0", "The scale of a tensor is below 0", below);
        self.push(
            "scale-0",
            "The scale of a tensor is 0, so all its weights are lost",
            zero,
        );
        let row = self.with_data(EMBEDDING, 2, &f16::NAN.to_le_bytes());
        self.push(
            "embedding-nan",
            "An element of the embedding is not a number",
            row,
        );
    }

    fn lists_of_tensors(&mut self) {
        let missing = self.with_header(|header| header.tensors.retain(|t| t.name != NORM));
        self.push(
            "no-ffn-norm",
            "The norm before a feed-forward network is missing",
            missing,
        );
        let edit = |s: &Self, edit: fn(&mut TensorInfo)| {
            s.with_header(|header| {
                let found = header.tensors.iter_mut().find(|t| t.name == PROJECTION);
                found.into_iter().for_each(edit);
            })
        };
        let turned = edit(self, |tensor| tensor.dims.reverse());
        let beyond = edit(self, |tensor| tensor.offset += 1 << 30);
        let shared = edit(self, |tensor| tensor.offset = 0);
        self.push(
            "rows-and-columns",
            "Rows and columns of a projection are exchanged",
            turned,
        );
        self.push(
            "offset-beyond",
            "A tensor lies beyond the end of the file",
            beyond,
        );
        self.push("offset-shared", "Two tensors lie in the same place", shared);
        let heads = self.with_header(|header| {
            let is_heads = |key: &str| key.ends_with(".attention.head_count_kv");
            for (_, value) in header.keys.iter_mut().filter(|(key, _)| is_heads(key)) {
                *value = Value::U32(0);
            }
        });
        self.push("no-heads", "There are no heads for keys and values", heads);
    }

    /// Sizes that give a layout away.
    fn layout_of_i2_s(&mut self) {
        let dims = &self.find(PROJECTION).dims;
        let n_bytes = dims.iter().product::<u64>() / 4 + 4 * dims[1];
        let per_row = self.resized(PROJECTION, I2_S, n_bytes);
        let why =
            "I2_S with a scale for each row: taken for one scale, it leaves bytes of no tensor";
        self.push("scale-per-row", why, per_row);
        let mut either = self.resized(PROJECTION, Q2_0, 2 * Q2_0_BYTES);
        let mut header = self.resized_header(PROJECTION, Q2_0, 2 * Q2_0_BYTES);
        let found = header.tensors.iter_mut().find(|t| t.name == PROJECTION);
        found
            .into_iter()
            .for_each(|tensor| tensor.dims = vec![128, 1]);
        either.head = header.to_bytes();
        let why = "A row of 128 weights of type 42, which fits blocks of 64 and of 128 alike";
        self.push("either-size", why, either);
    }

    fn values_of_q2_0(&mut self) {
        let with_d = |s: &Self, d: f16| s.with_data(PROJECTION, 5 * Q2_0_BYTES, &d.to_le_bytes());
        let code = self.with_data(PROJECTION, 2, &[0b0100_1101]);
        let (nan, below) = (with_d(self, f16::NAN), with_d(self, f16::from_f32(-0.25)));
        let why = "A weight has code 3: the type is ternary where it is used here";
        self.push("code-3", why, code);
        self.push("scale-nan", "The scale of a block is not a number", nan);
        self.push("scale-below-0", "The scale of a block is below 0", below);
    }

    /// Type 42 has blocks of 64 in 18 bytes, or of 128 in 34.
    fn sizes_of_q2_0(&mut self) {
        let elements = self.find(PROJECTION).dims.iter().product::<u64>();
        let neither = self.resized(PROJECTION, Q2_0, elements / 64 * Q2_0_BYTES + ALIGNMENT);
        let why = "Tensors of type 42 lie as neither blocks of 64 nor blocks of 128 do";
        self.push("neither-size", why, neither);
    }

    /// The header of a file in which a tensor takes other room.
    fn resized_header(&self, name: &str, type_id: u32, n_bytes: u64) -> GgufHeader {
        let mut header = GgufHeader::default();
        header.keys.clone_from(&self.gguf.header.keys);
        for (tensor, n) in self.tensors() {
            let (type_id, n_bytes) = match tensor.name == name {
                true => (type_id, n_bytes),
                false => (tensor.type_id, n),
            };
            header.push_tensor(&tensor.name, &tensor.dims, type_id, n_bytes);
        }
        header
    }

    /// The file with a tensor that takes other room, with zeros at its end if it is more.
    fn resized(&self, name: &str, type_id: u32, n_bytes: u64) -> Broken {
        let header = self.resized_header(name, type_id, n_bytes);
        let mut data = Vec::new();
        for (tensor, n) in self.tensors() {
            let n_bytes = if tensor.name == name { n_bytes } else { n };
            let kept = &self.parts().1[tensor.offset as usize..][..n.min(n_bytes) as usize];
            let end = data.len() + n_bytes.next_multiple_of(ALIGNMENT) as usize;
            data.extend(kept);
            data.resize(end, 0);
        }
        Broken {
            head: header.to_bytes(),
            data,
        }
    }

    /// All tensors, with their bytes up to the next one.
    fn tensors(&self) -> impl Iterator<Item = (&TensorInfo, u64)> {
        let header = &self.gguf.header;
        let ends = header.tensors[1..].iter().map(|t| t.offset);
        let ends = ends.chain([header.data_bytes()]);
        let tensors = header.tensors.iter().zip(ends);
        tensors.map(|(tensor, end)| (tensor, end - tensor.offset))
    }
}

/// The change from `base` to `file`, if there is one. `offset` is where `base` begins.
fn splice(offset: usize, base: &[u8], file: &[u8]) -> Option<Splice> {
    let n = base.iter().zip(file).take_while(|(a, b)| a == b).count();
    let (base, file) = (&base[n..], &file[n..]);
    let equal = base.iter().rev().zip(file.iter().rev());
    let tail = equal.take_while(|(a, b)| a == b).count();
    let (removed, inserted) = (base.len() - tail, &file[..file.len() - tail]);
    let hex = inserted.iter().map(|byte| format!("{byte:02x}")).collect();
    (removed > 0 || !inserted.is_empty()).then(|| Splice {
        at: (offset + n) as u64,
        remove: removed as u64,
        insert: hex,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_splice_is_the_whole_change() {
        let at =
            |base: &[u8], file: &[u8]| splice(10, base, file).map(|s| (s.at, s.remove, s.insert));
        assert_eq!(at(b"abc", b"abc"), None);
        assert_eq!(at(b"abc", b"a"), Some((11, 2, String::new())));
        assert_eq!(at(b"abc", b"axc"), Some((11, 1, "78".into())));
        assert_eq!(at(b"aa", b"aaa"), Some((12, 0, "61".into())));
        assert_eq!(at(b"", b"\x01"), Some((10, 0, "01".into())));
    }
}
