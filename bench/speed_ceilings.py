"""What a device can do at most, measured with PyTorch: products of matrices, and a copy; see speed_reference.py."""
import torch

from speed_common import prepare_torch

SIDE = {"cpu": 512, "cuda": 8192}  # of the matrices
COPIED = {"cpu": 1 << 26, "cuda": 1 << 32}  # bytes
REPEATS = 10
PRODUCTS = {"matmul_bf16": (torch.bfloat16, False), "matmul_tf32": (torch.float32, True), "matmul_fp32": (torch.float32, False)}


def prepare(options):
    prepare_torch(options)


def product(dtype, side):
    a, b = torch.randn(2, side, side).to(dtype)

    def once():
        return a @ b

    return once, 2 * side ** 3, "TFLOP/s"


def copy(size):
    source = torch.zeros(size, dtype=torch.uint8)
    target = torch.empty_like(source)

    def once():
        return target.copy_(source)

    return once, 2 * size, "TB/s"  # read and written


def make(row, options):
    kind = options.device.split(":")[0]
    tf32 = False
    if row == "copy":
        once, work, unit = copy(COPIED[kind])
    else:
        dtype, tf32 = PRODUCTS[row]
        once, work, unit = product(dtype, SIDE[kind])

    @torch.no_grad()
    def step():
        torch.backends.cuda.matmul.allow_tf32 = tf32
        for _ in range(REPEATS):
            once()
        return {"work": REPEATS * work / 1e12, "unit": unit}

    return step
