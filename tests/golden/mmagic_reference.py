"""mmagic's ViCo (open-mmlab/mmagic at 0a560bb), assembled so that it runs on a CPU without mmengine and mmcv.

mmagic's code: ViCo with its train_step() and infer(), its U-Net's blocks and sites, ClipWrapper, TokenizerWrapper.
Stand-ins: mmengine, mmcv, the registries around them and the autoencoder, which returns given latents. Everything is fp32,
as their own dtype='fp32' makes it. Needs torch, diffusers==0.23.1, huggingface_hub<0.26, transformers<4.47, tqdm.
"""
import contextlib
import pathlib
import sys
import types
from unittest import mock

import torch
from torch import nn

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False}


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


def package(name, folder):
    """A package whose __init__ is not executed."""
    stand_in(name, __path__=[str(folder)])


class Registry:
    def register_module(self, *args, **kwargs):
        return lambda cls: cls


class BaseModel(nn.Module):
    def __init__(self, data_preprocessor=None, init_cfg=None):
        super().__init__()
        self.data_preprocessor = data_preprocessor

    def parse_losses(self, losses):
        return sum(losses.values()), losses


def load_mmagic(source):
    root = pathlib.Path(source) / "mmagic"
    stand_in("mmengine", print_log=lambda *args, **kwargs: None, __path__=[])
    stand_in("mmengine.logging", MMLogger=types.SimpleNamespace(get_current_instance=lambda: None))
    stand_in("mmengine.model", BaseModel=BaseModel, BaseModule=nn.Module)
    stand_in("mmengine.runner", set_random_seed=lambda seed: None)
    for name in ("", ".models", ".models.editors", ".models.editors.vico", ".models.editors.stable_diffusion",
                 ".models.editors.disco_diffusion"):
        package("mmagic" + name, root / name.replace(".", "/").lstrip("/"))
    stand_in("mmagic.registry", MODELS=Registry(), DIFFUSION_SCHEDULERS=Registry())
    stand_in("mmagic.structures", DataSample=object)
    stand_in("mmagic.utils", try_import=__import__, __path__=[])
    stand_in("mmagic.utils.typing", SampleList=list)
    stand_in("mmagic.models.utils", build_module=lambda module, *args, **kwargs: module, set_tomesd=None, set_xformers=None)
    package("mmagic.models.archs", root / "models/archs")
    from mmagic.models.archs import tokenizer
    sys.modules["mmagic.models.archs"].TokenizerWrapper = tokenizer.TokenizerWrapper
    from mmagic.models.editors.disco_diffusion import clip_wrapper
    from mmagic.models.editors.vico import vico, vico_utils
    scope = {}
    exec((pathlib.Path(source) / "configs/vico/vico.py").read_text(), scope)
    return vico, vico_utils, clip_wrapper, tokenizer, scope["image_cross_layers"]


class Vae(nn.Module):
    """Returns the given samples in order."""
    block_out_channels = (1, 1, 1, 1)
    dtype = torch.float32

    def __init__(self, scale):
        super().__init__()
        self.config = types.SimpleNamespace(scaling_factor=scale)
        self.samples = []

    def encode(self, image):
        sample = self.samples.pop(0)
        return types.SimpleNamespace(latent_dist=types.SimpleNamespace(sample=lambda: sample))

    def decode(self, latent):
        return {"sample": latent}


class OptimWrapper:
    def __init__(self, groups):
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self.loss, self.gradients = None, None
        self.parameters = {name: p for group in groups for name, p in group["named"].items()}

    def optim_context(self, model):
        return contextlib.nullcontext()

    def update_params(self, loss):
        loss.backward()
        self.gradients = {name: p.grad.clone() for name, p in self.parameters.items()}
        self.optimizer.step()
        self.optimizer.zero_grad()


class Mmagic:
    """Their model with the sites of configs/vico/vico.py. `unet` and `text` are networks of diffusers and transformers
    with weights, `tokenizer` is a folder, `scale` that of the latents. The caller sets the adapter's weights."""

    def __init__(self, source, unet, text, tokenizer, tokens, reg_weight, scale):
        from diffusers import DDIMScheduler, DDPMScheduler
        vico, self.utils, clip_wrapper, wrapper, layers = load_mmagic(source)
        self.tokenizer = wrapper.TokenizerWrapper(str(tokenizer), model_max_length=tokens)
        wrapped = clip_wrapper.ClipWrapper.__new__(clip_wrapper.ClipWrapper)
        nn.Module.__init__(wrapped)
        wrapped.clip_type = "huggingface"
        wrapped.model = text.eval().requires_grad_(False)
        wrapped.config = text.config
        self.model = vico.ViCo(
            vae=Vae(scale), text_encoder=wrapped, tokenizer=self.tokenizer, unet=unet, scheduler=DDPMScheduler(**BETAS),
            test_scheduler=DDIMScheduler(**BETAS, steps_offset=1, set_alpha_to_one=False), dtype="fp32",
            enable_xformers=False, data_preprocessor=lambda data: data, image_cross_layers=layers,
            reg_loss_weight=reg_weight, placeholder="S*", initialize_token="dog")
        self.unet = unet
        self.names = {}
        for name, p in [*unet.named_parameters(), *text.named_parameters()]:
            if "trainable_embeddings" not in name:
                self.names[name.replace(".wrapped.", ".")] = p
        table = wrapped.get_embedding_layer()
        self.words = table.weight
        self.placeholder = table.trainable_embeddings["S*"]
        blocks = {name: p for name, p in self.names.items() if p.requires_grad}
        assert all("image_cross_attention" in name for name in blocks) and self.placeholder.requires_grad
        self.trainable = {"placeholder_embedding": self.placeholder, **blocks}
        self.sites = sorted({name.split(".image_cross_attention.")[0] for name in blocks})

    def optimizer(self, embedding_rate, attention_rate):
        """Two groups of parameters, divided as by their paramwise_cfg."""
        blocks = {name: p for name, p in self.trainable.items() if name != "placeholder_embedding"}
        return OptimWrapper([
            {"params": [self.placeholder], "lr": embedding_rate, "named": {"placeholder_embedding": self.placeholder}},
            {"params": list(blocks.values()), "lr": attention_rate, "named": blocks}])

    def train_step(self, target, reference, prompt, timestep, noise, optimizer):
        """One picture and one reference as unscaled latents [1, 4, h, w]. Returns their log of the losses."""
        self.model.vae.samples = [torch.cat([target, reference])]
        image = torch.zeros(1, 3, 8 * target.shape[2], 8 * target.shape[3])
        data = {"inputs": {"img": image, "img_ref": image}, "data_samples": types.SimpleNamespace(prompt=[prompt])}
        with mock.patch.object(torch, "randn_like", lambda x: noise), \
                mock.patch.object(torch, "randint", lambda *args, **kwargs: torch.tensor([timestep])):
            return self.model.train_step(data, optimizer)

    def generate(self, prompt, reference, noise, steps, guidance):
        """The latents after each step, [steps, 4, h, w]; `reference` is unscaled."""
        states = []
        step = self.model.test_scheduler.step

        def stepped(*args, **kwargs):
            result = step(*args, **kwargs)
            states.append(result["prev_sample"].clone())
            return result

        self.model.vae.samples = [reference]
        height, width = (8 * n for n in noise.shape[2:])
        with mock.patch.object(self.model.test_scheduler, "step", stepped):
            self.model.infer([prompt], torch.zeros(1, 3, height, width), height, width, num_inference_steps=steps,
                             guidance_scale=guidance, latents=noise, show_progress=False, return_type="tensor")
        assert len(states) == steps
        return torch.cat(states)

    @contextlib.contextmanager
    def watch(self):
        """Yields a dictionary of lists, one entry per site: attention, mask, output; and prediction."""
        seen = {"attention": [], "mask": [], "output": [], "prediction": []}
        otsu = self.utils.otsu

        def recording(maps):
            seen["attention"].append(maps.detach().clone())
            seen["mask"].append(otsu(maps).clone())
            return seen["mask"][-1]

        def keep(kind, tensor):
            seen[kind].append(tensor.detach().clone())

        hooks = [self.unet.register_forward_hook(lambda _, __, out: keep("prediction", out["sample"]))]
        for name, module in self.unet.named_modules():
            if name.endswith("image_cross_attention"):
                hooks.append(module.register_forward_hook(lambda _, __, out: keep("output", out)))
        try:
            with mock.patch.object(self.utils, "otsu", recording):
                yield seen
        finally:
            for hook in hooks:
                hook.remove()
        assert len(seen["attention"]) == len(seen["output"]) == 4
