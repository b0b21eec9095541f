#!/usr/bin/env python3
"""Records tests/golden/io/mmagic.safetensors: outputs of mmagic's ViCo, including its train_step() and infer().

  git clone https://github.com/open-mmlab/mmagic && git -C mmagic checkout 0a560bb
  pip install torch==2.13.0 diffusers==0.23.1 'huggingface_hub<0.26' 'transformers<4.47' safetensors pillow tqdm
  python3 record_mmagic.py mmagic

mmagic_reference.py describes how it runs. The networks have Stable Diffusion's shape at reduced width; weights, latents and
noise are formulas (formula.py, and wave() below; tests/golden/mmagic_test.cc has the same), so none are stored.
"""
import json
import math
import pathlib
import sys
import tempfile

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from formula import weights
from mmagic_reference import Mmagic

HERE = pathlib.Path(__file__).parent
WIDTH, TEXT_WIDTH, TOKENS, SIDE, HEADS = 32, 24, 16, 16, 8
GROUPS = 8  # with 32 groups of one channel, the gradients of some biases would be noise only
VOCABULARY = 49408  # mmagic's infer() uses the number of the end token in CLIP's vocabulary
SCALE = 0.18215
REG_WEIGHT = 0.5  # far above the default, so that its gradient is visible
EMBEDDING_RATE, ATTENTION_RATE = 5e-3, 1e-3
STEPS = 5
PROMPTS = ["a photo of a S*", "a close-up photo of the S*", "a rendition of the S*", "a dark photo of the S*",
           "the photo of a S*"]
TIMESTEPS = [501, 37, 803, 250, 981]
DRAWN = "a photo of a S* on the beach"


def wave(seed, *shape):
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    return (1.4 * torch.sin(seed + (1.1 + 0.1 * seed) * i)).reshape(shape).float()


def tokenizer_folder(folder):
    """The golden vocabulary, padded so that the start and end tokens have CLIP's numbers."""
    source = HERE / "tokenizer"
    words = sorted(json.loads((source / "vocab.json").read_text()).items(), key=lambda item: item[1])
    words = [word for word, _ in words]
    fillers = [f"filler{i}" for i in range(VOCABULARY - len(words))]
    words = words[:-2] + fillers + words[-2:]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_bytes((source / "merges.txt").read_bytes())


def build(source):
    unet = UNet2DConditionModel(sample_size=SIDE, block_out_channels=(WIDTH, WIDTH, 2 * WIDTH, 2 * WIDTH),
                                attention_head_dim=HEADS, cross_attention_dim=TEXT_WIDTH, norm_num_groups=GROUPS)
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=VOCABULARY, hidden_size=TEXT_WIDTH, intermediate_size=48, num_hidden_layers=2, num_attention_heads=3,
        max_position_embeddings=TOKENS, hidden_act="quick_gelu", bos_token_id=VOCABULARY - 2,
        eos_token_id=VOCABULARY - 1, pad_token_id=VOCABULARY - 1))
    with tempfile.TemporaryDirectory() as folder:
        tokenizer_folder(pathlib.Path(folder))
        mmagic = Mmagic(source, unet, text, folder, TOKENS, REG_WEIGHT, SCALE)
    with torch.no_grad():
        for index, name in enumerate(sorted(mmagic.names), 1):
            mmagic.names[name].copy_(weights(index, name, tuple(mmagic.names[name].shape)))
        mmagic.placeholder.copy_(mmagic.words[mmagic.tokenizer("dog").input_ids[1]][None])
    return mmagic


def digest(tensor):
    """At most 64 evenly spaced elements, and the Euclidean norm of all elements."""
    flat = tensor.detach().double().flatten()
    count = min(64, flat.numel())
    chosen = torch.arange(count) * flat.numel() // count
    return torch.cat([flat[chosen], flat.norm()[None]]).float()


def record_sites(seen, tensors, prefix):
    for i in range(4):
        tensors[f"{prefix}.site{i}.map"] = seen["attention"][i]
        tensors[f"{prefix}.site{i}.mask"] = seen["mask"][i]
        tensors[f"{prefix}.site{i}.output"] = digest(seen["output"][i])


def record_call(mmagic, pictures, tensors):
    """One call of the U-Net with M targets and M references."""
    latent = torch.cat([wave(10 + pictures, pictures, 4, SIDE, SIDE), wave(30 + pictures, pictures, 4, SIDE, SIDE)])
    text = wave(50 + pictures, pictures, TOKENS, TEXT_WIDTH)
    rows = torch.arange(pictures)
    timestep = (rows * 313 + 77) % 1000
    positions = [(rows, 2 + rows % 5), (rows, 8 + rows % 4)]
    with torch.no_grad(), mmagic.watch() as seen:
        out = mmagic.unet(latent, torch.cat([timestep, timestep]), encoder_hidden_states=torch.cat([text, text]),
                          placeholder_position=positions)
    record_sites(seen, tensors, f"call{pictures}")
    tensors[f"call{pictures}.output"] = out["sample"][:pictures]
    tensors[f"call{pictures}.reg"] = out["loss_reg"]


def record_generation(mmagic, tensors):
    tensors["generate.states"] = mmagic.generate(DRAWN, 5 * wave(4, 1, 4, SIDE, SIDE), wave(3, 1, 4, SIDE, SIDE), 10, 7.5)
    tensors["generate.timesteps"] = mmagic.model.test_scheduler.timesteps


def record_training(mmagic, tensors):
    optimizer = mmagic.optimizer(EMBEDDING_RATE, ATTENTION_RATE)
    losses = []
    for step in range(STEPS):
        with mmagic.watch() as seen:
            found = mmagic.train_step(*(5 * wave(seed + step, 1, 4, SIDE, SIDE) for seed in (60, 70)), PROMPTS[step],
                                      TIMESTEPS[step], wave(80 + step, 1, 4, SIDE, SIDE), optimizer)
        losses.append(torch.stack([found["vico_loss"].detach(), found["loss_reg"].detach()]))
        if step == 0:
            record_sites(seen, tensors, "train")
            for name, gradient in optimizer.gradients.items():
                tensors[f"train.gradient.{name}"] = digest(gradient)
        if step + 1 in (1, 2, 5):
            for name, p in mmagic.trainable.items():
                tensors[f"train.after{step + 1}.{name}"] = digest(p)
    tensors["train.losses"] = torch.stack(losses)


def main():
    mmagic = build(sys.argv[1])
    tensors = {}
    for pictures in (1, 2, 8):
        record_call(mmagic, pictures, tensors)
    record_generation(mmagic, tensors)
    record_training(mmagic, tensors)
    print(mmagic.sites, len(mmagic.trainable), "trainable tensors, losses", tensors["train.losses"].tolist())
    save_file({name: value.contiguous() for name, value in tensors.items()}, HERE / "io" / "mmagic.safetensors",
              {"sites": json.dumps(mmagic.sites)})


if __name__ == "__main__":
    main()
