"""Measures this code beside other programs that do the same, with random weights, in one run. See docs/performance.md.

The sides take turns, after a warm-up that is not counted. Writes FOLDER/peers.md, a table of medians, and FOLDER/peers.json,
every turn. A side that is absent or fails gets the words "not measured" and the reason.
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys

from speed_rows import ROWS, add_common_options, check_common_options, our_command, reference_command
from speed_table import Table
from turns import Limits, Taken, Together, take_apart

SIDES = {"diffusers": "diffusers", "compiled": "diffusers, compiled", "authors": "the authors' code", "openvino": "OpenVINO",
         "stable-diffusion.cpp": "stable-diffusion.cpp"}
NETWORKS = ("unet1", "decode", "encode")
HAS = {"diffusers": NETWORKS, "compiled": NETWORKS, "openvino": NETWORKS, "stable-diffusion.cpp": ("unet1", "decode"),
       "authors": ("sample1", "sample4", "train", "decode", "encode")}
# GiB that a side takes at 512 x 512 in fp32, about; with it goes how many run together.
MEMORY = {"train": 15, "sample1": 7, "sample4": 11, "unet1": 8, "encode": 3, "decode": 3}
SMALL = {"latent": 16, "repeat": 2, "answer": 600}


def available_gib():
    with open("/proc/meminfo") as meminfo:
        return next(int(line.split()[1]) for line in meminfo if line.startswith("MemAvailable:")) / 2 ** 20


def cpu_name():
    with open("/proc/cpuinfo") as cpuinfo:
        return next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), platform.machine())


def git_version():
    found = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=pathlib.Path(__file__).parent,
                           capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def absent(name, options):
    """Why a side is not even started."""
    if name == "authors" and not options.vico:
        return "no --vico, a checkout of github.com/haoosz/ViCo at 4ac2463"
    if name == "stable-diffusion.cpp" and not options.stable_diffusion_cpp:
        return "no --stable-diffusion-cpp, its program"
    return None


def groups(names, row, dtype, options):
    """Which sides run beside this code at a time; [] stands for one after the other."""
    side_gib = 0 if options.small else MEMORY[row] * (1 if dtype == "fp32" else 0.6)
    together = len(names) + 1 if side_gib == 0 else int(available_gib() / side_gib)
    size = max(1, together - 1)
    return [names[i:i + size] for i in range(0, len(names), size)], together < 2


class Run:
    def __init__(self, options):
        self.options, self.table, self.raw = options, Table(SIDES), []
        self.limits = Limits(options.repeat, options.seconds, options.answer)

    def commands(self, names, rows, dtype):
        found = {"vico": our_command(rows, dtype, self.options)}
        for name in names:
            found[name] = reference_command(name, [row for row in rows if row in HAS[name]], dtype, self.options)
        return found

    def small(self, dtype):
        """All sides stay for all rows: starting one takes longer than its turns."""
        names = [name for name in SIDES if not absent(name, self.options) and set(HAS[name]) & set(self.options.rows)]
        with Together(self.commands(names, self.options.rows, dtype), self.limits) as sides:
            for row in self.options.rows:
                taken = sides.take(row, ["vico"] + [name for name in names if row in HAS[name]])
                ours = taken.pop("vico")
                self.add(row, dtype, ours, {name: (one, ours) for name, one in taken.items()})

    def full(self, row, dtype):
        names = [name for name in SIDES if row in HAS[name] and not absent(name, self.options)]
        ours, others = Taken(), {}
        chunks, apart = groups(names, row, dtype, self.options)
        for chunk in chunks or [[]]:
            commands = self.commands(chunk, [row], dtype)
            if apart:
                taken = take_apart(commands, row, self.limits)
            else:
                with Together(commands, self.limits) as sides:
                    taken = sides.take(row, list(commands))
            beside = taken.pop("vico")
            ours.counted += beside.counted
            ours.first, ours.why = ours.first or beside.first, beside.why
            others |= {name: (one, beside) for name, one in taken.items()}
        self.add(row, dtype, ours, others)

    def add(self, row, dtype, ours, others):
        for name in SIDES:
            if row in HAS[name] and (why := absent(name, self.options)):
                others[name] = (Taken(why=why), ours)
        what, seconds, _ = self.table.add(row, dtype, ours, others)
        print(", ".join(what) + ": " + "; ".join(
            f"{title} {cell}" for title, cell in zip(["this code", *SIDES.values()], seconds) if cell != "–"), flush=True)
        sides = {"vico": ours.as_json()} | {
            name: one.as_json() | {"median_of_vico_beside_it": beside.median()} for name, (one, beside) in others.items()}
        self.raw.append({"row": row, "dtype": dtype, "load": os.getloadavg()[0], "sides": sides})


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/peers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_options(parser, rows=("unet1", "sample1", "sample4", "train", "decode", "encode"))
    parser.add_argument("--small", action="store_true",
                        help=f"tiny networks and --latent {SMALL['latent']}, to see that it runs; its figures say nothing")
    parser.add_argument("--repeat", type=int, help="counted turns a side, at most (default: 5; 2 with --small)")
    parser.add_argument("--seconds", type=float, default=300,
                        help="of the counted turns of a row, about (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/peers"), metavar="FOLDER",
                        help="folder of the results (default: %(default)s)")
    parser.add_argument("--vico", metavar="DIR", help="checkout of github.com/haoosz/ViCo at 4ac2463, the authors' code")
    parser.add_argument("--stable-diffusion-cpp", metavar="PATH", help="the program of stable-diffusion.cpp")
    parser.add_argument("--python", default=sys.executable, help=argparse.SUPPRESS)
    parser.set_defaults(latent=None, answer=1800)
    options = parser.parse_args()
    check_common_options(parser, options)
    if options.small:
        options.answer = SMALL["answer"]
    options.latent = options.latent or (SMALL["latent"] if options.small else 64)
    options.repeat = options.repeat or (SMALL["repeat"] if options.small else 5)
    return options


def main():
    options = parse_arguments()
    where = (f"{cpu_name()}, {options.threads} threads, latent {options.latent}{', tiny networks' * options.small}, "
             f"commit {git_version()}, load before: {os.getloadavg()[0]:.1f}")
    print(where, flush=True)
    run = Run(options)
    for dtype in options.dtypes:
        if options.small:
            run.small(dtype)
        else:
            for row in options.rows:
                run.full(row, dtype)
    options.out.mkdir(parents=True, exist_ok=True)
    table = f"{where}\n\n{run.table.markdown()}"
    (options.out / "peers.md").write_text(table)
    (options.out / "peers.json").write_text(json.dumps({"where": where, "rows": run.raw}, indent=1) + "\n")
    print("\n" + table)


if __name__ == "__main__":
    main()
