"""Makes plain text from the documentation of the Rust toolchain.

It reads rustup's components `rust-docs` and `rustc-docs`, whose texts are MIT OR Apache-2.0.

Prose only: code blocks, tables and headings are left out. A document is one HTML page. Every
twentieth page, by the hash of its name, is held out. A paragraph is kept where it occurs first,
and numbers and integer types do not make it another one, so nothing that is held out was read in
training.

The two components conflict in one toolchain, so that the second needs another place:

    rustup toolchain install 1.95.0 --profile minimal -c rust-docs
    RUSTUP_HOME=/tmp/rustc-docs rustup toolchain install 1.95.0 --profile minimal -c rustc-docs
    python corpus.py ~/.rustup/toolchains/1.95.0-*/share/doc/rust/html \
        /tmp/rustc-docs/toolchains/1.95.0-*/share/doc/rust/html --output OUTPUT_FOLDER
"""

import argparse
import hashlib
import pathlib
import re

from lxml import html

# In this order, so that `std` is read before what it re-exports.
BOOKS = (
    "book", "reference", "nomicon", "rust-by-example", "edition-guide", "cargo", "rustc",
    "rustdoc", "clippy", "style-guide", "error_codes", "unstable-book", "std", "alloc", "core",
    "proc_macro", "test", "rustc-docs",
)  # fmt: skip
# Translations, pages that repeat others, descriptions of single processor instructions, and data
# of Unicode's. `embedded-book` is not read at all: its text has another licence.
SKIPPED = re.compile(
    r"/(ja|ko|es|zh|first-edition|second-edition|2018-edition)/"
    r"|/(arch|core_arch|simd|rustc_baked_icu_data)/"
    r"|/(print|toc|all|SUMMARY|README|CHANGELOG|translations|help|settings)\.html$"
)
HELD_OUT_ONE_IN = 20
MIN_WORDS = 5
ASCII = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " ", "…": "..."}
)


def paragraphs(page: bytes) -> list[str]:
    """The paragraphs of a page, in order; `code` is between backticks, as in Markdown."""
    main = html.fromstring(page).xpath("//main | //section[@id='main-content']")
    if not main:
        return []
    for code in main[0].xpath(".//code[not(ancestor::pre)]"):
        code.text = "`" + code.text_content() + "`"
        del code[:]
    found = main[0].xpath(".//p | .//li[not(.//p)]")
    texts = (re.sub(r"\s+", " ", p.text_content().translate(ASCII)).strip() for p in found)
    return [text for text in texts if is_prose(text)]


def is_prose(text: str) -> bool:
    """Whether a paragraph is a sentence in English, not a signature or a list of names."""
    letters = sum(c.isascii() and (c.isalpha() or c == " ") for c in text)
    return len(text.split()) >= MIN_WORDS and letters >= 0.8 * len(text)


def identity(text: str) -> str:
    """Equal for paragraphs that differ only in numbers or integer types."""
    return re.sub(r"\b[iuf](8|16|32|64|128|size)\b|\d+", "0", text.lower())


def is_held_out(name: str) -> bool:
    """Whether a page is for evaluation. Depends on its name alone."""
    return hashlib.sha256(name.encode()).digest()[0] % HELD_OUT_ONE_IN == 0


def main() -> None:
    """Writes `train.txt` and `held-out.txt`: one paragraph a line, an empty line between pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("docs", type=pathlib.Path, nargs="+")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    seen: set[str] = set()
    pages: dict[bool, list[str]] = {False: [], True: []}
    for book in BOOKS:
        root = next((root for root in args.docs if (root / book).is_dir()), None)
        if root is None:
            parser.error(f"no folder of {book} in {', '.join(map(str, args.docs))}")
        for path in sorted((root / book).rglob("*.html")):
            name = path.relative_to(root).as_posix()
            if SKIPPED.search("/" + name):
                continue
            new = []
            for text in paragraphs(path.read_bytes()):
                key = identity(text)
                if key not in seen:
                    seen.add(key)
                    new.append(text)
            if new:
                pages[is_held_out(name)].append("\n".join(new))
        print(book, *(sum(map(len, texts)) for texts in pages.values()), flush=True)
    args.output.mkdir(parents=True, exist_ok=True)
    for held_out, name in ((False, "train.txt"), (True, "held-out.txt")):
        text = "\n\n".join(pages[held_out]) + "\n"
        (args.output / name).write_text(text, encoding="utf-8")
        print(name, len(pages[held_out]), "pages,", len(text.encode()), "bytes")


if __name__ == "__main__":
    main()
