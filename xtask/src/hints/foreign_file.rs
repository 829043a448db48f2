//! Files that people mistake for models, by their first bytes, and what to do with each.

const CONVERT: &str = "convert the folder of the original model to GGUF, for example with llama.cpp: \
                       `python convert_hf_to_gguf.py FOLDER --outfile MODEL.gguf`";
const REPLACE: &str = "convert the original model, or download a newer file";
const DOWNLOAD: &str = "download the file itself";

/// First bytes, what begins with them, and what to do.
const MAGICS: [(&[u8], &str, &str); 18] = [
    (b"lmgg", "an old GGML file, from before GGUF", REPLACE),
    (b"tjgg", "an old GGJT file, from before GGUF", REPLACE),
    (b"fmgg", "an old GGMF file, from before GGUF", REPLACE),
    (
        b"algg",
        "an old GGLA adapter, from before GGUF",
        "name a model, not an adapter",
    ),
    (
        b"FUGG",
        "a big-endian GGUF file",
        "only little-endian ones are read",
    ),
    (b"\x80\x02", "a PyTorch pickle", CONVERT),
    (b"\x80\x03", "a pickle", CONVERT),
    (b"\x80\x04", "a pickle", CONVERT),
    (b"\x93NUMPY", "a NumPy array", CONVERT),
    (b"\x89HDF", "an HDF5 file", CONVERT),
    (
        b"version https://git-lfs",
        "a Git LFS pointer",
        "fetch the file itself with `git lfs pull`",
    ),
    (b"MZqFpD", "a llamafile", "unzip the .gguf file in it"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it first"),
    (b"\xfd7zXZ", "an XZ file", "unpack it first"),
    (b"BZh", "a bzip2 file", "unpack it first"),
    (b"<?xml", "an XML page", DOWNLOAD),
    (
        b"\0\0\0\0",
        "a file that starts with zeros",
        "the download is probably incomplete: download it again",
    ),
];

/// What a file that starts with `head` is, and what to do; none if it is of no known kind.
pub fn describe(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let known = MAGICS.iter().find(|(magic, ..)| head.starts_with(magic));
    // A safetensors file starts with the length of its header.
    safetensors(head)
        .or_else(|| known.map(|(_, what, advice)| (*what, *advice)))
        .or_else(|| archive(head))
        .or_else(|| page(head))
}

fn safetensors(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let found = matches!(head, [_, _, _, _, _, _, 0, 0, b'{', ..]);
    found.then_some(("a safetensors file", CONVERT))
}

fn archive(head: &[u8]) -> Option<(&'static str, &'static str)> {
    // A checkpoint of PyTorch starts with this entry.
    let is_checkpoint = head.windows(8).any(|window| window == b"data.pkl");
    head.starts_with(b"PK\x03\x04")
        .then_some(match is_checkpoint {
            true => ("a PyTorch checkpoint", CONVERT),
            false => ("a ZIP archive", "unpack it first"),
        })
}

fn page(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    let begins = |tag: &str| {
        let start = text.get(..tag.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
    };
    let is_page = begins("<!") || begins("<html") || begins("<head");
    is_page.then_some(("a web page (HTML)", DOWNLOAD))
}
