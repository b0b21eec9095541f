"""The rows of diffusers' networks with random weights, as they are and with torch.compile; see speed_reference.py."""
import torch

from speed_common import prepare_torch

TOKENS = 77
SCALE = 0.18215
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Unet(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        from diffusers import UNet2DConditionModel
        self.unet = UNet2DConditionModel(block_out_channels=sizes.unet, cross_attention_dim=sizes.text_width,
                                         attention_head_dim=8)

    def forward(self, latent, timestep, text):
        return self.unet(latent, timestep, encoder_hidden_states=text, return_dict=False)[0]


class Vae(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        from diffusers import AutoencoderKL
        self.vae = AutoencoderKL(block_out_channels=sizes.vae, latent_channels=4, layers_per_block=2,
                                 down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)


class Encode(Vae):
    """The parameters of the posterior."""

    def forward(self, picture):
        return self.vae.quant_conv(self.vae.encoder(picture))


class Decode(Vae):
    def forward(self, latent):
        return self.vae.decoder(self.vae.post_quant_conv(latent / SCALE))


def network_and_inputs(row, options):
    """In fp32, on the default device."""
    side, sizes = options.latent, options.sizes
    if row == "encode":
        return Encode(sizes), (torch.rand(1, 3, 8 * side, 8 * side) * 2 - 1,)
    if row == "decode":
        return Decode(sizes), (torch.randn(1, 4, side, side),)
    rows = int(row.removeprefix("unet"))
    return Unet(sizes), (torch.randn(rows, 4, side, side), torch.full((rows,), 501),
                         torch.randn(rows, TOKENS, sizes.text_width))


def frozen(row, options):
    network, inputs = network_and_inputs(row, options)
    return network.eval().requires_grad_(False), inputs


def prepare(options):
    prepare_torch(options)
    if options.side == "compiled" and options.device == "cpu":
        import torch._inductor.config
        # Weights are constants, which lets a CPU lay them out once.
        torch._inductor.config.freezing = True


def make(row, options):
    network, inputs = frozen(row, options)
    dtype = TYPES[options.dtype]
    network = network.to(dtype)
    inputs = [value.to(dtype) if value.is_floating_point() else value for value in inputs]
    if options.side == "compiled":
        torch._dynamo.reset()
        network = torch.compile(network)

    @torch.no_grad()
    def step():
        found = network(*inputs)
        if row == "decode":
            found.float().cpu()  # as this code hands the picture on

    return step
