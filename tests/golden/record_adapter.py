#!/usr/bin/env python3
"""Writes tests/golden/adapter_v1.safetensors: an adapter file of format version 1, not written by our own code.

pip install safetensors numpy. The file must never change: docs/adapter-format.md promises that it stays readable.
"""
import pathlib

import numpy
from safetensors.numpy import save_file

SITE, D, TEXT_WIDTH = "up_blocks.1.attentions.0", 8, 6


def main():
    shapes = {f"{norm}.{leaf}": (D,) for norm in ("norm1", "norm2", "norm3") for leaf in ("weight", "bias")}
    for attention in ("attn1", "attn2"):
        shapes |= {f"{attention}.{leaf}.weight": (D, D) for leaf in ("to_q", "to_k", "to_v", "to_out.0")}
        shapes[f"{attention}.to_out.0.bias"] = (D,)
    shapes |= {"ff.net.0.proj.weight": (8 * D, D), "ff.net.0.proj.bias": (8 * D,), "ff.net.2.weight": (D, 4 * D),
               "ff.net.2.bias": (D,)}
    tensors = {f"{SITE}.image_cross_attention.{leaf}": numpy.full(shape, 0.5, numpy.float16)
               for leaf, shape in shapes.items()}
    tensors["placeholder_embedding"] = numpy.full((1, TEXT_WIDTH), 0.25, numpy.float32)
    metadata = {"format": "vico-adapter", "format_version": "1", "dialect": "paper", "base_model_digest": "a" * 64,
                "placeholder": "S*", "init_word": "teapot", "sites": f'["{SITE}"]', "steps": "400", "seed": "42",
                "code_version": "0.1.0", "config": "{}", "reference_sha256": "b" * 64}
    save_file(tensors, pathlib.Path(__file__).parent / "adapter_v1.safetensors", metadata)


if __name__ == "__main__":
    main()
