"""Texts of all kinds and their ids by the tokenizer that Stable Diffusion 1.x was trained with: transformers 4.46.3's Python
CLIPTokenizer without ftfy. (transformers 5 has only the Rust one, which cleans text by other rules.)

  python parity_tokenizer.py FOLDER     prints JSON: texts, content (ids), padded (77 ids)
"""
import json
import pathlib
import random
import sys
import unicodedata

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"))
from record_tokenizer import HAND, random_texts  # noqa: E402
from transformers import CLIPTokenizer  # noqa: E402

COUNT = 3000
PHRASES = [
    "a photo of a dog", "masterpiece, best quality, 8k uhd, (highly detailed:1.2), [[blurry]]", "it's what they've said we'd do",
    "DON'T she'll I'M you're he'D rock'n'roll o'clock '90s", "trending on artstation | octane render -- ar 16:9",
    "Schöne Grüße aus Köln, Übermäßig", "l'été à Paris, naïveté, œuvre", "¿Dónde está el niño? ¡Mañana!", "zażółć gęślą jaźń",
    "Příliš žluťoučký kůň", "iğne ıssız İstanbul şöyle", "đường phố Hà Nội, tiếng Việt", "быстрая лиса и ленивый пёс",
    "жёлтый єнот ґанок", "η γρήγορη αλεπού, ΣΟΦΟΣ", "שלום עולם, מה שלומך", "مرحبا بالعالم، كيف الحال؟", "سلام دنیا ۱۲۳",
    "नमस्ते दुनिया क्षत्रिय", "வணக்கம் உலகம்", "สวัสดีชาวโลก", "გამარჯობა მსოფლიო", "բարեւ աշխարհ", "你好，世界！繁體中文", "こんにちは世界、犬の写真",
    "안녕하세요 세계", "ሰላም ልዑል", "🐶🐱 👩‍🚀 👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇫🇷🇯🇵 ☕️", "⚠️ ∑∫√∞ ≠ ≤ → ⇒ ♠♣", "€100 £20 ¥3000 ₹45 50% ½ ² ³ №5",
    "v1.5.2 (beta) #42 @user https://example.com/?q=a&b=%20", "<b>html</b> &amp; &#39; {json: [1, 2]} `code` \\path\\file",
    "<|startoftext|> in the middle <|endoftext|>", "e\u0301 n\u0303 A\u030a \u1e9b\u0323 ﬁ ﬀ Ⅷ ① ａｂｃ １２３",
]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\x0b", "\x0c", "\x1c", "\x85", ""]
CONTROLS = ["\x00", "\x07", "\x1b", "\x7f", "\u200b", "\u200d", "\u202e", "\ufeff", "\u00ad", "\ufffd", "\ue000"]


def mixed(draw):
    """Pieces of phrases and of random texts, joined by any white space, now and then with a control character."""
    out = []
    for _ in range(draw.randint(1, 6)):
        words = draw.choice(PHRASES).split(" ")
        begin = draw.randrange(len(words))
        piece = " ".join(words[begin:begin + draw.randint(1, 6)])
        out.append(draw.choice([str, str, str.upper, str.title, str.swapcase])(piece))
        out.append(draw.choice(SPACES))
        if draw.random() < 0.15:
            out.append(draw.choice(CONTROLS))
    return "".join(out)


def texts():
    draw = random.Random(23)
    found = HAND + PHRASES + random_texts(COUNT // 3)
    while len(found) < COUNT - 100:
        text = mixed(draw)
        if all(unicodedata.category(c) != "Cn" for c in text):
            found.append(text)
    found += [", ".join(draw.choice(PHRASES) for _ in range(40)) for _ in range(100)]  # hundreds of tokens each
    return found


def main():
    folder = pathlib.Path(sys.argv[1])
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    assert tokenizer.fix_text is None, "ftfy is installed here, and the product's rules are those without it"
    found = texts()
    json.dump({"texts": found, "content": [tokenizer(t, add_special_tokens=False)["input_ids"] for t in found],
               "padded": [tokenizer(t, padding="max_length", max_length=77, truncation=True)["input_ids"] for t in found]},
              sys.stdout)


if __name__ == "__main__":
    main()
