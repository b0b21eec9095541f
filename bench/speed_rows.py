"""The rows of the speed tables, and the commands of the sides that run them. For bench/speed and bench/peers."""
import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
BASE = str(HERE.parent / "toyworld" / "base")
OURS = "this code"
COUNTS = (1, 4, 8, 16)
ROWS = {"train": "training step, batch 1", "train4": "training step, batch 4", "encode": "VAE encode", "decode": "VAE decode", "text": "text encoder, 2 prompts",
        **{f"unet{n}": f"U-Net, {n} row{'s' * (n > 1)}" for n in COUNTS},
        **{f"sample{n}": f"guided step with adapter, {n} picture{'s' * (n > 1)}" for n in COUNTS},
        "guided8": "guided prediction, 1 adapter x 8 pictures", "mixed8": "guided prediction, 8 adapters x 1 picture"}


def comma_list(text):
    return text.split(",")


def add_common_options(parser, rows):
    parser.add_argument("--build", default=str(HERE.parent / "build" / "release"), metavar="DIR")
    parser.add_argument("--latent", type=int, default=64, help="side of the latent: 64 is 512x512 pixels")
    parser.add_argument("--rows", type=comma_list, default=list(rows), metavar="LIST", help=f"of {','.join(rows)}")
    parser.add_argument("--dtypes", type=comma_list, default=["fp32", "bf16"], metavar="LIST", help="of fp32,bf16")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.set_defaults(known_rows=rows, small=False, device="cpu")


def check_common_options(parser, options):
    for name, known in (("rows", options.known_rows), ("dtypes", ("fp32", "bf16"))):
        for word in getattr(options, name):
            if word not in known:
                parser.error(f"--{name}: must be of {', '.join(known)}, got {word}")


def same(dtype, options):
    words = ["--dtype", dtype, "--latent", str(options.latent), "--threads", str(options.threads)]
    if options.device != "cpu":
        words += ["--device", options.device]
    return words + ["--small"] * options.small


def program(name, options):
    return str(pathlib.Path(options.build) / "bin" / name)


def our_command(rows, dtype, options):
    return [program("vico-bench-speed", options), ",".join(rows), *same(dtype, options), "--tokenizer-of", BASE]


def reference_command(side, rows, dtype, options):
    """`side`: one of speed_reference.py."""
    command = [options.python, str(HERE / "speed_reference.py"), side, ",".join(rows), *same(dtype, options)]
    if side == "authors":
        command += ["--vico", str(options.vico)]
    if side == "stable-diffusion.cpp":
        command += ["--stable-diffusion-cpp", str(options.stable_diffusion_cpp)]
    return command
