"""The rows of a stable-diffusion.cpp program that the caller has built; see speed_reference.py.

Each turn is a run of the program. It logs what its sampling and decoding took, to 10 ms, and that counts: neither its
start nor the text encoder does. bf16 is f16 here, the 16-bit type that it is used with.
"""
import os
import pathlib
import re
import resource
import subprocess
import tempfile

from speed_common import NotMeasured, prepare_torch

STEPS = 4
LOGGED = {"unet1": (r"sampling completed, taking ([0-9.]+)s", STEPS),
          "decode": (r"decode_first_stage completed, taking ([0-9.]+)s", 1)}
TYPES = {"fp32": "f32", "bf16": "f16"}
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "vico"


def prepare(options):
    if options.small:
        raise NotMeasured("it reads networks of Stable Diffusion's size only")
    if options.device != "cpu":
        raise NotMeasured("it is compared on CPUs only")


def write_model(options):
    """A folder in diffusers layout with random weights, made once: 2 GB."""
    import parity_checkpoint
    import torch
    from safetensors.torch import save_file
    folder = CACHE / "peers-model"
    if (folder / "complete").exists():
        return folder
    prepare_torch(options)
    for name, network in parity_checkpoint.networks("full"):
        weights = network().half().state_dict()
        # The program knows the text encoder's names of transformers before 5.
        prefix, file = ("text_model.", "model") if name == "text_encoder" else ("", "diffusion_pytorch_model")
        (folder / name).mkdir(parents=True, exist_ok=True)
        save_file({prefix + key.removeprefix(prefix or " "): value.contiguous() for key, value in weights.items()
                   if value.dtype == torch.half}, folder / name / f"{file}.safetensors")
    (folder / "complete").touch()
    return folder


def seconds_in(log, row):
    pattern, parts = LOGGED[row]
    found = re.findall(pattern, log)
    if not found:
        raise NotMeasured(f"its log has no line like '{pattern}'")
    return float(found[-1]) / parts


def make(row, options):
    model = write_model(options)
    command = [options.stable_diffusion_cpp, "-m", model, "--type", TYPES[options.dtype],
               "-p", "a photo of a robot on the beach", "--cfg-scale", 1, "--sampling-method", "euler", "--steps", STEPS, "-W", 8 * options.latent,
               "-H", 8 * options.latent, "-t", options.threads, "-s", 1]

    def step():
        try:
            with tempfile.TemporaryDirectory() as work:
                done = subprocess.run([str(word) for word in [*command, "-o", f"{work}/picture.png"]], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors="replace")
        except OSError as error:
            raise NotMeasured(f"{options.stable_diffusion_cpp}: {error.strerror}") from error
        if done.returncode != 0:
            last = (done.stdout.strip().splitlines() or [""])[-1]
            raise NotMeasured(f"{options.stable_diffusion_cpp}: exit code {done.returncode}: {last[:200]}")
        peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return {"seconds": seconds_in(done.stdout, row), "peak_mib": peak_kib // 1024, "rest_mib": None}

    return step
