"""Makes vectors.json: small vocabularies, and what the reference tokenizers make of some texts.

    pip install tokenizers==0.23.3 tiktoken==0.14.0 sentencepiece==0.2.3
    python make_vectors.py

Byte-level BPE is encoded by tiktoken from the ranks alone and, as a second opinion, by tokenizers from
the merges; both must agree. SentencePiece is trained and encoded by sentencepiece itself. The training
text is below: the same versions give the same file.
"""

import io
import json
import unicodedata
from pathlib import Path

import sentencepiece
import tiktoken
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_2 = LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")
GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

TRAINING = """\
The quick brown fox jumps over the lazy dog, and the dog doesn't mind: it's used to that by now.
We've seen that they're right; I'm sure she'll say he'd better wait. YOU'RE NOT ALONE, WE'LL SEE.
In 1958 there were 1,234,567 people in 42 towns; by 2024 there were 98765432 of them (up 7.5 %).
def encode(self, text):\n    for word in text.split():\n        yield self.merge(word)\n\n    return None
Die Größe der Wörter hängt vom Maßstab ab. Über allen Gipfeln ist Ruh, in allen Wipfeln spürest du.
L'été dernier, à l'hôtel, le garçon a dit: « Où êtes-vous? » Ça n'est pas évident, n'est-ce pas?
Быстрая лиса прыгает через ленивую собаку, а собака не возражает и дальше лежит на солнце.
敏捷的棕色狐狸跳过了懒狗。今天天气很好，我们去公园散步吧。日本語の文章も少しだけ入れておきます。
안녕하세요, 오늘은 날씨가 좋네요. שלום עולם, מה שלומך היום? مرحبا بالعالم، كيف حالك اليوم؟
ſchön ſchade ſchlecht, 'ſchön 'ſchade; 'Reveil 'reveil 'veillée 'lläma 'sample 'table 'dable.
Tiếng Việt có nhiều dấu: ngôn ngữ, đường phố, nước mắm. नमस्ते दुनिया, आप कैसे हैं?
😀 😃 👍🏽 👩‍👩‍👧 🇩🇪 🇯🇵 ♥️ → ← ≤ ≥ ∑ √ … — “quoted” ‘single’
while (i < n) { sum += a[i] * b[i]; i++; } // ------- ======== ________ !!!! ???? ....
<|eot_id|> <s> </s> [INST] {"key": "value", "list": [1, 2, 3]} http://example.com/a/b?c=d&e=f#g
"""

TEXTS = [
    "",
    " ",
    "a",
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "doesn't it's we've they're I'm she'll he'd",
    "DOESN'T IT'S WE'VE THEY'RE I'M SHE'LL HE'D 'Re 'vE",
    "'ſ 'S 's 'x 'l 'll' '' ' 'rere 'veil don''t",
    "1 12 123 1234 12345 1234567 3.14159 1,000,000 ٣٤٥٦ Ⅷ½ ²³ 7th x86_64",
    "a  b   c    d",
    "  two before",
    "two after  ",
    "   ",
    "tab\tand\t\ttabs \t x",
    "line\nbreak\n\nparagraph\r\nwindows\r\n\r\nend\n",
    "\n\n  indented\n    more\n",
    "  \n \n\n x\n  ",
    "!!!\n\n??? ...\r\nfoo(bar);\n};",
    "space\u00a0nbsp\u2003em\u3000ideographic\u0085nel\u2028ls \u00a0x",
    "\u200bzero width\ufeffbom\u00adsoft",
    "Größe Maßstab naïve café cafe\u0301 n\u0303 A\u030a",
    "\u0301start with a mark x\u0301\u0302\u0303y",
    "\u212b\u2126 \u1112\u1161\u11ab a\u0323\u0307 a\u0307\u0323 \u0958 \ufb01 e\u0301 \u00e9",
    "敏捷的棕色狐狸，今天天气很好。日本語の文章 한국어 안녕하세요",
    "שלום עולם مرحبا بالعالم ‏mixed‎ RTL",
    "Tiếng Việt ngôn ngữ नमस्ते दुनिया ก็ได้",
    "😀👍🏽👩‍👩‍👧🇩🇪 family: 👨‍👩‍👧‍👦 ♥️ x😀y",
    "\U0001f9ff \U00020000 \U0010ffff \ue000 \u0378",
    "<|eot_id|>text<|begin_of_text|> <s></s><unk><0x41>",
    "def f(x):\n\treturn x**2  # squared\n\n\nclass A: pass",
    "https://example.com/a_b?c=d&e=%20#frag user@example.org C:\\path\\to",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "-------- ======== ........ __________ ////",
    "ABCdefGHI camelCaseWord snake_case_word SCREAMING_CASE",
    "▁under▁score ▁ x",
    "\u0000\u0001\u001c\u001f\u007f control",
    "Ġspelled Ċ alphabet č",
    "the <user>quick <user><user> brown <users> x<user>",
    "the\u00a0end''s\u2019s",
    "x Ruhestörung Ruhestörungen",
    "'ſchön 'ſchade 'Reveil 'veillée 'LLäma 'sample 'Table 'dable",
]


def byte_level_bpe(split, ignore_merges, extra, form=None):
    """Trains, and gives the merges as a Llama 3 conversion does: every split of every token.

    With a Unicode normalization form, texts are normalized before they are cut.
    """
    tokenizer = tokenizers.Tokenizer(models.BPE())
    pre = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.pre_tokenizer = pre
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([TRAINING] * 3, trainer)
    tokens = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    tokens = [token for token, _ in tokens] + [spelled(word) for word in extra]
    ids = {token: id for id, token in enumerate(tokens)}
    merges = []
    for token in tokens:
        splits = [(token[:i], token[i:]) for i in range(1, len(token))]
        splits = [pair for pair in splits if pair[0] in ids and pair[1] in ids]
        merges += sorted(splits, key=lambda pair: (ids[pair[0]], ids[pair[1]]))
    model = models.BPE(vocab=ids, merges=merges, ignore_merges=ignore_merges)
    second = tokenizers.Tokenizer(model)
    second.pre_tokenizer = pre
    if form:
        second.normalizer = normalizers.Sequence([getattr(normalizers, form)()])
    second.decoder = decoders.ByteLevel()
    ranks = {unspelled(token): id for token, id in ids.items()}
    first = tiktoken.Encoding("small", pat_str=split, mergeable_ranks=ranks, special_tokens={})
    cases, decoded = [], []
    for text in TEXTS:
        normal = unicodedata.normalize(form, text) if form else text
        encoded = first.encode(normal, disallowed_special=())
        assert encoded == second.encode(text).ids, text
        assert first.decode(encoded) == normal
        cases.append([text, encoded])
        decoded.append(normal)
    made = {"tokens": tokens, "merges": [" ".join(pair) for pair in merges], "cases": cases}
    return made | ({"decoded": decoded} if form else {})


def alphabet():
    """The GPT-2 spelling of bytes."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    spelling = {byte: chr(byte) for byte in printable}
    return spelling | {byte: chr(0x100 + n) for n, byte in enumerate(others)}


def spelled(text):
    spelling = alphabet()
    return "".join(spelling[byte] for byte in text.encode())


def unspelled(token):
    byte_of = {char: byte for byte, char in alphabet().items()}
    return bytes(byte_of[char] for char in token)


def sentence_piece_bpe(add_dummy_prefix):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINING.splitlines() * 3),
        model_writer=model,
        model_type="bpe",
        vocab_size=900,
        character_coverage=0.99,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=add_dummy_prefix,
        allow_whitespace_only_pieces=True,
        user_defined_symbols=["<user>", "<user>s", "▁▁▁▁"],
        num_threads=1,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    size = processor.get_piece_size()
    return {
        "tokens": [processor.id_to_piece(id) for id in range(size)],
        "scores": [processor.get_score(id) for id in range(size)],
        "token_types": [token_type(processor, id) for id in range(size)],
        "cases": [[text, processor.encode(text)] for text in TEXTS],
        "decoded": [processor.decode(processor.encode(text)) for text in TEXTS],
    }


def token_type(processor, id):
    """As GGUF numbers them. sentencepiece does not tell user-defined pieces from normal ones."""
    if processor.is_unknown(id):
        return 2
    if processor.is_control(id):
        return 3
    if processor.is_byte(id):
        return 6
    return 4 if processor.id_to_piece(id) in ("<user>", "<user>s", "▁▁▁▁") else 1


def main():
    vectors = {
        # The last word is a token that no merges lead to: only whole words find it.
        "llama-bpe": byte_level_bpe(LLAMA_3, True, [" Ruhestörung"]),
        "gpt-2": byte_level_bpe(GPT_2, False, []),
        "qwen2": byte_level_bpe(QWEN_2, False, [], "NFC"),
        "llama": sentence_piece_bpe(True),
        "llama without space prefix": sentence_piece_bpe(False),
    }
    path = Path(__file__).with_name("vectors.json")
    text = json.dumps(vectors, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
