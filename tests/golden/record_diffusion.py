#!/usr/bin/env python3
"""Records tests/golden/io/diffusion.safetensors: the noise schedule and whole sampling runs of diffusers'
schedulers, with the network's outputs and the noise injected; and Pillow's resize. Needs what record_models.py needs.
"""
import pathlib

import numpy
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from diffusers.schedulers import scheduling_ddpm
from PIL import Image
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
SHAPE = (1, 4, 3, 3)
SCHEDULE = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
LEADING = dict(steps_offset=1, clip_sample=False, timestep_spacing="leading")


def run(scheduler, steps, seed, **step_arguments):
    """Start, injected outputs and noises, and the state after each step, of one run."""
    generator = torch.Generator().manual_seed(seed)
    scheduler.set_timesteps(steps)
    count = len(scheduler.timesteps)
    x = torch.randn(SHAPE, generator=generator)
    outputs = torch.randn((count, *SHAPE), generator=generator)
    noises = torch.randn((count, *SHAPE), generator=generator)
    start, states = x, []
    for i, t in enumerate(scheduler.timesteps):
        arguments = dict(step_arguments)
        if arguments.get("eta"):
            arguments["variance_noise"] = noises[i]
        scheduling_ddpm.randn_tensor = lambda *_, **__: noises[i]
        x = scheduler.step(outputs[i], t, x, **arguments).prev_sample
        states.append(x)
    return {"timesteps": scheduler.timesteps.long(), "start": start, "outputs": outputs, "noises": noises,
            "states": torch.stack(states)}


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


def main():
    ddim = dict(SCHEDULE, **LEADING, set_alpha_to_one=False)
    runs = {
        "ddim": run(DDIMScheduler(**ddim), 10, 1),
        "ddim_eta": run(DDIMScheduler(**ddim), 7, 2, eta=0.8),
        "ddim_v": run(DDIMScheduler(**ddim, prediction_type="v_prediction"), 10, 3),
        "ddim_one": run(DDIMScheduler(**dict(ddim, set_alpha_to_one=True, steps_offset=0)), 10, 4),
        "ddpm": run(DDPMScheduler(**SCHEDULE, **LEADING, variance_type="fixed_small"), 12, 5),
        "dpmsolver": run(DPMSolverMultistepScheduler(**SCHEDULE, algorithm_type="dpmsolver++", solver_order=2), 20, 6),
        "dpmsolver_few": run(DPMSolverMultistepScheduler(**SCHEDULE, algorithm_type="dpmsolver++", solver_order=2), 8, 7),
        "dpmsolver_linear": run(DPMSolverMultistepScheduler(**dict(SCHEDULE, beta_schedule="linear", beta_start=1e-4,
                                                                   beta_end=0.02), solver_order=2), 15, 8),
    }
    tensors = {f"{name}.{key}": value for name, values in runs.items() for key, value in values.items()}

    scheduler = DDPMScheduler(**SCHEDULE)
    generator = torch.Generator().manual_seed(9)
    x0, noise = torch.randn(5, 4, 3, 3, generator=generator), torch.randn(5, 4, 3, 3, generator=generator)
    t = torch.tensor([0, 1, 500, 981, 999])
    tensors |= {"forward.x0": x0, "forward.noise": noise, "forward.t": t,
                "forward.noisy": scheduler.add_noise(x0, noise, t), "forward.v": scheduler.get_velocity(x0, noise, t),
                "forward.alphas_cumprod": scheduler.alphas_cumprod}
    record_resize(tensors)
    save_file({name: value.contiguous() for name, value in tensors.items()}, HERE / "io" / "diffusion.safetensors")


if __name__ == "__main__":
    main()
