"""Runs bench/parity's cases on the reference and on the product, compares them and prints one table. See bench/parity."""
import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import torch
from safetensors import safe_open
from safetensors.torch import save_file

import parity_checkpoint

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "vico"
PIXELS = {"quick": 128, "full": 512}
LATENT = {"quick": 32, "full": 64}
VICO = {"quick": (2, 16), "full": (1, 32)}  # rows a step, side of the latent
MMAGIC = {"quick": (1, 16), "full": (1, 32)}  # its training step takes one row
REPEATS = {"quick": 3, "full": 1}
MODULE, TRAJECTORY, TRAINING = 1e-5, 1e-4, 1e-4  # largest relative errors in fp32
CHANGE = 1e-3  # of what AdamW changed: 1e-5 a step, kept to 1e-8 by a number near 0.2
HALF = 2.0  # bfloat16: how many times the reference's own bfloat16 error the product's may be
LEAVES = {  # of an image-attention block of width 1, as multiples of the width
    "norm1.weight": (1,), "norm1.bias": (1,), "norm2.weight": (1,), "norm2.bias": (1,), "norm3.weight": (1,), "norm3.bias": (1,),
    "ff.net.0.proj.weight": (8, 1), "ff.net.0.proj.bias": (8,), "ff.net.2.weight": (1, 4), "ff.net.2.bias": (1,),
    **{f"{a}.{leaf}": (1, 1) for a in ("attn1", "attn2") for leaf in ("to_q.weight", "to_k.weight", "to_v.weight", "to_out.0.weight")},
    "attn1.to_out.0.bias": (1,), "attn2.to_out.0.bias": (1,)}


def errors(actual, expected):
    """Largest absolute difference, and that of the norms relative to the expected one's; NaN counts as infinite."""
    if actual.shape != expected.shape:
        raise SystemExit(f"shapes differ: {tuple(actual.shape)} and {tuple(expected.shape)}")
    difference = actual.double() - expected.double()
    relative = difference.norm() / expected.double().norm()
    return tuple(v if v == v else float("inf") for v in (difference.abs().max().item(), relative.item()))


class Table:
    COLUMNS = ("compared", "shape", "max abs error", "relative error", "bound", "s, reference", "s, ViCo", "ratio",
               "GiB, reference", "GiB, ViCo", "")

    def __init__(self):
        self.rows, self.failed = [], []
        self.print(self.COLUMNS)
        self.print(["---"] * len(self.COLUMNS))

    def print(self, cells):
        self.rows.append("| " + " | ".join(cells) + " |")
        print(self.rows[-1], flush=True)

    def add(self, what, shape, error, bound, costs=None, unit=None):
        """`error`: (absolute, relative), or a count with its `unit`, of which none is allowed."""
        good = error == 0 if unit else error[1] <= bound
        if not good:
            self.failed.append(what)
        cells = [what, shape, "", f"{error} {unit}", "0"] if unit else \
            [what, shape, f"{error[0]:.1e}", f"{error[1]:.1e}", f"{bound:.1e}"]
        if costs:
            (a, b), gib = costs, 2.0 ** 30
            cells += [f"{a['seconds']:.2f}", f"{b['seconds']:.2f}", f"{a['seconds'] / b['seconds']:.2f}",
                      f"{a['peak_bytes'] / gib:.2f}", f"{b['peak_bytes'] / gib:.2f}"]
        else:
            cells += [""] * 5
        self.print(cells + ["ok" if good else "MISSED"])


class Runner:
    """Runs one case on both sides, one process after the other; tensors go by files."""

    def __init__(self, options, base, work):
        self.options, self.base, self.work = options, base, work

    def run(self, case, tensors, words=None, dtype="float32", extra=(), python=sys.executable):
        """Returns the reference's file, the product's, and what each cost. `python`: the reference's."""
        source, theirs, ours = (self.work / f"{case}.{name}.safetensors" for name in ("input", "reference", "vico"))
        save_file({name: value.contiguous() for name, value in tensors.items()}, source, words or {})
        common = ["--base-model", self.base, "--input", source, "--dtype", dtype, "--threads", self.options.threads,
                  "--repeats", REPEATS[self.options.size]]
        reference = [python, HERE / "parity_reference.py", case, *common, "--output", theirs, *extra]
        costs = self.call(reference), self.call([self.options.binary, case, *common, "--output", ours])
        source.unlink()
        return safe_open(theirs, "pt"), safe_open(ours, "pt"), costs

    @staticmethod
    def call(command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(str(w) for w in command[:3])}: failed\n{done.stderr[-4000:]}")
        return json.loads(done.stdout.strip().split("\n")[-1])


def shape(tensor):
    return "x".join(str(n) for n in tensor.shape)


def normal(*size, seed):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def tokenizer_row(options, base, table):
    folder = base / "tokenizer"
    known = json.loads(subprocess.run([options.tokenizer_python, HERE / "parity_tokenizer.py", folder], check=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    found = json.loads(subprocess.run([options.binary, "tokenizer", "--base-model", base], check=True, stdout=subprocess.PIPE,
                                      input=json.dumps(known["texts"]).encode()).stdout)
    wrong = [text for i, text in enumerate(known["texts"])
             if any(known[kind][i] != found[kind][i] for kind in ("content", "padded"))]
    for text in wrong[:5]:
        print(f"tokenizer: differs on {text!r}", file=sys.stderr)
    longest = max(len(ids) for ids in known["content"])
    table.add("tokenizer", f"{len(known['texts'])} texts, up to {longest} ids", len(wrong), None, unit="differing")


def module_rows(options, runner, table):
    config = json.loads((runner.base / "unet" / "config.json").read_text())
    side, pixels, width = LATENT[options.size], PIXELS[options.size], config["cross_attention_dim"]
    ids = torch.randint(0, 49406, (2, 77), generator=torch.Generator().manual_seed(1))
    ids[:, 0], ids[0, 9:], ids[1, 76] = 49406, 49407, 49407
    picture = normal(1, 3, pixels, pixels, seed=2).clamp(-1, 1)
    latent = normal(1, 4, pixels // 8, pixels // 8, seed=3)
    noise = {"latent": normal(1, 4, side, side, seed=4), "timestep": torch.tensor([501]), "text": normal(1, 77, width, seed=5)}
    cases = [("text", {"ids": ids}, "text encoder"), ("vae_encode", {"picture": picture}, "VAE encode"),
             ("vae_decode", {"latent": latent}, "VAE decode"), ("unet", noise, "U-Net")]
    for case, tensors, label in cases:
        theirs, ours, costs = runner.run(case, tensors)
        for name in sorted(ours.keys()):
            what = f"{label}: {name}" if case == "vae_encode" else label
            expected = theirs.get_tensor(name)
            table.add(what, shape(expected), errors(ours.get_tensor(name), expected), MODULE, costs)
            costs = None
    for case, tensors, label in cases:
        theirs, ours, costs = runner.run(case, tensors, dtype="bfloat16")
        for name in sorted(ours.keys()):
            what = f"{label}: {name}" if case == "vae_encode" else label
            expected = theirs.get_tensor(name)
            own = errors(theirs.get_tensor(f"bfloat16.{name}"), expected)[1]
            table.add(f"{what}, bfloat16 (reference's {own:.1e})", shape(expected), errors(ours.get_tensor(name), expected),
                      HALF * own, costs)
            costs = None
    start = normal(1, 4, side, side, seed=6)
    theirs, ours, costs = runner.run("ddim", {"noise": start}, {"prompt": "a photo of a dog on the beach"})
    expected = theirs.get_tensor("latent")
    table.add("10 DDIM steps, guidance 7.5", shape(expected), errors(ours.get_tensor("latent"), expected), TRAJECTORY, costs)


def adapter(runner, sites):
    """A trainable start at sites of these names: the libraries' default weights, norms disturbed, a word of its own."""
    config = json.loads((runner.base / "unet" / "config.json").read_text())
    channels = config["block_out_channels"]
    torch.manual_seed(7)
    found = {"adapter.placeholder_embedding": 0.02 * torch.randn(1, config["cross_attention_dim"])}
    for site in sites:
        width = channels[3 - int(site[0])]
        for leaf, factors in sorted(LEAVES.items()):
            size = [factor * width for factor in factors]
            fan_in = LEAVES[leaf.replace("bias", "weight")][-1] * width
            value = (2 * torch.rand(size) - 1) / fan_in ** 0.5
            if leaf.startswith("norm"):
                value = 0.1 * torch.randn(size) + leaf.endswith("weight")
            found[f"adapter.up_blocks.{site}.image_cross_attention.{leaf}"] = value
    return found


def worst(ours, theirs, names):
    """The errors of the tensor with the largest relative one."""
    return max((errors(ours.get_tensor(name), theirs.get_tensor(name)) for name in names), key=lambda pair: pair[1])


def together(file, names):
    return torch.cat([file.get_tensor(name).flatten() for name in names])


def dialect_rows(name, label, sites, size, runner, table, reference):
    """ViCo as one dialect has it. `size`: rows a step and side of the latent; `reference`: options of Runner.run()."""
    rows, side = size
    start = adapter(runner, sites)
    templates = ["a photo of a S*", "a rendering of a S*", "the photo of a S*", "a photo of my S*", "a dark photo of the S*",
                 "a photo of the cool S*", "a depiction of a S*", "a photo of one S*", "an illustration of the S*",
                 "a rendition of the S*"]
    prompts = [templates[2 * step:2 * step + rows] for step in range(5)]
    size = (5, rows, 4, side, side)
    given = {"target": 0.9 * normal(*size, seed=8), "reference": 0.9 * normal(*size, seed=9), "noise": normal(*size, seed=10),
             "timestep": torch.randint(0, 1000, (5, rows), generator=torch.Generator().manual_seed(11))}
    theirs, ours, costs = runner.run(f"{name}_train", start | given, {"prompts": json.dumps(prompts)}, **reference)
    missing = set(theirs.keys()) - set(ours.keys())
    if missing:
        raise SystemExit(f"only the reference gave {sorted(missing)[:4]}")
    rows_text = f"{rows} row{'s'[:rows - 1]}, {side}x{side} latent"
    masks = [(ours.get_tensor(f"site{i}.mask"), theirs.get_tensor(f"site{i}.mask")) for i in range(4)]
    for kind, what in (("reference", "reference tokens"), ("output", "image attention"), ("attention", "attention maps")):
        names = [f"site{i}.{kind}" for i in range(4) if f"site{i}.{kind}" in theirs.keys()]
        if names:
            table.add(f"{label}: {what}, worst of 4 sites", rows_text, worst(ours, theirs, names), TRAINING)
    table.add(f"{label}: masks of 4 sites", f"{sum(a.numel() for a, _ in masks)} bits, {sum(int(b.sum()) for _, b in masks)} set",
              sum(int((a != b).sum()) for a, b in masks), None, unit="differing")
    table.add(f"{label}: prediction", shape(theirs.get_tensor("prediction")), worst(ours, theirs, ["prediction"]), TRAINING)
    for column, what in enumerate(("loss", "regulariser")):
        pair = errors(*(file.get_tensor("losses")[:, column] for file in (ours, theirs)))
        table.add(f"{label}: {what} of 5 steps", rows_text, pair, TRAINING)
    names = sorted(key for key in theirs.keys() if key.startswith("grad."))
    table.add(f"{label}: gradients, worst of {len(names)} tensors", f"{together(theirs, names).numel():,}",
              worst(ours, theirs, names), TRAINING)
    for step in (1, 2, 5):
        now = [key.replace("grad.", f"after{step}.") for key in names]
        begin = torch.cat([start[key.replace("grad.", "adapter.")].flatten() for key in names])
        table.add(f"{label}: parameters after {step}", f"worst of {len(names)}", worst(ours, theirs, now), TRAINING, costs)
        table.add(f"{label}: their change since the start", "all", errors(together(ours, now) - begin, together(theirs, now) - begin),
                  CHANGE)
        costs = None
    latents = {"reference": 0.9 * normal(1, 4, side, side, seed=12), "noise": normal(1, 4, side, side, seed=13)}
    theirs, ours, costs = runner.run(f"{name}_generate", start | latents, {"prompt": "a photo of S* on the beach"}, **reference)
    table.add(f"{label}: 10 DDIM steps, guidance 7.5", shape(theirs.get_tensor("latent")), worst(ours, theirs, ["latent"]), TRAJECTORY,
              costs)


def vico_rows(options, runner, table, source):
    """The paper's dialect, against the authors' own code."""
    sites = ("1.attentions.1", "2.attentions.0", "2.attentions.2", "3.attentions.1")
    dialect_rows("vico", "ViCo", sites, VICO[options.size], runner, table, {"extra": ("--vico", source)})


def mmagic_rows(options, runner, table, source):
    """mmagic's dialect, against mmagic's code, which needs libraries of its time."""
    sites = ("1.attentions.2", "2.attentions.1", "3.attentions.0", "3.attentions.2")
    dialect_rows("mmagic", "ViCo, mmagic's dialect", sites, MMAGIC[options.size], runner, table,
                 {"extra": ("--mmagic", source), "python": options.mmagic_python})


# A dialect's reference: the option that names its checkout, and who adds its rows to the table.
DIALECTS = {"vico": vico_rows, "mmagic": mmagic_rows}


def main():
    parser = argparse.ArgumentParser(prog="bench/parity", description="Compares ViCo with the reference implementations.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const", const="quick", default="quick", help="reduced width (default)")
    size.add_argument("--full", dest="size", action="store_const", const="full", help="Stable Diffusion 1.5's size")
    for name in DIALECTS:
        parser.add_argument(f"--{name}", type=pathlib.Path, metavar="DIR", help="checkout of the reference code")
    parser.add_argument("--parts", default="tokenizer,modules," + ",".join(DIALECTS), help="which rows (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="write the table here, too")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--binary", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    for name in ("tokenizer", "mmagic"):
        parser.add_argument(f"--{name}-python", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    parts = options.parts.split(",")
    unknown = set(parts) - {"tokenizer", "modules", *DIALECTS}
    if unknown:
        parser.error(f"--parts: no such part as {', '.join(sorted(unknown))}")

    begin = time.perf_counter()
    base = CACHE / "parity" / options.size
    parity_checkpoint.make(options.size, base)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "diffusers", "transformers"))
    print(f"{options.size} size, {options.threads} thread(s), {versions}; seconds are of one call after an uncounted one\n", flush=True)
    table = Table()
    with tempfile.TemporaryDirectory(prefix="vico_parity_", dir=CACHE) as work:
        runner = Runner(options, base, pathlib.Path(work))
        if "tokenizer" in parts:
            tokenizer_row(options, base, table)
        if "modules" in parts:
            module_rows(options, runner, table)
        for name, add_rows in DIALECTS.items():
            if name in parts and getattr(options, name):
                add_rows(options, runner, table, getattr(options, name).resolve())
    print(f"\n{time.perf_counter() - begin:.0f} s")
    if options.out:
        options.out.write_text("\n".join(table.rows) + "\n")
    if table.failed:
        raise SystemExit("missed: " + "; ".join(table.failed))


if __name__ == "__main__":
    main()
