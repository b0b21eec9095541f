#!/usr/bin/env python3
"""Records tests/golden/checkpoints: small files of torch.save like those of the authors' code and of mmagic.

  git clone https://github.com/haoosz/ViCo && git -C ViCo checkout 4ac2463
  python3 record_checkpoints.py ViCo      (needs what record_models.py and record_vico.py need)

The authors' files are written by their own EmbeddingManager.save and BasicTransformerBlock. For mmagic, the blocks are
the diffusers class that its code uses; its key names and the outer structure of iter_N.pth are repeated here, with a
stand-in of the same name for the class of the log. Widths are 4 and 6; `tiny_*` fits tests/support/tiny_base. Every tensor, as
PyTorch reads it, is in expected.safetensors under "<file>|<key>".
"""
import collections
import pathlib
import sys
import types

import numpy
import torch
from diffusers.models.attention import BasicTransformerBlock as DiffusersBlock
from safetensors.torch import save_file
from torch import nn

OUT = pathlib.Path(__file__).parent / "checkpoints"
expected = {}


def save(name, value, tensors, **options):
    torch.save(value, OUT / name, **options)
    for key, tensor in tensors.items():
        expected[f"{name}|{key}"] = tensor.detach().clone().contiguous()


def nested(names, leaf):
    """A module with `leaf` under the dotted name, so that state_dict() has that key."""
    for name in reversed(names.split(".")):
        leaf = nn.ModuleDict({name: leaf})
    return leaf


def authors(source):
    stub = types.ModuleType("ldm.modules.encoders.modules")
    stub.FrozenClipImageFeatureExtractor = object
    data = types.ModuleType("ldm.data.personalized")
    data.per_img_token_list = []
    sys.modules |= {stub.__name__: stub, data.__name__: data}
    sys.path.insert(0, source)
    from ldm.modules.attention import BasicTransformerBlock
    from ldm.modules.embedding_manager import EmbeddingManager

    def tokenizer(text, **_):
        return {"input_ids": torch.tensor([[49406, {"*": 265, "dog": 5}[text]] + [49407] * 75])}

    def embedder(width):
        embedding = nn.Embedding(8, width)
        return types.SimpleNamespace(tokenizer=tokenizer, transformer=types.SimpleNamespace(
            text_model=types.SimpleNamespace(embeddings=types.SimpleNamespace(token_embedding=embedding))))

    def pair(prefix, sites, width, text_width):
        model = nn.Module()
        model.diffusion_model = nn.Module()
        blocks = nn.ModuleDict({str(i): nn.ModuleDict({"1": nn.ModuleDict(
            {"image_cross_attention": BasicTransformerBlock(width, 2, width // 2)})}) for i in sites})
        model.diffusion_model.output_blocks = blocks
        state = {k: v for k, v in model.state_dict().items() if "image_cross_attention" in k}
        save(f"{prefix}cross_attention-399.pt", state, state)
        manager = EmbeddingManager(embedder(text_width), ["*"], ["dog"])
        name = f"{prefix}embeddings_gs-399.pt"
        manager.save(OUT / name)
        expected[f"{name}|*"] = manager.string_to_param_dict["*"].detach().clone()
        return model, manager

    _, manager = pair("authors_", (4, 6, 8, 10), 4, 6)
    two = nn.ParameterDict({"*": nn.Parameter(torch.ones(1, 6)), "@": nn.Parameter(torch.ones(1, 6))})
    token = manager.string_to_token_dict["*"]
    torch.save({"string_to_token": {"*": token, "@": token}, "string_to_param": two}, OUT / "two_words.pt")
    pair("tiny_", (3,), 16, 16)


class HistoryBuffer:  # mmengine.logging.history_buffer has one
    def __init__(self):
        self._log_history = numpy.array([0.5, 0.25])
        self._statistics_methods = collections.OrderedDict(mean=None)


HistoryBuffer.__module__ = "mmengine.logging.history_buffer"


def mmagic():
    for package in ("mmengine", "mmengine.logging", "mmengine.logging.history_buffer"):
        sys.modules[package] = types.ModuleType(package)
    sys.modules["mmengine.logging.history_buffer"].HistoryBuffer = HistoryBuffer
    sites = ("up_blocks.1.attentions.2", "up_blocks.3.attentions.0")
    modules = [nested(f"unet.model.{site}.image_cross_attention", DiffusersBlock(4, 2, 2, cross_attention_dim=4))
               for site in sites]
    modules.append(nested("text_encoder.model.text_model.embeddings.token_embedding.trainable_embeddings",
                          nn.ParameterDict({"S*": nn.Parameter(torch.randn(1, 6))})))
    modules.append(nested("text_encoder.model.text_model.embeddings.token_embedding.wrapped", nn.Embedding(3, 6)))
    modules.append(nested("unet.model.conv_in", nn.Conv2d(1, 2, 1)))
    whole = collections.OrderedDict()
    whole._metadata = collections.OrderedDict({"": {"version": 1}})
    for module in modules:
        whole |= module.state_dict()
    part = {k: v for k, v in whole.items() if "image_cross_attention" in k or "trainable_embeddings" in k}
    save("mmagic.pth", part, part)

    parameters = [p for module in modules for p in module.parameters()]
    optimizer = torch.optim.AdamW(parameters[-3:], lr=1e-3)
    sum(p.sum() for p in parameters).backward()
    optimizer.step()
    whole = collections.OrderedDict((k, v.detach().clone()) for k, v in whole.items())
    part = {k: v for k, v in whole.items() if k in part}

    def checkpoint(state):
        return {"meta": {"epoch": 0, "iter": 400, "cfg": "model = dict()\n", "seed": 2**63 + 1, "pair": (1, (2,))},
                "state_dict": state, "optimizer": optimizer.state_dict(),
                "message_hub": {"log_scalars": collections.OrderedDict(loss=HistoryBuffer()),
                                "runtime_info": collections.OrderedDict(iter=400, last=numpy.float64(0.5))},
                "param_schedulers": [{"by_epoch": True, "_last_value": [1e-3]}]}

    save("iter_400.pth", checkpoint(whole), part)
    renamed = collections.OrderedDict(
        (k.replace("unet.", "unet.module.").replace("text_encoder.", "text_encoder.module."), v)
        for k, v in whole.items())
    save("iter_400_distributed.pth", checkpoint(renamed), part)
    torch.save(part, OUT / "before_1_6.pth", _use_new_zipfile_serialization=False)


def kinds():
    """One tensor per type, and views that are not whole row-major storages."""
    base = torch.arange(24.0)
    tensors = {str(dtype).removeprefix("torch."): torch.tensor([-3, 0, 7]).abs().to(dtype) for dtype in
               (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
                torch.int8, torch.uint8, torch.bool)}
    tensors |= {"scalar": torch.tensor(2.5), "empty": torch.empty(0, 3), "view": base[4:10].view(2, 3),
                "transposed": base.view(4, 6).t(), "sliced": base.view(4, 6)[1:3, ::2],
                "channels_last": torch.arange(16.0).view(1, 2, 2, 4).to(memory_format=torch.channels_last),
                "parameter": nn.Parameter(torch.ones(2)), "row_of_one": base.view(4, 6)[:1]}
    save("kinds.pt", tensors, tensors)
    torch.save({"repeated": torch.ones(1).expand(4)}, OUT / "repeated.pt")


def main():
    torch.manual_seed(0)
    OUT.mkdir(exist_ok=True)
    authors(sys.argv[1])
    mmagic()
    kinds()
    save_file(expected, OUT / "expected.safetensors")


if __name__ == "__main__":
    main()
