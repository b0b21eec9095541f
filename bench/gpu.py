"""Measures this code on a GPU, with random weights of Stable Diffusion 1.5's size, in one run. See docs/performance.md.

The sides take turns, after a warm-up that is not counted. Each row has a deadline, and so has the run: what does not end
in time, or fails, is "not measured" with the reason, and the run goes on. Writes FOLDER/gpu.md and FOLDER/gpu.json.
"""
import argparse
import json
import pathlib
import sys
import tempfile
import time

from gpu_checks import CHECKS, checks_command, kill_and_resume
from gpu_pack import about, output_of, unpack
from gpu_table import CEILINGS, markdown
from peers import cpu_name, git_version
from speed_rows import add_common_options, check_common_options, our_command, reference_command
from speed_table import Table
from turns import Limits, Taken, Together

SIDES = {"diffusers": "diffusers", "compiled": "diffusers, compiled", "authors": "the authors' code"}
HAS = {"diffusers": ("unet1", "unet4", "unet8", "unet16", "decode", "encode"),
       "compiled": ("unet1", "unet8", "decode"),  # each is compiled anew, which takes a minute
       "authors": ("sample1", "sample4", "sample8", "sample16", "train", "train4", "decode", "encode")}
# What matters most comes first, as the time may run out.
SPEEDS = {"bf16": ("unet1", "sample1", "train", "guided8", "mixed8", "decode", "encode", "unet8", "sample8", "train4", "unet4",
                   "sample4", "unet16", "sample16"),
          "fp32": ("unet1", "sample1", "train")}
RESUME = "resume"
KNOWN = [*CEILINGS, *CHECKS, RESUME, *SPEEDS["bf16"]]
START_SECONDS = 120  # for all sides, which make their weights
ROW_SECONDS = {"compiled": 150, "else": 60}  # deadlines of a row, with and without a compiler
CPU_SLOWNESS = 4  # these deadlines are a GPU's
LAST_SECONDS = 10  # of the run, for the tables


class Run:
    def __init__(self, options):
        self.options = options
        self.end = time.monotonic() + options.minutes * 60 - LAST_SECONDS
        self.speeds = Table(SIDES)
        self.results = {"ceilings": {}, "checks": {}, "resume": {}, "ours": [], "rows": []}
        self.environment = []  # words before the commands of this code
        self.why_not_ours = None

    def limits(self, seconds=ROW_SECONDS["else"]):
        slowness = CPU_SLOWNESS if self.options.device == "cpu" else 1
        deadline = min(self.end, time.monotonic() + slowness * seconds)
        return Limits(self.options.repeat, self.options.seconds, self.options.answer, deadline)

    def say(self, row, taken):
        found = f"{taken.median():.3g} s" if taken.counted else f"not measured: {taken.why}"
        print(f"{row}: {found}", flush=True)

    def one_side(self, command, rows):
        """{row: Taken} of a program that nothing is compared with."""
        taken = {}
        with Together({"side": command}, self.limits()) as together:
            for row in rows:
                together.limits = self.limits()
                taken[row] = together.take(row, ["side"])["side"]
                self.say(row, taken[row])
        return taken

    def ceilings(self, rows):
        self.results["ceilings"] = self.one_side(reference_command("ceilings", rows, "fp32", self.options), rows)

    def checks(self, rows):
        if self.why_not_ours:
            self.results["checks"] = {row: Taken(why=self.why_not_ours) for row in rows}
        else:
            self.results["checks"] = self.one_side(self.environment + checks_command(self.options), rows)

    def resume(self):
        if self.why_not_ours:
            self.results["resume"] = {"why": self.why_not_ours}
        else:
            self.results["resume"] = kill_and_resume(self.options, self.limits(2 * ROW_SECONDS["else"]), self.environment)
        print(f"{RESUME}: {self.results['resume']}", flush=True)

    def absent(self, name):
        if name == "authors" and not self.options.vico:
            return "no --vico, a checkout of github.com/haoosz/ViCo at 4ac2463"
        return None

    def speed(self, rows, dtype):
        """The processes stay for all rows: starting one takes longer than its turns."""
        commands = {} if self.why_not_ours else {"vico": self.environment + our_command(rows, dtype, self.options)}
        with Together(commands | self.commands(rows, dtype), self.limits(START_SECONDS)) as together:
            together.start_all(list(together.commands))
            for row in rows:
                self.speed_row(together, row, dtype)

    def commands(self, rows, dtype):
        """Of the other programs."""
        found = {}
        for name in SIDES:
            its = [row for row in rows if row in HAS[name]]
            if its and not self.absent(name):
                found[name] = reference_command(name, its, dtype, self.options)
        return found

    def speed_row(self, together, row, dtype):
        names = [name for name in SIDES if row in HAS[name]]
        whys = {name: self.absent(name) for name in names} | {"vico": self.why_not_ours}
        asked = [name for name in ["vico", *names] if not whys[name]]
        together.limits = self.limits(ROW_SECONDS["compiled" if "compiled" in asked else "else"])
        taken = together.take(row, asked) | {name: Taken(why=why) for name, why in whys.items() if why}
        ours = taken.pop("vico")
        self.say(f"{row}, {dtype}", ours)
        self.speeds.add(row, dtype, ours, {name: (one, ours) for name, one in taken.items()})
        self.results["ours"].append((row, dtype, ours))
        self.results["rows"].append({"row": row, "dtype": dtype, "sides": {
            name: one.as_json() for name, one in {"vico": ours, **taken}.items()}})

    def all(self):
        asked = self.options.rows
        if rows := [row for row in CEILINGS if row in asked]:
            self.ceilings(rows)
        if rows := [row for row in CHECKS if row in asked]:
            self.checks(rows)
        if RESUME in asked:
            self.resume()
        for dtype, its in SPEEDS.items():
            if dtype in self.options.dtypes and (rows := [row for row in its if row in asked]):
                self.speed(rows, dtype)

    def as_json(self):
        found = self.results
        return {"ceilings": {row: one.as_json() for row, one in found["ceilings"].items()}, "rows": found["rows"],
                "checks": {row: one.as_json() for row, one in found["checks"].items()}, "resume": found["resume"]}


def device_name(options):
    if options.device == "cpu":
        return cpu_name()
    return output_of(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]) or "unknown GPU"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/gpu", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="bench/gpu --pack FOLDER collects what a run on another machine needs.")
    add_common_options(parser, rows=KNOWN)
    parser.add_argument("--device", default="cuda", help="cpu, cuda or cuda:N (default: %(default)s)")
    parser.add_argument("--small", action="store_true", help="tiny networks, to see that it runs; its figures say nothing")
    parser.add_argument("--repeat", type=int, help="counted turns a side, at most (default: 5; 1 with --small)")
    parser.add_argument("--seconds", type=float, default=10, help="of the counted turns of a row, about (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=12, help="of the whole run, at most (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/gpu"), metavar="FOLDER",
                        help="folder of the results (default: %(default)s)")
    parser.add_argument("--vico", metavar="DIR", help="checkout of github.com/haoosz/ViCo at 4ac2463, the authors' code")
    parser.add_argument("--python", default=sys.executable, help="one with torch (default: an environment of its own)")
    parser.set_defaults(latent=None, answer=150)
    options = parser.parse_args()
    check_common_options(parser, options)
    options.latent = options.latent or (16 if options.small else 64)
    options.repeat = options.repeat or (1 if options.small else 5)
    if not options.vico and (pathlib.Path(options.build) / "ViCo").is_dir():
        options.vico = str(pathlib.Path(options.build) / "ViCo")
    return options


def main():
    options = parse_arguments()
    begin = time.monotonic()
    run = Run(options)
    where = (f"{device_name(options)}, device {options.device}, latent {options.latent}{', tiny networks' * options.small}, "
             f"commit {about(options.build).get('commit') or git_version()}")
    print(where, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run.environment, run.why_not_ours = unpack(options.build, options.python, folder)
        run.all()
    where += f", {time.monotonic() - begin:.0f} s"
    options.out.mkdir(parents=True, exist_ok=True)
    table = f"{where}\n\n{markdown(run.results, run.speeds, CHECKS)}"
    (options.out / "gpu.md").write_text(table)
    (options.out / "gpu.json").write_text(json.dumps({"where": where, **run.as_json()}, indent=1) + "\n")
    print("\n" + table)


if __name__ == "__main__":
    main()
