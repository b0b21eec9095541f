"""The reference's side of bench/parity: one case a process. parity_networks.cc and parity_vico.cc are the other side.

  python parity_reference.py CASE --base-model DIR --input FILE --output FILE [--dtype bfloat16] [--vico DIR] [--mmagic DIR] …

Writes the output's tensors and prints one line of JSON: seconds and the process's peak memory. With --dtype bfloat16 the
output is computed in fp32 too, beside "bfloat16.<name>"; seconds are the half precision's.
"""
import argparse
import contextlib
import json
import pathlib
import re
import sys
import time

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"))
STEPS = 5
REG_WEIGHT = 5e-4  # of the authors' and mmagic's settings


def timed(repeats, run):
    """Mean seconds of `repeats` calls after an uncounted one; 0: of a single call."""
    if repeats:
        run()
    begin = time.perf_counter()
    for _ in range(max(repeats, 1)):
        run()
    return (time.perf_counter() - begin) / max(repeats, 1)


def peak_bytes():
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status).group(1))


def module(a, model, run):
    """run(dtype) -> tensors of one network."""
    output = {}
    with torch.no_grad():
        if a.dtype != torch.float32:
            output |= run(torch.float32)
            model.to(a.dtype)
        found = {}
        seconds = timed(a.repeats, lambda: found.update(run(a.dtype)))
    prefix = "" if a.dtype == torch.float32 else "bfloat16."
    return output | {prefix + name: value.float() for name, value in found.items()}, seconds


def text(a):
    from transformers import CLIPTextModel
    model = CLIPTextModel.from_pretrained(a.base_model / "text_encoder").eval()
    return module(a, model, lambda _: {"states": model(a.tensors["ids"]).last_hidden_state})


def vae(a, run):
    from diffusers import AutoencoderKL
    model = AutoencoderKL.from_pretrained(a.base_model / "vae").eval()
    return module(a, model, lambda dtype: run(model, dtype))


def vae_encode(a):
    def run(model, dtype):
        posterior = model.encode(a.tensors["picture"].to(dtype)).latent_dist
        return {"mean": posterior.mean, "std": posterior.std}
    return vae(a, run)


def vae_decode(a):
    return vae(a, lambda model, dtype: {"picture": model.decode(a.tensors["latent"].to(dtype)).sample})


def unet(a):
    from diffusers import UNet2DConditionModel
    model = UNet2DConditionModel.from_pretrained(a.base_model / "unet").eval()
    return module(a, model, lambda dtype: {"noise": model(a.tensors["latent"].to(dtype), a.tensors["timestep"],
                                                          a.tensors["text"].to(dtype)).sample})


def ddim(a):
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer
    base = a.base_model
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL.from_pretrained(base / "vae"), text_encoder=CLIPTextModel.from_pretrained(base / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(base / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(base / "unet"),
        scheduler=DDIMScheduler.from_config(json.loads((base / "scheduler" / "scheduler_config.json").read_text())),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)

    def draw(steps):
        return pipeline(a.words["prompt"], latents=a.tensors["noise"].clone(), num_inference_steps=steps,
                        guidance_scale=7.5, eta=0.0, output_type="latent").images

    draw(1)  # uncounted
    found = {}
    seconds = timed(0, lambda: found.update(latent=draw(10)))
    return found, seconds


def open_vico(a):
    """The authors' model with the checkpoint's weights and the input's adapter."""
    import vico_reference
    from transformers import CLIPTextModel, CLIPTokenizer
    config = json.loads((a.base_model / "unet" / "config.json").read_text())
    channels = config["block_out_channels"]
    tokenizer = CLIPTokenizer.from_pretrained(a.base_model / "tokenizer")
    words = {word: tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("*", "robot")}
    vico = vico_reference.Vico(
        a.vico, vico_reference.unet_parameters(channels[0], [c // channels[0] for c in channels], config["cross_attention_dim"]),
        CLIPTextModel.from_pretrained(a.base_model / "text_encoder").eval(), words)
    left = {name: p for name, p in vico.names.items() if name not in vico.trainable}
    with torch.no_grad():
        with safe_open(a.base_model / "unet" / "diffusion_pytorch_model.safetensors", "pt") as file:
            for name in file.keys():
                left.pop(name).copy_(file.get_tensor(name))
        for name, p in vico.trainable.items():
            p.copy_(a.tensors["adapter." + name])
    assert not left, sorted(left)
    return vico, lambda prompts: torch.tensor(
        [tokenizer(prompt.replace("S*", "*"), padding="max_length", max_length=77, truncation=True)["input_ids"]
         for prompt in prompts])


def of_sites(seen):
    found = {f"site{i}.{kind}": value for kind in ("attention", "mask", "reference", "output") if kind in seen
             for i, value in enumerate(seen[kind])}
    return found | {"prediction": seen["prediction"][0]}


def vico_train(a):
    vico, tokens = open_vico(a)
    prompts = json.loads(a.words["prompts"])
    optimizer = vico.model.configure_optimizers()
    output, losses, seconds = {}, [], []
    for step in range(STEPS):
        begin = time.perf_counter()
        optimizer.zero_grad()
        rows = [a.tensors[name][step] for name in ("target", "reference", "timestep", "noise")]
        with vico.watch() if step == 0 else contextlib.nullcontext() as seen:
            loss, parts = vico.losses(rows[0], rows[1], tokens(prompts[step]), rows[2], rows[3])
        loss.backward()
        losses.append([parts["train/loss_simple"].item(), parts["train/loss_reg"].item() / REG_WEIGHT])
        if step == 0:
            output |= {f"grad.{name}": p.grad.clone() for name, p in vico.trainable.items()}
            output |= of_sites(seen)
        optimizer.step()
        seconds.append(time.perf_counter() - begin)
        if step + 1 in (1, 2, STEPS):
            output |= {f"after{step + 1}.{name}": p.detach().clone() for name, p in vico.trainable.items()}
    output["losses"] = torch.tensor(losses, dtype=torch.float64)
    return output, sum(seconds[1:]) / (STEPS - 1)


def vico_generate(a):
    vico, tokens = open_vico(a)

    def draw(steps):
        return vico.generate(tokens([a.words["prompt"]]), tokens([""]), a.tensors["reference"], a.tensors["noise"], steps, 7.5)

    draw(1)  # uncounted
    found = {}
    seconds = timed(0, lambda: found.update(latent=draw(10)))
    return found, seconds


def open_mmagic(a):
    """mmagic's model with the checkpoint's weights and the input's adapter; its latents are given scaled."""
    import mmagic_reference
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel
    text = CLIPTextModel(CLIPTextConfig.from_pretrained(a.base_model / "text_encoder"))
    # Written by a newer transformers, whose names have no prefix.
    states = load_file(a.base_model / "text_encoder" / "model.safetensors")
    text.load_state_dict({"text_model." + name.removeprefix("text_model."): value for name, value in states.items()})
    mmagic = mmagic_reference.Mmagic(
        a.mmagic, UNet2DConditionModel.from_pretrained(a.base_model / "unet"),
        text, a.base_model / "tokenizer", 77, REG_WEIGHT, 1.0)
    with torch.no_grad():
        for name, p in mmagic.trainable.items():
            p.copy_(a.tensors["adapter." + name])
    return mmagic


def mmagic_train(a):
    mmagic = open_mmagic(a)
    prompts = json.loads(a.words["prompts"])
    optimizer = mmagic.optimizer(5e-3, 1e-5)
    output, losses, seconds = {}, [], []
    for step in range(STEPS):
        begin = time.perf_counter()
        target, reference, timestep, noise = (a.tensors[name][step] for name in ("target", "reference", "timestep", "noise"))
        with mmagic.watch() if step == 0 else contextlib.nullcontext() as seen:
            found = mmagic.train_step(target, reference, *prompts[step], timestep.item(), noise, optimizer)
        losses.append([found["vico_loss"].item(), found["loss_reg"].item() / REG_WEIGHT])
        seconds.append(time.perf_counter() - begin)
        if step == 0:
            output |= {f"grad.{name}": gradient for name, gradient in optimizer.gradients.items()} | of_sites(seen)
        if step + 1 in (1, 2, STEPS):
            output |= {f"after{step + 1}.{name}": p.detach().clone() for name, p in mmagic.trainable.items()}
    output["prediction"] = output["prediction"][:1]
    output["losses"] = torch.tensor(losses, dtype=torch.float64)
    return output, sum(seconds[1:]) / (STEPS - 1)


def mmagic_generate(a):
    mmagic = open_mmagic(a)

    def draw(steps):
        return mmagic.generate(a.words["prompt"], a.tensors["reference"], a.tensors["noise"], steps, 7.5)[-1:]

    draw(1)  # uncounted
    found = {}
    seconds = timed(0, lambda: found.update(latent=draw(10)))
    return found, seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=["text", "vae_encode", "vae_decode", "unet", "ddim", "vico_train", "vico_generate",
                                          "mmagic_train", "mmagic_generate"])
    for name in ("base_model", "input", "output", "vico", "mmagic"):
        parser.add_argument("--" + name.replace("_", "-"), type=pathlib.Path)
    parser.add_argument("--dtype", type=lambda name: getattr(torch, name), default=torch.float32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=1)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    a.tensors = load_file(a.input)
    with safe_open(a.input, "pt") as file:
        a.words = file.metadata() or {}
    output, seconds = globals()[a.case](a)
    peak = peak_bytes()
    save_file({name: value.detach().contiguous() for name, value in output.items()}, a.output)
    print(json.dumps({"seconds": seconds, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
