"""The parts of bench/gpu that do not compare speeds: another device beside the CPU, and a training that is killed."""
import time

from speed_rows import BASE, program
from turns import Side

CHECKS = {"group_norm_bf16": "group norm of bf16 numbers", "unet_fp32": "U-Net, fp32", "unet_tf32": "U-Net, fp32 with TF32",
          "unet_bf16": "U-Net, bf16", "losses": "losses of 8 training steps", "picture": "a picture's pixels, in 256ths"}
STEPS, EVERY = 8, 2
KILLED_AT = 4


def checks_command(options):
    return [program("vico-bench-device", options), "--device", options.device, "--base-model", BASE,
            "--threads", str(options.threads)]


def resume_command(options, path):
    return [program("vico-bench-resume", options), path, "--device", options.device, "--base-model", BASE,
            "--threads", str(options.threads), "--steps", str(STEPS), "--every", str(EVERY)]


class Training:
    """A training as a process. Raises RuntimeError with the reason when it fails."""

    def __init__(self, command, limits):
        self.limits = limits
        self.side = Side(command, limits.left())
        self.next()

    def next(self):
        self.side.seconds = self.limits.left()
        found = self.side.answer()
        if found is None:
            self.side.close()
            raise RuntimeError(self.side.why)
        return found

    def end(self):
        """The last line: the adapter's digest."""
        while "digest" not in (found := self.next()):
            pass
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.side.kill()
        self.side.close()


def kill_and_resume(options, limits, environment):
    """{"same_bits", "resumed_at", "losses", "seconds"}; or {"why"} if it could not be done. `environment`: words before the commands."""
    options.out.mkdir(parents=True, exist_ok=True)
    paths = [options.out / "undisturbed.safetensors", options.out / "killed.safetensors"]
    begin = time.monotonic()
    try:
        for path in paths:
            path.unlink(missing_ok=True)
        with Training(environment + resume_command(options, paths[0]), limits) as training:
            whole = training.end()
        with Training(environment + resume_command(options, paths[1]), limits) as training:
            while training.next().get("step", 0) < KILLED_AT:
                pass
        with Training(environment + resume_command(options, paths[1]), limits) as training:
            resumed = training.end()
    except RuntimeError as error:
        return {"why": str(error)}
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
    return {"same_bits": whole["digest"] == resumed["digest"], "resumed_at": resumed["resumed_at"],
            "losses": [whole["loss"], resumed["loss"]], "seconds": time.monotonic() - begin}
