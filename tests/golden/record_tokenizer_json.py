#!/usr/bin/env python3
"""Records tests/golden/tokenizer_json: the tokenizer of tests/golden/tokenizer as newer transformers save it, and
the ids of added tokens.

Run once with each version:
    pip install 'transformers==5.24.0'         then  record_tokenizer_json.py files
    pip install 'transformers==4.46.3' regex   then  record_tokenizer_json.py ids   (no ftfy)
"""
import json
import pathlib
import sys

from transformers import AddedToken, CLIPTokenizer

HERE = pathlib.Path(__file__).parent
SOURCE = HERE / "tokenizer"
TARGET = HERE / "tokenizer_json"
ADDED = ["<cat-toy>", "<cat-toy>_1", "sks", "ñandú"]
TEXTS = ["a photo of <cat-toy> on the beach", "<cat-toy>_1 and <cat-toy>", "a<cat-toy>b", "masks", "a sks dog", "SKS", "ñandú",
         "una ÑANDÚ y un ñandú", "<cat-toy><cat-toy>", " <cat-toy> ", "<cat-toy", "<|endoftext|>sks<|startoftext|>", "犬sks犬",
         "<cat-toy>_12", "s ks", "the sks's house"]


def tokenizer():
    return CLIPTokenizer(str(SOURCE / "vocab.json"), str(SOURCE / "merges.txt"))


def files():
    for name, added in (("plain", []), ("added", ADDED)):
        saved = tokenizer()
        saved.add_tokens([AddedToken(token, normalized=False) for token in added])
        saved.save_pretrained(TARGET / name)
        for path in (TARGET / name).iterdir():
            value = json.loads(path.read_text())
            path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def ids():
    made = tokenizer()
    assert made.fix_text is None, "uninstall ftfy"
    made.add_tokens([AddedToken(token, normalized=False) for token in ADDED])
    cases = [{"text": text, "ids": made(text, add_special_tokens=False)["input_ids"]} for text in TEXTS]
    TARGET.mkdir(exist_ok=True)
    (TARGET / "expected_added.json").write_text(
        "[" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "]\n")


if __name__ == "__main__":
    {"files": files, "ids": ids}[sys.argv[1]]()
