#!/usr/bin/env python3
"""Records tests/golden/tokenizer: a small CLIP-style vocabulary of our own and the ids that transformers computes with it.

Needs transformers < 5, whose CLIPTokenizer is the Python one that Stable Diffusion was trained with, and
no ftfy:  pip install 'transformers==4.46.3' regex
"""
import json
import pathlib
import random
import unicodedata
from collections import Counter

import regex
from transformers import CLIPTokenizer
from transformers.models.clip.tokenization_clip import bytes_to_unicode

HERE = pathlib.Path(__file__).parent / "tokenizer"
CORPUS = """
a photo of a dog, a rendering of a cat; a cropped photo of the toy. the photo of a clean clock; a photo of a dirty
sculpture; a dark photo of the barn; a photo of my teapot; a close-up photo of a sunglasses, a bright photo of the
batman; a good photo of one backpack; a rendition of the nice robot, an illustration of a weird fish; a depiction of
the large duck; a painting of a small house on the beach in the snow, with a mountain in the background, wearing a
santa hat, among the skyscrapers in new york city. it's what we're told, they've said i'm sure, don't, she'll, he'd.
über größe naïve café crème brûlée señor smörgåsbord łódź ångström; привет мир кошка собака; γάτα σκύλος ὀδυσσεύς;
日本 東京 犬 猫 写真 한국 사진 개 고양이; 🐶🐱🎨 100 123 2024 3.14 ½ ² ①; !!! ... -- ??? () [] {} <> :) :-(
"""
MERGES = 340

HAND = [
    "", " ", "a", "A photo of a DOG 123", "a photo of a dog's toy", "a close-up photo of the *", "a photo of * on the beach",
    "a photo of *, on the beach", "S* and s* and S*", "don't DON'T dOn'T", "'s 's's ''s", "it'Re we'VE I'M she'LL he'D 'T",
    "they’re (curly apostrophe)", "x'sy 'reel 'dog", "''''", "hello    world\t\ttabs\nlines\r\nend  ", "\u00a0nbsp\u2003em\u3000ideographic",
    "line\u2028separator\u2029paragraph", "zero\u200bwidth\u200djoiner\ufeffbom", "bell\x07 null\x00 esc\x1b[31m del\x7f c1\x85\x9f",
    "form\x0cfeed vertical\x0btab \x1c\x1d\x1e\x1f", "replacement\ufffdcharacter", "private\ue000use", "unassigned\u0378here",
    "soft\u00adhyphen", "right\u202eto left\u202c mark\u200f", "Á É Í Ñ ü Ö ß ẞ Œ Æ Ø", "A\u0301 e\u0301 n\u0303 decomposed",
    "\u1e9b\u0323 \u212b \u2126 \u212a", "İstanbul I\u0307 ıI", "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ ΑΣ. ΑΣ'Α Σ' 'Σ ΆΣ\u0301Β ΑΣ\u0301", "ǅ ǈ ǋ Ǳ ﬁ ﬀ",
    "'ſ 'S 's", "日本の犬の写真", "東京tower犬dog", "a犬b猫c", "한국어 사진", "ひらがな カタカナ", "豈 﨑 \U0002f800 \U00020000",
    "🐶", "🐶🐱", "👨\u200d👩\u200d👧\u200d👦 family", "👍🏽 thumbs 🇩🇪 flag", "❤\ufe0f ☺", "①②③ Ⅷ ½ ² ٣ ३", "1234567890", "3.14e-10", "a1b2c3",
    "x²+y²=z²", "...", "!?!?", "a.b,c;d:e", "-- — – ‐", "“quotes” «guillemets» 'single'", "<|endoftext|>", "<|startoftext|>",
    "a <|endoftext|> b", "a<<|endoftext|>>b", "<|ENDOFTEXT|>", "x<|EndOfText|>y", "<|endoftext|", "<|endoftext|><|startoftext|>",
    "&amp; &lt;b&gt; <b>html</b>", "http://example.com/a?b=c&d=%20", "C:\\path\\file.txt", "snake_case CamelCase kebab-case",
    "#hashtag @mention $100 50% ^caret ~tilde `tick`", "Привет, мир! КОШКА", "שלום עולם", "مرحبا بالعالم", "สวัสดี", "नमस्ते दुनिया",
    "Ἀθῆναι ᾳ ᾼ ᾨ", "Ꭰ ꭰ Ა ა", "ǆ ʼn ŉ", "\u0301leading mark", "a\u0301\u0323\u0308b", "ﷺ ﷽", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝐁𝐨𝐥𝐝 𐐀 𐐨", "\U0010ffff\U000e0001tags",
    "w" * 300, "dog" * 60, "dog " * 60, "!" * 100, "1" * 40, "犬" * 30, "é" * 80, "🐶" * 40,
    "a photo of a very very long prompt " * 6, "The Quick Brown Fox Jumps Over The Lazy Dog",
]


def train_merges():
    """Byte-pair training on CORPUS. Among equally frequent pairs it takes the first in sorted order."""
    encode = bytes_to_unicode()
    pieces = Counter(regex.findall(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", CORPUS))
    words = {}
    for piece, count in pieces.items():
        symbols = [encode[b] for b in piece.encode()]
        words[tuple(symbols[:-1] + [symbols[-1] + "</w>"])] = count
    merges = []
    while len(merges) < MERGES:
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged = {}
        for word, count in words.items():
            out, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best:
                    out.append(word[i] + word[i + 1])
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            merged[tuple(out)] = count
        words = merged
    return merges


def write_vocabulary(merges):
    symbols = list(bytes_to_unicode().values())
    tokens = symbols + [s + "</w>" for s in symbols] + [a + b for a, b in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(tokens)) == len(tokens)
    (HERE / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (HERE / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))


def random_texts(count):
    """Random mixtures of the texts above and of Unicode blocks, with characters of Unicode 13 only."""
    draw = random.Random(20230601)
    words = CORPUS.split()
    blocks = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x340), (0x370, 0x400), (0x400, 0x460), (0x5D0, 0x5EB), (0x1E00, 0x2070),
              (0x2100, 0x2190), (0x3040, 0x3100), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xFF01, 0xFF5F), (0x1F600, 0x1F640)]
    texts = []
    while len(texts) < count:
        parts = []
        for _ in range(draw.randint(1, 8)):
            if draw.random() < 0.5:
                word = draw.choice(words)
                parts.append(draw.choice([str, str.upper, str.title])(word))
            else:
                low, high = draw.choice(blocks)
                parts.append("".join(chr(draw.randrange(low, high)) for _ in range(draw.randint(1, 6))))
        text = draw.choice(["", " ", " ", ", "]).join(parts)
        if all(unicodedata.category(c) != "Cn" for c in text):
            texts.append(text)
    return texts


def main():
    HERE.mkdir(exist_ok=True)
    write_vocabulary(train_merges())
    tokenizer = CLIPTokenizer(str(HERE / "vocab.json"), str(HERE / "merges.txt"))
    assert tokenizer.fix_text is None, "uninstall ftfy"
    texts = HAND + random_texts(260)
    cases = []
    for text in texts:
        content = tokenizer(text, add_special_tokens=False)["input_ids"]
        cases.append({"text": text, "ids": content})
    padded = [{"text": text, "ids": tokenizer(text, padding="max_length", max_length=24, truncation=True)["input_ids"]}
              for text in ["", "a photo of a dog", "dog " * 60]]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    pads = ",\n".join(json.dumps(case, separators=(",", ":")) for case in padded)
    (HERE / "expected.json").write_text(f'{{"content": [\n{lines}\n],\n"padded_to_24": [\n{pads}\n]}}\n')
    print(len(cases), "texts")


if __name__ == "__main__":
    main()
