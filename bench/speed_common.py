"""What the references of the speed tables share."""
import dataclasses


class NotMeasured(Exception):
    """A side cannot do here what is asked; the text says why."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of the networks, as bench/random_base.cc has them for this code."""
    unet: tuple[int, ...]  # channels of each resolution, finest first
    vae: tuple[int, ...]
    text_width: int
    text_inner: int
    text_layers: int
    text_heads: int


FULL = Sizes((320, 640, 1280, 1280), (128, 256, 512, 512), 768, 3072, 12, 12)  # Stable Diffusion 1.5's
SMALL = Sizes((32, 64, 64, 64), (32, 32, 64, 64), 64, 256, 2, 4)


def prepare_torch(options):
    import torch
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device)
    torch.manual_seed(1)
