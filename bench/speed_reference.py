"""The other side of the speed tables: one of the programs that this code is compared with, as bench/turns.py runs it.

  speed_reference.py SIDE ROW[,ROW...] --latent 64 [--dtype fp32|bf16] [--device cuda:0] [--small] [--vico DIR] ...
"""
import argparse
import gc
import importlib
import json
import sys
import time

from speed_common import FULL, SMALL, NotMeasured

SIDES = {"authors": "speed_authors", "ceilings": "speed_ceilings", "diffusers": "speed_diffusers", "compiled": "speed_diffusers",
         "openvino": "speed_openvino", "stable-diffusion.cpp": "speed_stable_diffusion_cpp"}


def memory_mib(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith(field + ":"))


class Gpu:
    """Waits for a GPU, which computes behind its caller, and reads its memory. Does nothing on a CPU."""

    def __init__(self, device):
        self.on = device != "cpu"
        if self.on:
            import torch
            self.cuda = torch.cuda
            torch.cuda.set_device(device)

    def reset(self):
        if self.on:
            self.cuda.synchronize()
            self.cuda.reset_peak_memory_stats()

    def wait(self):
        if self.on:
            self.cuda.synchronize()

    def peak_mib(self):
        return self.cuda.max_memory_allocated() >> 20 if self.on else None


def measure(step, gpu):
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")  # VmHWM starts again at VmRSS
    gpu.reset()
    begin = time.perf_counter()
    own = step()
    enqueued = time.perf_counter() - begin
    gpu.wait()
    found = {"seconds": time.perf_counter() - begin, "enqueued": enqueued, "peak_mib": memory_mib("VmHWM"),
             "rest_mib": memory_mib("VmRSS"), "device_peak_mib": gpu.peak_mib()}
    return found | own if isinstance(own, dict) else found  # a program of its own says what it measured


def take_turns(make, rows, gpu):
    row, step = rows[0], make(rows[0])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        if line.strip() != row:
            row, step = line.strip(), None  # the old row's memory goes first
            gc.collect()
            step = make(row)
        print(json.dumps(measure(step, gpu)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("rows", type=lambda text: text.split(","))
    parser.add_argument("--dtype", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--latent", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--vico", help="checkout of haoosz/ViCo at 4ac2463")
    parser.add_argument("--stable-diffusion-cpp", metavar="PATH", help="its program")
    options = parser.parse_args()
    options.sizes = SMALL if options.small else FULL
    try:
        side = importlib.import_module(SIDES[options.side])
        side.prepare(options)
        take_turns(lambda row: side.make(row, options), options.rows, Gpu(options.device))
    except NotMeasured as why:
        print(json.dumps({"not measured": str(why)}), flush=True)


if __name__ == "__main__":
    main()
