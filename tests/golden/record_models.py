#!/usr/bin/env python3
"""Records what diffusers and transformers compute with small random networks: tests/golden/base (a whole
diffusers directory with Stable Diffusion 1.x's block pattern), tests/golden/unet_* (other patterns), and their
inputs and outputs in tests/golden/io.

  pip install torch==2.13.0 diffusers==0.42.1 transformers==5.23.0 safetensors pillow
  python3 record_tokenizer.py   (first: its vocabulary is used here; needs another transformers)
  python3 record_models.py

Weights are rounded to half precision, in which they are stored, before anything is computed in fp32.
"""
import json
import pathlib
import shutil

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

HERE = pathlib.Path(__file__).parent
CONTEXT, TEXT_WIDTH = 16, 12


def randomise(model, seed):
    """Random weights for norms and biases too, so that each weight affects the output and no output vanishes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() > 1:
                p.copy_(noise / (p[0].numel() ** 0.5))
            else:
                p.copy_(0.1 * noise + (1.0 if "norm" in name and name.endswith("weight") else 0.0))
    return model.half().float().eval()


def save(model, folder):
    model.half().save_pretrained(folder, safe_serialization=True)
    model.float()


def record(folder, tensors):
    (HERE / "io").mkdir(exist_ok=True)
    save_file({name: t.contiguous() for name, t in tensors.items()}, HERE / "io" / f"{folder.name}.safetensors")


def strip(folder):
    """Drops fields with the writer's version, so that a new recording gives the same file."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for key in ("_diffusers_version", "transformers_version", "_name_or_path"):
        config.pop(key, None)
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")


def record_unet(folder, seed, **overrides):
    arguments = dict(sample_size=8, in_channels=4, out_channels=4, layers_per_block=2, norm_num_groups=4,
                     cross_attention_dim=TEXT_WIDTH, act_fn="silu")
    unet = randomise(UNet2DConditionModel(**{**arguments, **overrides}), seed)
    save(unet, folder)
    strip(folder)
    generator = torch.Generator().manual_seed(seed + 1)
    latent = torch.randn(2, 4, 8, 8, generator=generator)
    text = torch.randn(2, 7, TEXT_WIDTH, generator=generator)
    timestep = torch.tensor([1, 981])
    with torch.no_grad():
        output = unet(latent, timestep, text).sample
    record(folder, {"latent": latent, "timestep": timestep, "text": text, "output": output})


def record_vae(folder, seed):
    vae = AutoencoderKL(in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(8, 8, 16, 16),
                        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
                        layers_per_block=1, norm_num_groups=4, sample_size=64)
    vae = randomise(vae, seed)
    save(vae, folder)
    strip(folder)
    generator = torch.Generator().manual_seed(seed + 1)
    picture = torch.rand(2, 3, 32, 48, generator=generator) * 2 - 1
    latent = torch.randn(2, 4, 3, 5, generator=generator)
    with torch.no_grad():
        posterior = vae.encode(picture).latent_dist
        decoded = vae.decode(latent).sample
    record(folder, {"picture": picture, "mean": posterior.mean, "std": posterior.std, "latent": latent, "decoded": decoded})


def record_text(folder, seed, vocabulary):
    config = CLIPTextConfig(vocab_size=vocabulary, hidden_size=TEXT_WIDTH, intermediate_size=32, num_hidden_layers=2,
                            num_attention_heads=3, max_position_embeddings=CONTEXT, hidden_act="quick_gelu",
                            bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1, pad_token_id=vocabulary - 1)
    text = randomise(CLIPTextModel(config), seed)
    save(text, folder)
    strip(folder)
    generator = torch.Generator().manual_seed(seed + 1)
    ids = torch.randint(0, vocabulary - 2, (2, CONTEXT), generator=generator)
    ids[:, 0] = vocabulary - 2
    ids[0, 9:] = vocabulary - 1
    ids[1, 15:] = vocabulary - 1
    placeholder = torch.randn(TEXT_WIDTH, generator=generator)
    with torch.no_grad():
        states = text(ids).last_hidden_state
        # The learned word is an additional row of the table, as in textual inversion.
        with_word = ids.clone()
        with_word[:, 4] = vocabulary
        text.resize_token_embeddings(vocabulary + 1, mean_resizing=False)
        text.get_input_embeddings().weight[vocabulary] = placeholder
        word_states = text(with_word).last_hidden_state
    record(folder, {"ids": ids, "states": states, "placeholder": placeholder, "word_ids": with_word,
                    "word_states": word_states})


def main():
    base = HERE / "base"
    shutil.rmtree(base, ignore_errors=True)
    (base / "tokenizer").mkdir(parents=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(HERE / "tokenizer" / name, base / "tokenizer" / name)
    vocabulary = len(json.loads((base / "tokenizer" / "vocab.json").read_text()))
    record_unet(base / "unet", 10, block_out_channels=(8, 16, 16, 16), attention_head_dim=2,
                down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
                up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3)
    record_vae(base / "vae", 20)
    record_text(base / "text_encoder", 30, vocabulary)
    (base / "scheduler").mkdir()
    schedule = {"_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
                "num_train_timesteps": 1000, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
                "trained_betas": None, "clip_sample": False}
    (base / "scheduler" / "scheduler_config.json").write_text(json.dumps(schedule, indent=1) + "\n")
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
             "vae": ["diffusers", "AutoencoderKL"], "text_encoder": ["transformers", "CLIPTextModel"]}
    (base / "model_index.json").write_text(json.dumps(index, indent=1) + "\n")

    # The block pattern of the tiny base: three resolutions, all with attention, heads of equal size.
    shutil.rmtree(HERE / "unet_toy", ignore_errors=True)
    record_unet(HERE / "unet_toy", 40, block_out_channels=(8, 16, 16), attention_head_dim=(1, 2, 4),
                down_block_types=("CrossAttnDownBlock2D",) * 3, up_block_types=("CrossAttnUpBlock2D",) * 3)
    # Linear projections, as in Stable Diffusion 2.x.
    shutil.rmtree(HERE / "unet_linear", ignore_errors=True)
    record_unet(HERE / "unet_linear", 50, block_out_channels=(8, 8), attention_head_dim=2, layers_per_block=1,
                use_linear_projection=True, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))


if __name__ == "__main__":
    main()
