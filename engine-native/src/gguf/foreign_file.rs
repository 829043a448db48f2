//! Files that are no GGUF files, by their first bytes.

use super::GgufError;

/// First bytes, what begins with them, and how to get a GGUF file.
type Row = (&'static [u8], &'static str, &'static str);

const CONVERT: &str = "convert the folder of the original model: \
                       python convert_hf_to_gguf.py FOLDER --outfile MODEL.gguf";
const CONVERT_OLD: &str = "files from before GGUF (August 2023) are best replaced: \
                           download or convert the model again";
const DOWNLOAD: &str = "download the file itself, with the address behind its download button";

const MAGICS: [Row; 17] = [
    (b"tjgg", "a GGJT file, a format before GGUF", CONVERT_OLD),
    (b"lmgg", "a GGML file, a format before GGUF", CONVERT_OLD),
    (b"fmgg", "a GGMF file, a format before GGUF", CONVERT_OLD),
    (b"algg", "a GGLA adapter, a format before GGUF", CONVERT_OLD),
    (b"\x80\x02", "a PyTorch pickle", CONVERT),
    (b"\x80\x04", "a pickle", CONVERT),
    (b"\x93NUMPY", "a NumPy array", CONVERT),
    (b"\x89HDF", "an HDF5 file", CONVERT),
    (
        b"version https://git-lfs",
        "a git-LFS pointer, not the file that it stands for",
        "fetch the file: git lfs pull",
    ),
    (b"MZqFpD", "a llamafile", "unzip the .gguf file in it"),
    (b"\x1f\x8b", "a gzip archive", "unpack it: gunzip FILE"),
    (
        b"\x28\xb5\x2f\xfd",
        "a Zstandard archive",
        "unpack it: unzstd FILE",
    ),
    (b"\xfd7zXZ", "an XZ archive", "unpack it: unxz FILE"),
    (b"BZh", "a bzip2 archive", "unpack it: bunzip2 FILE"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it: 7z x FILE"),
    (b"<?xml", "an XML page, perhaps a server's error", DOWNLOAD),
    (
        b"\0\0\0\0",
        "zeros",
        "the download has perhaps not finished: start it again",
    ),
];

/// The error for a file that does not start with `GGUF`; `start` has at least its first 4 bytes.
pub(super) fn error(start: &[u8]) -> GgufError {
    let known = MAGICS.iter().find(|(magic, ..)| start.starts_with(magic));
    let found = match known {
        Some((_, found, advice)) => Some((*found, *advice)),
        None => safetensors(start)
            .or_else(|| archive(start))
            .or_else(|| text(start)),
    };
    match found {
        Some((found, advice)) => GgufError::NotGguf { found, advice },
        None => GgufError::Magic {
            found: [start[0], start[1], start[2], start[3]],
        },
    }
}

/// The length of a JSON header, then the header.
fn safetensors(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let (len, json) = start.split_first_chunk()?;
    let is_header = json.first() == Some(&b'{') && u64::from_le_bytes(*len) < 1 << 32;
    is_header.then_some(("a safetensors file", CONVERT))
}

fn archive(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_zip = start.starts_with(b"PK\x03\x04");
    // The first entry of a checkpoint of PyTorch, behind a header of 30 bytes.
    let name = start.get(30..128).unwrap_or_default();
    let is_pickle = name.windows(8).any(|window| window == b"data.pkl");
    is_zip.then_some(match is_pickle {
        true => ("a PyTorch checkpoint (zip)", CONVERT),
        false => ("a ZIP archive", "unpack it: unzip FILE"),
    })
}

fn text(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let start = start.trim_ascii_start();
    let begins = |word: &str| {
        let found = start.get(..word.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    };
    if begins("<!doctype html") || begins("<html") || begins("<head") {
        return Some(("an HTML page", DOWNLOAD));
    }
    let is_json = begins("{\"") || begins("{\n") || begins("{\r\n");
    is_json.then_some(("JSON text, not a model", DOWNLOAD))
}
