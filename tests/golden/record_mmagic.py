#!/usr/bin/env python3
"""Records tests/golden/io/mmagic.safetensors: what mmagic's ViCo computes, its train_step() and infer() included.

  git clone https://github.com/open-mmlab/mmagic && git -C mmagic checkout 0a560bb
  pip install torch==2.13.0 diffusers==0.23.1 'huggingface_hub<0.26' 'transformers<4.47' safetensors pillow tqdm
  python3 record_mmagic.py mmagic

mmagic's own files run; mmengine, mmcv and the registries around them are stand-ins. The networks have Stable Diffusion's
shape at reduced width; weights, latents and noise are formulas (formula.py, and wave() below; tests/golden/mmagic_test.cc
has the same), so none are stored. Everything is fp32, as mmagic's own dtype='fp32' makes it.
"""
import contextlib
import json
import math
import pathlib
import sys
import tempfile
import types
from unittest import mock

import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from formula import weights

HERE = pathlib.Path(__file__).parent
WIDTH, TEXT_WIDTH, TOKENS, SIDE, HEADS = 32, 24, 16, 16, 8
GROUPS = 8  # with 32, one channel each, some biases would have no gradient but noise
VOCABULARY = 49408  # mmagic's infer() knows the end token by its number in CLIP's vocabulary
REG_WEIGHT = 0.5  # far above the shipped one, so that its gradient shows
EMBEDDING_RATE, ATTENTION_RATE = 5e-3, 1e-3
STEPS = 5
PROMPTS = ["a photo of a S*", "a close-up photo of the S*", "a rendition of the S*", "a dark photo of the S*",
           "the photo of a S*"]
TIMESTEPS = [501, 37, 803, 250, 981]
DRAWN = "a photo of a S* on the beach"


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


def package(name, folder):
    """A package whose __init__ is not run."""
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


def wave(seed, *shape):
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    return (1.4 * torch.sin(seed + (1.1 + 0.1 * seed) * i)).reshape(shape).float()


class Vae(nn.Module):
    """Hands out the samples it is given, in order."""
    block_out_channels = (1, 1, 1, 1)
    config = types.SimpleNamespace(scaling_factor=0.18215)
    dtype = torch.float32

    def __init__(self):
        super().__init__()
        self.samples = []

    def encode(self, image):
        sample = self.samples.pop(0)
        return types.SimpleNamespace(latent_dist=types.SimpleNamespace(sample=lambda: sample))

    def decode(self, latent):
        return {"sample": latent * 0.18215}


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


def tokenizer_folder(folder):
    """The golden vocabulary, filled up so that start and end have CLIP's numbers."""
    source = HERE / "tokenizer"
    words = sorted(json.loads((source / "vocab.json").read_text()).items(), key=lambda item: item[1])
    words = [word for word, _ in words]
    fillers = [f"filler{i}" for i in range(VOCABULARY - len(words))]
    words = words[:-2] + fillers + words[-2:]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_bytes((source / "merges.txt").read_bytes())


def build(source):
    vico, vico_utils, clip_wrapper, tokenizer, layers = load_mmagic(source)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer_folder(pathlib.Path(folder))
        words = tokenizer.TokenizerWrapper(folder, model_max_length=TOKENS)
    unet = UNet2DConditionModel(sample_size=SIDE, block_out_channels=(WIDTH, WIDTH, 2 * WIDTH, 2 * WIDTH),
                                attention_head_dim=HEADS, cross_attention_dim=TEXT_WIDTH, norm_num_groups=GROUPS)
    text = clip_wrapper.ClipWrapper.__new__(clip_wrapper.ClipWrapper)
    nn.Module.__init__(text)
    text.clip_type = "huggingface"
    text.model = CLIPTextModel(CLIPTextConfig(
        vocab_size=VOCABULARY, hidden_size=TEXT_WIDTH, intermediate_size=48, num_hidden_layers=2, num_attention_heads=3,
        max_position_embeddings=TOKENS, hidden_act="quick_gelu", bos_token_id=VOCABULARY - 2,
        eos_token_id=VOCABULARY - 1, pad_token_id=VOCABULARY - 1)).eval().requires_grad_(False)
    text.config = text.model.config
    betas = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False)
    model = vico.ViCo(vae=Vae(), text_encoder=text, tokenizer=words, unet=unet, scheduler=DDPMScheduler(**betas),
                      test_scheduler=DDIMScheduler(**betas, steps_offset=1, set_alpha_to_one=False), dtype="fp32",
                      enable_xformers=False, data_preprocessor=lambda data: data, image_cross_layers=layers,
                      reg_loss_weight=REG_WEIGHT, placeholder="S*", initialize_token="dog")
    names = {}
    for name, p in [*unet.named_parameters(), *text.model.named_parameters()]:
        if "trainable_embeddings" not in name:
            names[name.replace(".wrapped.", ".")] = p
    embedding = text.get_embedding_layer()
    with torch.no_grad():
        for index, name in enumerate(sorted(names), 1):
            names[name].copy_(weights(index, name, tuple(names[name].shape)))
        word = embedding.trainable_embeddings["S*"]
        word.copy_(embedding.weight[words("dog").input_ids[1]][None])
    trainable = {name: p for name, p in names.items() if p.requires_grad}
    assert all("image_cross_attention" in name for name in trainable) and word.requires_grad
    return model, vico_utils, {"placeholder_embedding": word, **trainable}


def digest(tensor):
    """At most 64 elements spread evenly, and the Euclidean norm of all."""
    flat = tensor.detach().double().flatten()
    count = min(64, flat.numel())
    chosen = torch.arange(count) * flat.numel() // count
    return torch.cat([flat[chosen], flat.norm()[None]]).float()


class Watch:
    """What happens at the sites while it is open: maps and masks, outputs of the image attention."""

    def __init__(self, model, vico_utils):
        self.maps, self.masks, self.outputs = [], [], []
        otsu = vico_utils.otsu

        def watched(maps):
            self.maps.append(maps.detach().clone())
            self.masks.append(otsu(maps).clone())
            return self.masks[-1]

        self.patch = mock.patch.object(vico_utils, "otsu", watched)
        self.blocks = [(name, m) for name, m in model.unet.named_modules() if name.endswith("image_cross_attention")]

    def __enter__(self):
        self.hooks = [m.register_forward_hook(lambda module, args, out: self.outputs.append(out.detach().clone()))
                      for _, m in self.blocks]
        self.patch.start()
        return self

    def __exit__(self, *error):
        self.patch.stop()
        for hook in self.hooks:
            hook.remove()

    def record(self, tensors, prefix):
        assert len(self.maps) == len(self.outputs) == 4
        for i in range(4):
            tensors[f"{prefix}.site{i}.map"] = self.maps[i]
            tensors[f"{prefix}.site{i}.mask"] = self.masks[i]
            tensors[f"{prefix}.site{i}.output"] = digest(self.outputs[i])


def record_call(model, vico_utils, pictures, tensors):
    """One call of the U-Net with M targets and M references."""
    latent = torch.cat([wave(10 + pictures, pictures, 4, SIDE, SIDE), wave(30 + pictures, pictures, 4, SIDE, SIDE)])
    text = wave(50 + pictures, pictures, TOKENS, TEXT_WIDTH)
    rows = torch.arange(pictures)
    timestep = (rows * 313 + 77) % 1000
    positions = [(rows, 2 + rows % 5), (rows, 8 + rows % 4)]
    with torch.no_grad(), Watch(model, vico_utils) as watch:
        out = model.unet(latent, torch.cat([timestep, timestep]), encoder_hidden_states=torch.cat([text, text]),
                         placeholder_position=positions)
    watch.record(tensors, f"call{pictures}")
    tensors[f"call{pictures}.output"] = out["sample"][:pictures]
    tensors[f"call{pictures}.reg"] = out["loss_reg"]


def record_generation(model, tensors):
    states = []
    step = model.test_scheduler.step

    def stepped(*args, **kwargs):
        result = step(*args, **kwargs)
        states.append(result["prev_sample"].clone())
        return result

    model.vae.samples = [5 * wave(4, 1, 4, SIDE, SIDE)]
    with mock.patch.object(model.test_scheduler, "step", stepped):
        model.infer([DRAWN], torch.zeros(1, 3, 8 * SIDE, 8 * SIDE), 8 * SIDE, 8 * SIDE, num_inference_steps=10,
                    guidance_scale=7.5, latents=wave(3, 1, 4, SIDE, SIDE), show_progress=False, return_type="tensor")
    assert len(states) == 10
    tensors["generate.timesteps"] = model.test_scheduler.timesteps
    tensors["generate.states"] = torch.cat(states)


def record_training(model, vico_utils, trainable, tensors):
    word = {"placeholder_embedding": trainable["placeholder_embedding"]}
    blocks = {name: p for name, p in trainable.items() if name not in word}
    optim = OptimWrapper([{"params": list(word.values()), "lr": EMBEDDING_RATE, "named": word},
                          {"params": list(blocks.values()), "lr": ATTENTION_RATE, "named": blocks}])
    losses = []
    for step in range(STEPS):
        model.vae.samples = [5 * torch.cat([wave(60 + step, 1, 4, SIDE, SIDE), wave(70 + step, 1, 4, SIDE, SIDE)])]
        image = torch.zeros(1, 3, 8 * SIDE, 8 * SIDE)
        data = {"inputs": {"img": image, "img_ref": image}, "data_samples": types.SimpleNamespace(prompt=[PROMPTS[step]])}
        with mock.patch.object(torch, "randn_like", lambda x: wave(80 + step, *x.shape)), \
                mock.patch.object(torch, "randint", lambda *args, **kwargs: torch.tensor([TIMESTEPS[step]])), \
                Watch(model, vico_utils) as watch:
            found = model.train_step(data, optim)
        losses.append(torch.stack([found["vico_loss"].detach(), found["loss_reg"].detach()]))
        if step == 0:
            watch.record(tensors, "train")
            for name, gradient in optim.gradients.items():
                tensors[f"train.gradient.{name}"] = digest(gradient)
        if step + 1 in (1, 2, 5):
            for name, p in trainable.items():
                tensors[f"train.after{step + 1}.{name}"] = digest(p)
    tensors["train.losses"] = torch.stack(losses)


def main():
    model, vico_utils, trainable = build(sys.argv[1])
    sites = sorted({name.split(".image_cross_attention.")[0] for name in trainable if "image_cross" in name})
    tensors = {}
    for pictures in (1, 2, 8):
        record_call(model, vico_utils, pictures, tensors)
    record_generation(model, tensors)
    record_training(model, vico_utils, trainable, tensors)
    print(sites, len(trainable), "trainable tensors, losses", tensors["train.losses"].tolist())
    save_file({name: value.contiguous() for name, value in tensors.items()}, HERE / "io" / "mmagic.safetensors",
              {"sites": json.dumps(sites)})


if __name__ == "__main__":
    main()
