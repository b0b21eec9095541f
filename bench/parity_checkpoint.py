"""A random checkpoint in diffusers layout: Stable Diffusion 1.5's exact configuration, or the same shape at reduced width.

Weights are the libraries' own defaults under a seed, save that nothing is left zero or one (norms and biases get some noise)
and that the U-Net's text attention is sharpened: with default weights it is almost even over the tokens, and a mask of its
map would be cut from rounding noise.
"""
import gzip
import importlib.util
import json
import pathlib

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

SIZES = {  # the U-Net's narrowest is 64: a group norm of 32 channels leaves biases before it no gradient but rounding
    "full": {"unet": (320, 640, 1280, 1280), "vae": (128, 256, 512, 512), "text": (768, 3072, 12, 12), "sample": 64},
    "quick": {"unet": (64, 64, 128, 128), "vae": (32, 64, 128, 128), "text": (64, 256, 4, 4), "sample": 32},
}
PARAMETERS = {"text_encoder": 123_060_480, "unet": 859_520_964, "vae": 83_653_863}  # of the full size
SHARPNESS = 2.5  # of queries and of keys
VOCABULARY, MERGES = 49408, 48894


def byte_symbols():
    """The 256 symbols of CLIP's vocabulary, in its order."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in kept]
    return [chr(b) for b in kept] + [chr(256 + i) for i in range(len(rest))]


def write_tokenizer(folder):
    """vocab.json and merges.txt of CLIP, from the list that open_clip carries."""
    package = pathlib.Path(importlib.util.find_spec("open_clip").origin).parent
    lines = gzip.open(package / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8").read().split("\n")
    merges = lines[1:1 + MERGES]
    symbols = byte_symbols()
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(line.split()) for line in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    assert len(tokens) == VOCABULARY
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(line + "\n" for line in merges))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "CLIPTokenizer", "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
         "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "model_max_length": 77}))


def unsettle(model):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:
                p.add_(torch.randn_like(p), alpha=0.1 if "norm" in name else 0.02)
            elif name.endswith(("attn2.to_q.weight", "attn2.to_k.weight")):
                p.mul_(SHARPNESS)
    return model


def networks(size):
    """Name and network, one after the other so that one at a time is in memory."""
    s = SIZES[size]
    width, inner, layers, heads = s["text"]
    yield "text_encoder", lambda: CLIPTextModel(CLIPTextConfig(
        vocab_size=VOCABULARY, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, max_position_embeddings=77, hidden_act="quick_gelu", bos_token_id=49406,
        eos_token_id=49407, pad_token_id=49407))
    yield "unet", lambda: UNet2DConditionModel(
        sample_size=s["sample"], block_out_channels=s["unet"], cross_attention_dim=width, attention_head_dim=8,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3)
    yield "vae", lambda: AutoencoderKL(
        block_out_channels=s["vae"], latent_channels=4, layers_per_block=2, sample_size=8 * s["sample"],
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)


def make(size, folder, seed=0):
    """Writes the folder unless it is there already, of this size."""
    done, made = folder / "complete", json.dumps(SIZES[size])
    if done.exists() and done.read_text() == made:
        return
    write_tokenizer(folder / "tokenizer")
    for index, (name, network) in enumerate(networks(size)):
        torch.manual_seed(seed + index)
        model = unsettle(network()).eval()
        count = sum(p.numel() for p in model.parameters())
        assert size != "full" or count == PARAMETERS[name], (name, count)
        print(f"{name}: {count:,} parameters", flush=True)
        model.save_pretrained(folder / name)
    (folder / "scheduler").mkdir(exist_ok=True)
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(
        {"_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
         "num_train_timesteps": 1000, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
         "trained_betas": None, "clip_sample": False}))
    (folder / "model_index.json").write_text(json.dumps(
        {"_class_name": "StableDiffusionPipeline", "scheduler": ["diffusers", "PNDMScheduler"],
         "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
         "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}))
    done.write_text(made)
