#!/usr/bin/env python3
"""Records tests/golden/io/vico.safetensors: what the authors' own U-Net with image attention computes.

  git clone https://github.com/haoosz/ViCo && git -C ViCo checkout 4ac2463
  pip install einops   (and what record_models.py needs)
  python3 record_vico.py ViCo

The network has Stable Diffusion's shape at reduced width. Its weights are a formula of name and index (weights()
below; tests/golden/vico_test.cc has the same), so no weights are stored.
"""
import hashlib
import math
import pathlib
import sys
import types

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
WIDTH, TEXT_WIDTH, TOKENS, SIDE = 32, 24, 10, 16
MULT = (1, 1, 2, 2)
REG_WEIGHT = 0.5  # far above the paper's, so that its gradient shows

RESNET = {"in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
          "out_layers.3": "conv2", "skip_connection": "conv_shortcut"}


def diffusers_name(name):
    """CompVis name -> diffusers name; image attention keeps its leaves."""
    parts = name.split(".")
    if parts[0] == "time_embed":
        return f"time_embedding.linear_{1 + int(parts[1]) // 2}.{parts[2]}"
    if parts[0] == "out":
        return ("conv_norm_out." if parts[1] == "0" else "conv_out.") + parts[2]
    if parts[0] == "middle_block":
        place = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}[parts[1]]
        block, rest = f"mid_block.{place}", parts[2:]
    else:
        i, j, rest = int(parts[1]), parts[2], parts[3:]
        if parts[0] == "input_blocks":
            if i == 0:
                return f"conv_in.{rest[0]}"
            if i % 3 == 0:
                return f"down_blocks.{i // 3 - 1}.downsamplers.0.conv.{rest[1]}"
            block = f"down_blocks.{(i - 1) // 3}.{'resnets' if j == '0' else 'attentions'}.{(i - 1) % 3}"
        elif rest[0] == "conv":
            return f"up_blocks.{i // 3}.upsamplers.0.conv.{rest[1]}"
        else:
            block = f"up_blocks.{i // 3}.{'resnets' if j == '0' else 'attentions'}.{i % 3}"
    rest = ".".join(rest)
    for old, new in RESNET.items():
        if rest.startswith(old + "."):
            rest = new + rest[len(old):]
    return f"{block}.{rest}"


def weights(index, name, shape):
    """The tensor that is `index`-th (from 1) among all names in ascending order, by row-major element i."""
    i = torch.arange(math.prod(shape), dtype=torch.float64) % 997
    wave = torch.sin(index + 1.3 * i)
    if len(shape) > 1:
        return (math.sqrt(2 / math.prod(shape[1:])) * wave).reshape(shape)
    return 0.2 * wave + (1.0 if "norm" in name and name.endswith("weight") else 0.0)


def build(source):
    listconfig = types.ModuleType("omegaconf.listconfig")
    listconfig.ListConfig = type("ListConfig", (), {})
    sys.modules.update({"omegaconf": types.ModuleType("omegaconf"), "omegaconf.listconfig": listconfig})
    sys.path.insert(0, source)
    from ldm.modules import attention
    from ldm.modules.diffusionmodules.openaimodel import UNetModel

    unet = UNetModel(image_size=SIDE, in_channels=4, out_channels=4, model_channels=WIDTH, attention_resolutions=[4, 2, 1],
                     num_res_blocks=2, channel_mult=MULT, num_heads=8, use_spatial_transformer=True,
                     transformer_depth=1, context_dim=TEXT_WIDTH, use_checkpoint=False, legacy=False)
    names = {diffusers_name(name): p for name, p in unet.named_parameters()}
    with torch.no_grad():
        for index, name in enumerate(sorted(names), 1):
            p = names[name]
            p.copy_(weights(index, name, tuple(p.shape)))
            p.requires_grad_("image_cross_attention" in name)
    return attention, unet, names


def sines(shape, a, b):
    return torch.sin(a * torch.arange(math.prod(shape), dtype=torch.float64) + b).reshape(shape).float()


def record_unet(attention, unet, names, tensors):
    masks = []
    otsu = attention.otsu

    def recording(maps):
        maps_before = maps.clone()
        mask = otsu(maps)
        masks.append((maps_before, mask.bool()))
        return mask

    attention.otsu = recording
    generator = torch.Generator().manual_seed(11)
    latent = torch.randn(2, 4, SIDE, SIDE, generator=generator)
    reference = torch.randn(2, 4, SIDE, SIDE, generator=generator)
    noise = torch.randn(2, 4, SIDE, SIDE, generator=generator)
    text = torch.randn(2, TOKENS, TEXT_WIDTH, generator=generator).requires_grad_(True)
    timestep = torch.tensor([981, 301])
    placeholder, end = torch.tensor([4, 3]), torch.tensor([8, 6])
    rows = torch.arange(2)
    unet.train()
    output, reg = unet(latent, reference, timesteps=timestep, context=text, ph_pos=((rows, placeholder), (rows, end)))
    loss = F.mse_loss(output, noise) + REG_WEIGHT * reg
    loss.backward()
    attention.otsu = otsu
    sites = sorted({name.split(".image_cross_attention.")[0] for name in names if "image_cross_attention" in name})
    print(len(names), "parameters,", sites, "reg", reg.item(), "loss", loss.item())
    tensors |= {"unet.latent": latent, "unet.reference": reference, "unet.noise": noise, "unet.text": text.detach(),
                "unet.timestep": timestep, "unet.placeholder": placeholder, "unet.end": end, "unet.output": output.detach(),
                "unet.reg": reg.detach(), "unet.loss": loss.detach(), "unet.text_grad": text.grad}
    for i, (site, (maps, mask)) in enumerate(zip(sites, masks)):
        tensors[f"unet.site{i}.attention"] = maps
        tensors[f"unet.site{i}.mask"] = mask
        for leaf in ("attn1.to_v.weight", "attn2.to_q.weight", "attn2.to_k.weight", "ff.net.0.proj.bias", "norm3.weight"):
            tensors[f"unet.site{i}.grad.{leaf}"] = names[f"{site}.image_cross_attention.{leaf}"].grad


def record_otsu(attention, tensors):
    generator = torch.Generator().manual_seed(12)
    maps = torch.rand(48, 64, generator=generator)
    maps[8:16] = maps[8:16] ** 4
    maps[16:24, :20] += 2
    maps[24:32] = torch.round(maps[24:32] * 10) / 10  # many values exactly at a candidate
    maps[32:40, 1:] = 0.25
    maps[40] = 0.5  # constant
    tensors["otsu.maps"] = maps
    tensors["otsu.masks"] = attention.otsu(maps.clone()).bool()


def template_facts(source):
    """The list itself is not needed: its length, its distinct entries and its digest are."""
    text = (pathlib.Path(source) / "ldm/data/personalized.py").read_text()
    scope = {}
    start = text.index("imagenet_templates_small = [")
    exec(text[start:text.index("]", start) + 1], scope)
    templates = scope["imagenet_templates_small"]
    digest = hashlib.sha256("\n".join(templates).encode()).hexdigest()
    return {"templates": str(len(templates)), "distinct_templates": str(len(set(templates))), "templates_sha256": digest}


def main():
    source = sys.argv[1]
    attention, unet, names = build(source)
    tensors = {}
    record_unet(attention, unet, names, tensors)
    record_otsu(attention, tensors)
    metadata = template_facts(source)
    print(metadata)
    save_file({name: value.contiguous() for name, value in tensors.items()}, HERE / "io" / "vico.safetensors", metadata)


if __name__ == "__main__":
    main()
