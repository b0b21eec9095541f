#!/usr/bin/env python3
"""Records tests/golden/io/diffusion.safetensors and io/diffusion_runs.json: the noise schedule and whole sampling
runs of diffusers' schedulers, with a formula for the network and the noise injected; and Pillow's resize. Needs what
record_models.py needs.
"""
import json
import pathlib

import numpy
import torch
from diffusers import (DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
                       EulerDiscreteScheduler, HeunDiscreteScheduler, LCMScheduler, PNDMScheduler,
                       UniPCMultistepScheduler)
from diffusers.schedulers import (scheduling_ddim, scheduling_ddpm, scheduling_euler_ancestral_discrete, scheduling_lcm)
from PIL import Image
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
SHAPE = (2, 4, 4, 4)
SCHEDULE = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")

# scheduler/scheduler_config.json of the published Stable Diffusion 1.5.
SD15 = dict(SCHEDULE, _class_name="PNDMScheduler", _diffusers_version="0.6.0", clip_sample=False, set_alpha_to_one=False,
            skip_prk_steps=True, steps_offset=1, trained_betas=None)

# Our name -> the class, additional arguments of from_config(), and additional arguments of step().
SCHEDULERS = {
    "ddim": (DDIMScheduler, {}, {}),
    "ddim_eta": (DDIMScheduler, {}, {"eta": 1.0}),
    "ddpm": (DDPMScheduler, {}, {}),
    "pndm": (PNDMScheduler, {}, {}),
    "euler": (EulerDiscreteScheduler, {}, {}),
    "euler_ancestral": (EulerAncestralDiscreteScheduler, {}, {}),
    "heun": (HeunDiscreteScheduler, {}, {}),
    "dpmsolver++": (DPMSolverMultistepScheduler, {}, {}),
    "dpmsolver++_karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}, {}),
    "unipc": (UniPCMultistepScheduler, {}, {}),
    "lcm": (LCMScheduler, {}, {}),
}


def without(config, *keys):
    return {key: value for key, value in config.items() if key not in keys}


# Variations of the file -> the file and the schedulers that they affect.
V = dict(SD15, prediction_type="v_prediction")
SIGMAS = ["euler", "heun", "dpmsolver++", "unipc"]
OPTIONS = {
    "ddim_file": (dict(without(SD15, "set_alpha_to_one", "steps_offset", "skip_prk_steps"),
                       _class_name="DDIMScheduler"), ["ddim", "ddim_eta", "ddpm", "euler", "lcm"]),
    "alpha_to_one": (dict(SD15, set_alpha_to_one=True), ["ddim", "pndm"]),
    "leading": (dict(SD15, timestep_spacing="leading"), ["ddim", "pndm", "euler_ancestral", *SIGMAS]),
    "trailing": (dict(SD15, timestep_spacing="trailing"), ["ddim", "ddpm", "pndm", "euler_ancestral", *SIGMAS]),
    "linspace": (dict(SD15, timestep_spacing="linspace"), ["ddim", "ddpm", "pndm", "euler_ancestral", *SIGMAS]),
    "zero_snr": (dict(V, rescale_betas_zero_snr=True, timestep_spacing="trailing"),
                 ["ddim", "ddim_eta", "ddpm", "pndm", "euler_ancestral", "lcm", *SIGMAS]),
    "linear": (dict(SD15, beta_schedule="linear", beta_start=1e-4, beta_end=0.02), ["ddim", *SIGMAS]),
    "cosine": (dict(SD15, beta_schedule="squaredcos_cap_v2"), ["ddim", *SIGMAS]),
    "trained": (dict(SD15, num_train_timesteps=60, trained_betas=[1e-3 + 5e-4 * i for i in range(60)]),
                ["ddim", *SIGMAS]),
    "karras": (dict(SD15, use_karras_sigmas=True), ["euler_ancestral", *SIGMAS]),
    "karras_leading": (dict(SD15, use_karras_sigmas=True, timestep_spacing="leading"), SIGMAS),
    "fixed_large": (dict(SD15, variance_type="fixed_large"), ["ddpm"]),
    "fixed_small_log": (dict(SD15, variance_type="fixed_small_log"), ["ddpm"]),
    "distilled": (dict(SD15, original_inference_steps=40, timestep_scaling=5.0), ["lcm"]),
    "no_schedule": (dict(_class_name="PNDMScheduler", skip_prk_steps=True, clip_sample=False), ["ddim", "euler"]),
}


class Network:
    """Stands for the network: a cheap function of x and t whose values differ much between calls."""

    def __init__(self, generator):
        self.mean = torch.randn(SHAPE, generator=generator)
        self.rough = torch.randn((4, *SHAPE), generator=generator)

    def __call__(self, x, t, call):
        return (x - self.mean) * (0.2 + 0.0007 * t) + self.rough[call % 4] * 0.3


def original(scheduler, step, output, t, x):
    """The scheduler's prediction of x_0 in the last step."""
    for name in ["denoised", "pred_original_sample"]:
        if getattr(step, name, None) is not None:
            return getattr(step, name)
    if isinstance(scheduler, PNDMScheduler):  # does not return it; the formula is that of DDIM
        ddim = DDIMScheduler.from_config(scheduler.config, clip_sample=False, rescale_betas_zero_snr=False)
        ddim.set_timesteps(1)
        return ddim.step(output, t, x).pred_original_sample
    return scheduler.model_outputs[-1].clone()


def run(name, config, steps, calls_kept, network, start, noises):
    """A whole run like that of StableDiffusionPipeline. Returns states and predictions of x_0 at some calls."""
    maker, chosen, step_arguments = SCHEDULERS[name]
    scheduler = maker.from_config(config, **chosen)
    scheduler.set_timesteps(steps)
    x = start * scheduler.init_noise_sigma
    count = len(scheduler.timesteps)
    states, originals = [], []
    for call, t in enumerate(scheduler.timesteps):
        for module in [scheduling_ddim, scheduling_ddpm, scheduling_euler_ancestral_discrete, scheduling_lcm]:
            module.randn_tensor = lambda *_, **__: noises[call]
        shown = scheduler.scale_model_input(x, t)
        output = network(shown, t.item(), call)
        step = scheduler.step(output, t, x, **step_arguments)
        originals.append(original(scheduler, step, output, t, x))
        x = step.prev_sample
        states.append(x)
    kept = torch.tensor(sorted({call % count for call in calls_kept(count)}))
    return {"timesteps": scheduler.timesteps.float(), "calls": kept, "states": torch.stack(states)[kept],
            "originals": torch.stack(originals)[kept]}


def record_schedulers(tensors):
    """Records the tensors of all runs. Returns the descriptions of the runs."""
    generator = torch.Generator().manual_seed(11)
    network = Network(generator)
    start = torch.randn(SHAPE, generator=generator)
    noises = torch.randn((50, *SHAPE), generator=generator)
    tensors |= {"network.mean": network.mean, "network.rough": network.rough, "start": start, "noises": noises}

    configs, runs = {"epsilon": SD15, "v": V}, []

    def record(name, file, steps, calls_kept):
        case = f"{file}.{name}.{steps}"
        values = run(name, configs[file], steps, calls_kept, network, start, noises)
        tensors.update({f"{case}.{key}": value for key, value in values.items()})
        runs.append({"name": case, "scheduler": name.removesuffix("_eta"), "steps": steps,
                     "eta": SCHEDULERS[name][2].get("eta", 0), "config": file})

    for name in SCHEDULERS:
        for steps in [4, 20, 50]:
            for file in ["epsilon", "v"]:
                record(name, file, steps, lambda count: [0, 1, count // 2, -1])
    for option, (config, names) in OPTIONS.items():
        configs[option] = config
        for name in names:
            record(name, option, 8, lambda count: [0, -1])
    return {"configs": configs, "runs": runs}


def record_resize(tensors):
    draw = numpy.random.default_rng(7)
    # Smooth and noisy parts, hard edges at both ends of the range (overshoot is clipped).
    y, x = numpy.mgrid[0:37, 0:53]
    picture = numpy.stack([(x * 5 + y) % 256, (numpy.sin(x / 4) * 127 + 128), 255 * ((x // 7 + y // 5) % 2)], -1)
    picture[20:30, 10:40] = draw.integers(0, 256, (10, 30, 3))
    picture = picture.astype(numpy.uint8)
    tensors["resize.picture"] = torch.from_numpy(picture)
    for name, size in {"down": (16, 16), "up": (64, 64), "mixed": (24, 70), "wide": (53, 20)}.items():
        resized = Image.fromarray(picture).resize(size, resample=Image.Resampling.BICUBIC)
        tensors[f"resize.{name}"] = torch.from_numpy(numpy.asarray(resized).copy())


def record_forward(tensors):
    scheduler = DDPMScheduler(**SCHEDULE)
    generator = torch.Generator().manual_seed(9)
    x0, noise = torch.randn(5, 4, 3, 3, generator=generator), torch.randn(5, 4, 3, 3, generator=generator)
    t = torch.tensor([0, 1, 500, 981, 999])
    tensors |= {"forward.x0": x0, "forward.noise": noise, "forward.t": t,
                "forward.noisy": scheduler.add_noise(x0, noise, t), "forward.v": scheduler.get_velocity(x0, noise, t),
                "forward.alphas_cumprod": scheduler.alphas_cumprod}


def main():
    tensors = {}
    runs = record_schedulers(tensors)
    (HERE / "io" / "diffusion_runs.json").write_text(json.dumps(runs, indent=1) + "\n")
    record_forward(tensors)
    record_resize(tensors)
    save_file({name: value.contiguous() for name, value in tensors.items()}, HERE / "io" / "diffusion.safetensors")


if __name__ == "__main__":
    main()
