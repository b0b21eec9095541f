"""The rows of the authors' code (haoosz/ViCo at 4ac2463) and transformers' text encoder, with random weights; see
speed_reference.py.
"""
import sys
import types

import torch
import torch.nn.functional as F

from speed_common import prepare_torch

PLACEHOLDER, END = 4, 8  # where "a photo of * on the beach" has them
PLACEHOLDER_ID = 265


def prepare(options):
    """Makes their modules importable without the packages that networks alone do not need."""
    prepare_torch(options)
    listconfig = types.ModuleType("omegaconf.listconfig")
    listconfig.ListConfig = type("ListConfig", (), {})
    sys.modules.update({"omegaconf": types.ModuleType("omegaconf"), "omegaconf.listconfig": listconfig})
    sys.path.insert(0, options.vico)


class HalfMatrices:
    """bf16 as PyTorch's users have it: autocast, and the frozen matrices in bf16 so that it need not cast them."""

    def __init__(self, on, device):
        self.on, self.device = on, device

    def freeze(self, module, trainable=""):
        for name, part in module.named_modules():
            trains = trainable and trainable in name
            for p in part.parameters(recurse=False):
                p.requires_grad_(bool(trains))
            if self.on and not trains and isinstance(part, (torch.nn.Linear, torch.nn.Conv2d)):
                part.to(torch.bfloat16)
        return module

    def __call__(self):
        return torch.autocast(self.device, torch.bfloat16, enabled=self.on)


def multiples(channels):
    return [c // channels[0] for c in channels]


class Autoencoder(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        from ldm.modules.diffusionmodules.model import Decoder, Encoder
        config = dict(double_z=True, z_channels=4, resolution=512, in_channels=3, out_ch=3, ch=sizes.vae[0],
                      ch_mult=multiples(sizes.vae), num_res_blocks=2, attn_resolutions=[], dropout=0.0)
        self.encoder, self.decoder = Encoder(**config), Decoder(**config)
        self.quant_conv, self.post_quant_conv = torch.nn.Conv2d(8, 8, 1), torch.nn.Conv2d(4, 4, 1)

    @torch.no_grad()
    def encode(self, picture):
        from ldm.modules.distributions.distributions import DiagonalGaussianDistribution
        return 0.18215 * DiagonalGaussianDistribution(self.quant_conv(self.encoder(picture))).sample()

    @torch.no_grad()
    def decode(self, latent):
        return self.decoder(self.post_quant_conv(latent / 0.18215))


class Text:
    """transformers' tower; the learned word replaces its token's embedding, as the authors' EmbeddingManager does."""

    def __init__(self, half, sizes):
        from transformers import CLIPTextConfig, CLIPTextModel
        config = CLIPTextConfig(vocab_size=49408, hidden_size=sizes.text_width, intermediate_size=sizes.text_inner,
                                num_hidden_layers=sizes.text_layers, num_attention_heads=sizes.text_heads,
                                max_position_embeddings=77, hidden_act="quick_gelu", bos_token_id=49406, eos_token_id=49407,
                                pad_token_id=49407)
        self.model = half.freeze(CLIPTextModel(config).eval())
        self.word = torch.nn.Parameter(torch.randn(1, sizes.text_width) * 0.02)
        self.ids = torch.full((1, 77), 49407)
        self.ids[0, :END] = torch.tensor([49406, 320, 1125, 539, PLACEHOLDER_ID, 525, 518, 2117])
        self.plain_ids = self.ids.clone()
        self.plain_ids[0, PLACEHOLDER] = 7223
        self.empty_ids = torch.full((1, 77), 49407)
        self.empty_ids[0, 0] = 49406
        for module in self.model.modules():
            if isinstance(module, torch.nn.Embedding) and module.num_embeddings == 49408:
                module.register_forward_hook(self.replace)

    def replace(self, _, inputs, output):
        places = torch.where(inputs[0] == PLACEHOLDER_ID)
        output = output.clone()
        output[places] = self.word.to(output.dtype)
        return output

    def __call__(self, ids):
        return self.model(input_ids=ids).last_hidden_state


def make_unet(half, sizes):
    from ldm.modules.diffusionmodules.openaimodel import UNetModel
    unet = UNetModel(image_size=32, in_channels=4, out_channels=4, model_channels=sizes.unet[0],
                     attention_resolutions=[4, 2, 1], num_res_blocks=2, channel_mult=multiples(sizes.unet), num_heads=8,
                     use_spatial_transformer=True, transformer_depth=1, context_dim=sizes.text_width, use_checkpoint=True,
                     legacy=False)
    return half.freeze(unet.eval(), trainable="image_cross_attention")


def train(half, sizes, side, batch):
    """One step: two encodings, both texts, both streams in lock-step, AdamW."""
    text, unet, vae = Text(half, sizes), make_unet(half, sizes), half.freeze(Autoencoder(sizes).eval())
    for name, module in unet.named_modules():
        if name.endswith("image_cross_attention"):
            module.train()
    blocks = [p for name, p in unet.named_parameters() if "image_cross_attention" in name]
    optimizer = torch.optim.AdamW([{"params": [text.word], "lr": 5e-3}, {"params": blocks}], lr=1e-5)
    target, reference = torch.rand(2, batch, 3, 8 * side, 8 * side) * 2 - 1
    abar = torch.cumprod(1 - torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64) ** 2, 0).float()
    rows = torch.arange(batch)
    places = ((rows, torch.full((batch,), PLACEHOLDER)), (rows, torch.full((batch,), END)))
    ids, plain_ids = text.ids.expand(batch, -1), text.plain_ids.expand(batch, -1)

    def step():
        with half():
            z, r = vae.encode(target).float(), vae.encode(reference).float()
            states, states_of_init = text(ids), text(plain_ids)
            t = torch.randint(0, 1000, (batch,))
            noise = torch.randn_like(z)
            a = abar[t].view(-1, 1, 1, 1)
            noisy = a.sqrt() * z + (1 - a).sqrt() * noise
            predicted, reg = unet(noisy, r, timesteps=t, context=states, cc_init=states_of_init, ph_pos=places)
            loss = F.mse_loss(predicted.float(), noise) + 5e-4 * reg
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def sample(half, sizes, side, pictures):
    """One DDIM step with guidance: 2N target rows and 2N reference rows."""
    text, unet = Text(half, sizes), make_unet(half, sizes)
    x, r = torch.randn(pictures, 4, side, side), torch.randn(1, 4, side, side).expand(pictures, -1, -1, -1)
    with torch.no_grad(), half():
        states = torch.cat([text(text.empty_ids).expand(pictures, -1, -1), text(text.ids).expand(pictures, -1, -1)])
    rows = torch.arange(2 * pictures)
    places = ((rows, torch.full((2 * pictures,), PLACEHOLDER)), (rows, torch.full((2 * pictures,), END)))
    t = torch.full((2 * pictures,), 501)
    a, a_before = torch.tensor(0.28), torch.tensor(0.29)

    @torch.no_grad()
    def step():
        with half():
            predicted, _ = unet(torch.cat([x] * 2), torch.cat([r] * 2), timesteps=t, context=states, cc_init=states,
                                ph_pos=places)
        plain, guided = predicted.float().chunk(2)
        e = plain + 7.5 * (guided - plain)
        x0 = (x - (1 - a).sqrt() * e) / a.sqrt()
        return a_before.sqrt() * x0 + (1 - a_before).sqrt() * e

    return step


def encode(half, sizes, side):
    vae, picture = half.freeze(Autoencoder(sizes).eval()), torch.rand(1, 3, 8 * side, 8 * side) * 2 - 1

    def step():
        with half():
            vae.encode(picture)

    return step


def decode(half, sizes, side):
    vae, latent = half.freeze(Autoencoder(sizes).eval()), torch.randn(1, 4, side, side)

    def step():
        with half():
            vae.decode(latent)

    return step


def text_row(half, sizes, side):
    text = Text(half, sizes)
    ids = torch.cat([text.plain_ids, text.empty_ids])

    @torch.no_grad()
    def step():
        with half():
            text(ids)

    return step


def make(row, options):
    half = HalfMatrices(options.dtype == "bf16", options.device.split(":")[0])
    if row.startswith("sample"):
        return sample(half, options.sizes, options.latent, int(row.removeprefix("sample")))
    if row.startswith("train"):
        return train(half, options.sizes, options.latent, int(row.removeprefix("train") or 1))
    return {"encode": encode, "decode": decode, "text": text_row}[row](half, options.sizes, options.latent)
