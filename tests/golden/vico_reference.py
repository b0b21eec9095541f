"""The authors' ViCo (haoosz/ViCo at 4ac2463), assembled so that it runs on a CPU with current libraries.

The authors' code: the U-Net with image attention, EmbeddingManager, LatentDiffusion with its noise schedule, p_losses
and configure_optimizers, and DDIMSampler. Replaced: the text encoder is transformers' CLIPTextModel (they patch one of
transformers 4.18), whose embedding table hands its output to their EmbeddingManager as theirs does; the sampler's buffers
stay on the CPU. Stubs replace libraries whose code is never called. Needs torch, transformers, einops, numpy, tqdm.
"""
import contextlib
import importlib.abc
import importlib.machinery
import io
import sys
import types

import torch

STUBS = {"pytorch_lightning", "omegaconf", "torchvision", "taming", "clip", "kornia"}
START, END = 49406, 49407  # these ids are constants in their code
RESNET = {"in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
          "out_layers.3": "conv2", "skip_connection": "conv_shortcut"}


class LightningModule(torch.nn.Module):
    device = torch.device("cpu")


class Stub(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return {"LightningModule": LightningModule, "rank_zero_only": lambda f: f}.get(name, type(name, (), {}))


class StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in STUBS:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


def open_source(source):
    """Makes the authors' checkout importable and imports the parts in use."""
    from transformers import AutoProcessor, CLIPModel, CLIPTextModel, CLIPTokenizer  # noqa: F401, before the stubs
    finder = StubFinder()
    sys.meta_path.insert(0, finder)
    sys.path.insert(0, str(source))
    try:
        import ldm.models.diffusion.ddpm
        import omegaconf.listconfig  # noqa: F401, imported when a U-Net is created
        import ldm.modules.embedding_manager  # noqa: F401
    finally:
        sys.meta_path.remove(finder)
    return ldm.models.diffusion.ddpm


def diffusers_name(name):
    """CompVis name -> diffusers name; image attention keeps its leaves."""
    parts = name.split(".")
    if parts[0] == "time_embed":
        return f"time_embedding.linear_{1 + int(parts[1]) // 2}.{parts[2]}"
    if parts[0] == "out":
        return ("conv_norm_out." if parts[1] == "0" else "conv_out.") + parts[2]
    if parts[0] == "middle_block":
        place = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}[parts[1]]
        block, rest = f"mid_block.{place}", parts[2:]
    else:
        i, j, rest = int(parts[1]), parts[2], parts[3:]
        if parts[0] == "input_blocks":
            if i == 0:
                return f"conv_in.{rest[0]}"
            if i % 3 == 0:
                return f"down_blocks.{i // 3 - 1}.downsamplers.0.conv.{rest[1]}"
            block = f"down_blocks.{(i - 1) // 3}.{'resnets' if j == '0' else 'attentions'}.{(i - 1) % 3}"
        elif rest[0] == "conv":
            return f"up_blocks.{i // 3}.upsamplers.0.conv.{rest[1]}"
        else:
            block = f"up_blocks.{i // 3}.{'resnets' if j == '0' else 'attentions'}.{i % 3}"
    rest = ".".join(rest)
    for old, new in RESNET.items():
        if rest.startswith(old + "."):
            rest = new + rest[len(old):]
    return f"{block}.{rest}"


class TextStage(torch.nn.Module):
    """Replaces their FrozenCLIPEmbedder. `words` has the ids of the placeholder and of the initial word."""

    def __init__(self, text, words):
        super().__init__()
        self.text, self.words = text, words
        table = text.get_input_embeddings()
        self.transformer = types.SimpleNamespace(text_model=types.SimpleNamespace(
            embeddings=types.SimpleNamespace(token_embedding=table)))
        self.manager = None
        table.register_forward_hook(self.replace)

    def replace(self, table, arguments, embedded):
        return embedded if self.manager is None else self.manager(arguments[0], embedded.clone())

    def tokenizer(self, word, **_):
        return {"input_ids": torch.tensor([[START, self.words[word]] + 75 * [END]])}

    def encode(self, ids, embedding_manager):
        self.manager = embedding_manager
        states = self.text(ids).last_hidden_state
        self.manager = None
        return states


class Config(dict):
    __getattr__ = dict.__getitem__


def unet_parameters(width, multipliers, text_width):
    return {"image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": width, "attention_resolutions": [4, 2, 1],
            "num_res_blocks": 2, "channel_mult": list(multipliers), "num_heads": 8, "use_spatial_transformer": True,
            "transformer_depth": 1, "context_dim": text_width, "use_checkpoint": True, "legacy": False}


@contextlib.contextmanager
def no_initialisation():
    """Skips the random initialisation, which takes long and is overwritten."""
    kept = {name: getattr(torch.nn.init, name) for name in ("kaiming_uniform_", "uniform_", "normal_")}
    for name in kept:
        setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(torch.nn.init, name, function)


class Vico:
    """Their model with v1-finetune.yaml's settings; `unet` is from unet_parameters(). The caller sets the weights."""

    def __init__(self, source, unet, text, words):
        ddpm = open_source(source)
        import ldm.modules.attention
        self.attention = ldm.modules.attention
        placeholder, init = words
        with contextlib.redirect_stdout(io.StringIO()), no_initialisation():
            self.model = ddpm.LatentDiffusion(
                first_stage_config=Config(target="torch.nn.Identity"),
                cond_stage_config=Config(target=f"{__name__}.TextStage", params={"text": text, "words": words}),
                personalization_config=Config(target="ldm.modules.embedding_manager.EmbeddingManager",
                                              params=Config(placeholder_strings=[placeholder], initializer_words=[init],
                                                            per_image_tokens=False, num_vectors_per_token=1,
                                                            progressive_words=False)),
                unet_config=Config(target="ldm.modules.diffusionmodules.openaimodel.UNetModel", params=unet),
                linear_start=0.00085, linear_end=0.0120, num_timesteps_cond=1, timesteps=1000, first_stage_key="image",
                cond_stage_key="caption", image_size=64, channels=4, cond_stage_trainable=True, conditioning_key="crossattn",
                scale_factor=0.18215, use_ema=False, embedding_reg_weight=0.0, unfreeze_model=False, model_lr=0.0)
        self.model.learning_rate = 5e-3
        self.unet = self.model.model.diffusion_model
        self.placeholder = self.model.embedding_manager.string_to_param_dict[placeholder]
        self.names = {diffusers_name(name): p for name, p in self.unet.named_parameters()}
        self.trainable = {name: p for name, p in self.names.items() if "image_cross_attention" in name}
        self.trainable["placeholder_embedding"] = self.placeholder
        self.sites = sorted({name.split(".image_cross_attention.")[0] for name in self.trainable if "." in name})
        self.star = words[placeholder]

    def states(self, ids):
        return self.model.get_learned_conditioning(ids)

    def positions(self, ids):
        """The position of the placeholder, or of the end token if there is none, as in scripts/vico_txt2img.py."""
        end = (torch.arange(len(ids)), ids.argmax(dim=-1))
        return [torch.where(ids == self.star) if (ids == self.star).any() else end, end]

    def losses(self, target, reference, ids, timestep, noise):
        text = self.states(ids)
        return self.model.p_losses(target, reference, text, text, timestep, self.positions(ids), noise=noise)

    def generate(self, ids, unconditional, reference, noise, steps, guidance):
        from ldm.models.diffusion.ddim import DDIMSampler
        self.model.model.freeze_imageca()
        sampler = type("CpuSampler", (DDIMSampler,), {"register_buffer": lambda self, *item: setattr(self, *item)})(self.model)
        count = len(noise)
        with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            latent, _ = sampler.sample(S=steps, batch_size=count, shape=noise.shape[1:], x_T=noise, eta=0.0, verbose=False,
                                       conditioning=self.states(ids.expand(count, -1)),
                                       image_cond=reference.expand(count, -1, -1, -1),
                                       ph_pos=self.positions(ids.expand(count, -1)), unconditional_guidance_scale=guidance,
                                       unconditional_conditioning=self.states(unconditional.expand(count, -1)))
        self.model.model.unfreeze_imageca()
        return latent

    @contextlib.contextmanager
    def watch(self):
        """Yields a dictionary of lists, one entry per site: attention, mask, reference, output; and prediction."""
        seen = {"attention": [], "mask": [], "reference": [], "output": [], "prediction": []}
        otsu = self.attention.otsu

        def recording(maps):
            seen["attention"].append(maps.clone())
            seen["mask"].append(otsu(maps).bool())
            return seen["mask"][-1]

        def block(_, arguments, named, output):
            seen["reference"].append(named["context"].detach())
            seen["output"].append(output.detach())

        hooks = [self.unet.register_forward_hook(lambda _, __, output: seen["prediction"].append(output[0].detach()))]
        for module in self.unet.modules():
            if hasattr(module, "image_cross_attention"):
                hooks.append(module.image_cross_attention.register_forward_hook(block, with_kwargs=True))
        self.attention.otsu = recording
        try:
            yield seen
        finally:
            self.attention.otsu = otsu
            for hook in hooks:
                hook.remove()
