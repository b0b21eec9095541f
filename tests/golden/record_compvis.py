#!/usr/bin/env python3
"""Records tests/golden/compvis: the tensors of a single-file checkpoint of Stable Diffusion 1.x, and outputs of a small one.

  git clone https://github.com/haoosz/ViCo && git -C ViCo checkout 4ac2463
  pip install einops   (and what record_models.py needs)
  python3 record_compvis.py ViCo

names.json  every tensor of a full-size file: its name and shape from the authors' own modules (ldm, transformers), and the
            name that diffusers' converter gives it
tiny.json   names and shapes of a small file: two resolutions, one resnet each
io/compvis.safetensors  outputs of the authors' modules with the small file, whose weights are a formula of name and
            index (formula.py)
"""
import json
import pathlib
import sys

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (convert_ldm_clip_checkpoint, convert_ldm_unet_checkpoint,
                                                 convert_ldm_vae_checkpoint)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from formula import weights
from vico_reference import open_source

HERE = pathlib.Path(__file__).parent
PREFIX = {"unet": "model.diffusion_model.", "vae": "first_stage_model.", "text": "cond_stage_model.transformer."}
VOCABULARY, CONTEXT, TEXT_WIDTH, TEXT_HEADS = 854, 16, 24, 12  # the vocabulary of tests/golden/tokenizer


class Vae(torch.nn.Module):
    """The four parts with weights of CompVis' AutoencoderKL, whose class would need pytorch_lightning."""

    def __init__(self, **config):
        super().__init__()
        from ldm.modules.diffusionmodules.model import Decoder, Encoder
        self.encoder = Encoder(**config)
        self.decoder = Decoder(**config)
        self.quant_conv = torch.nn.Conv2d(2 * config["z_channels"], 2 * config["z_channels"], 1)
        self.post_quant_conv = torch.nn.Conv2d(config["z_channels"], config["z_channels"], 1)


def make(unet, vae, text):
    from ldm.modules.diffusionmodules.openaimodel import UNetModel
    return {"unet": UNetModel(image_size=64, in_channels=4, out_channels=4, num_heads=8, use_spatial_transformer=True,
                              transformer_depth=1, use_checkpoint=False, legacy=False, **unet).eval(),
            "vae": Vae(double_z=True, z_channels=4, in_channels=3, out_ch=3, attn_resolutions=[], dropout=0.0, **vae).eval(),
            "text": CLIPTextModel(CLIPTextConfig(hidden_act="quick_gelu", **text)).eval()}


def parameters(networks):
    """Name in the file -> parameter, without image attention. transformers 5 dropped a level of the names."""
    named = {}
    for part, network in networks.items():
        for name, p in network.named_parameters():
            if "image_cross_attention" in name:
                continue
            if part == "text" and not name.startswith("text_model."):
                name = "text_model." + name
            named[PREFIX[part] + name] = p
    return named


def convert(named, unet, vae):
    """Name in the file -> name in diffusers: each tensor contains its index and passes through diffusers' converters."""
    names = sorted(named)
    marked = {name: torch.full([1] * named[name].dim(), float(i)) for i, name in enumerate(names)}
    converted = {"unet": convert_ldm_unet_checkpoint(dict(marked), unet), "vae": convert_ldm_vae_checkpoint(dict(marked), vae),
                 "text": convert_ldm_clip_checkpoint(dict(marked))}
    table = {}
    for part, tensors in converted.items():
        for name, mark in tensors.items():
            stored = names[int(mark.item())]
            assert stored.startswith(PREFIX[part]) and stored not in table
            table[stored] = name
    assert len(table) == len(names)
    return table


def write_lines(path, entries):
    """JSON with one entry per line."""
    path.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")


def record_names():
    with torch.device("meta"):
        named = parameters(make(
            dict(model_channels=320, attention_resolutions=[4, 2, 1], num_res_blocks=2, channel_mult=[1, 2, 4, 4], context_dim=768),
            dict(ch=128, ch_mult=[1, 2, 4, 4], num_res_blocks=2, resolution=256),
            dict(vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                 max_position_embeddings=77)))
    table = convert(named, UNet2DConditionModel(layers_per_block=1, block_out_channels=(32,) * 4).config | dict(layers_per_block=2),
                    dict(block_out_channels=(128, 256, 512, 512), down_block_types=[""] * 4, up_block_types=[""] * 4,
                         layers_per_block=2))
    write_lines(HERE / "compvis" / "names.json", [[name, table[name], list(named[name].shape)] for name in sorted(named)])
    print({part: sum(name.startswith(prefix) for name in named) for part, prefix in PREFIX.items()})


def record_tiny():
    networks = make(dict(model_channels=32, attention_resolutions=[1, 2], num_res_blocks=1, channel_mult=[1, 2], context_dim=TEXT_WIDTH),
                    dict(ch=32, ch_mult=[1, 2], num_res_blocks=1, resolution=32),
                    dict(vocab_size=VOCABULARY, hidden_size=TEXT_WIDTH, intermediate_size=48, num_hidden_layers=2,
                         num_attention_heads=TEXT_HEADS, max_position_embeddings=CONTEXT, bos_token_id=VOCABULARY - 2,
                         eos_token_id=VOCABULARY - 1, pad_token_id=VOCABULARY - 1))
    named = parameters(networks)
    with torch.no_grad():
        for index, name in enumerate(sorted(named), 1):
            named[name].copy_(weights(index, name, tuple(named[name].shape)))
    write_lines(HERE / "compvis" / "tiny.json", [[name, list(named[name].shape)] for name in sorted(named)])

    generator = torch.Generator().manual_seed(13)
    latent = torch.randn(1, 4, 8, 8, generator=generator)
    picture = torch.rand(1, 3, 16, 24, generator=generator) * 2 - 1
    ids = torch.randint(0, VOCABULARY - 2, (1, CONTEXT), generator=generator)
    timestep = torch.tensor([981])
    with torch.no_grad():
        text = networks["text"](ids).last_hidden_state
        row = torch.tensor([0])  # the position of a learned word, which is unused here
        places = ((row, torch.tensor([4])), (row, torch.tensor([8])))
        output = networks["unet"](latent, latent.clone(), timesteps=timestep, context=text, ph_pos=places, use_img_cond=False)
        vae = networks["vae"]
        mean, log_variance = vae.quant_conv(vae.encoder(picture)).chunk(2, 1)
        decoded = vae.decoder(vae.post_quant_conv(latent))
    tensors = {"latent": latent, "timestep": timestep, "ids": ids, "text": text, "output": output, "picture": picture,
               "mean": mean, "std": torch.exp(0.5 * log_variance.clamp(-30, 20)), "decoded": decoded}
    for name, tensor in tensors.items():
        print(name, tuple(tensor.shape), tensor.float().abs().max().item())
    save_file({name: t.contiguous() for name, t in tensors.items()}, HERE / "io" / "compvis.safetensors")


def main():
    open_source(sys.argv[1])
    (HERE / "compvis").mkdir(exist_ok=True)
    record_names()
    record_tiny()


if __name__ == "__main__":
    main()
