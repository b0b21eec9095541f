#!/usr/bin/env python3
"""Records tests/golden/io/vico.safetensors: outputs of the authors' ViCo for given inputs: attention maps, masks,
prediction, losses, gradients, five optimizer steps, and the latent of a picture.

  git clone https://github.com/haoosz/ViCo && git -C ViCo checkout 4ac2463
  pip install einops tqdm   (and what record_models.py needs)
  python3 record_vico.py ViCo

vico_reference.py lists which parts are the authors'. The networks have Stable Diffusion's shape at reduced width. Their weights are
a formula of name and index (formula.py), so no weights are stored.
"""
import hashlib
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import vico_reference
from formula import weights

HERE = pathlib.Path(__file__).parent
WIDTH, TEXT_WIDTH, TOKENS, SIDE = 32, 24, 10, 16
MULT = (1, 1, 2, 2)
REG_WEIGHT = 0.5  # far above the paper's value, so that its gradient is visible
CONTEXT, VOCABULARY = 16, 854  # of the tokenizer in tests/golden/base
EVERY = 61  # every 61st trainable number is recorded, in the order of names
TEMPLATES = [["a photo of a {}", "a rendering of a {}"], ["the photo of a {}", "a photo of my {}"],
             ["a dark photo of the {}", "a photo of the cool {}"], ["a depiction of a {}", "a photo of one {}"],
             ["an illustration of the {}", "a rendition of the {}"]]


def fill(named):
    with torch.no_grad():
        for index, name in enumerate(sorted(named), 1):
            named[name].copy_(weights(index, name, tuple(named[name].shape)))


def build(source):
    config = CLIPTextConfig(vocab_size=VOCABULARY, hidden_size=TEXT_WIDTH, intermediate_size=48, num_hidden_layers=2,
                            num_attention_heads=3, max_position_embeddings=CONTEXT, hidden_act="quick_gelu",
                            bos_token_id=VOCABULARY - 2, eos_token_id=VOCABULARY - 1, pad_token_id=VOCABULARY - 1)
    text = CLIPTextModel(config).eval()
    fill({name if name.startswith("text_model.") else f"text_model.{name}": p for name, p in text.named_parameters()})
    tokenizer = CLIPTokenizer.from_pretrained(HERE / "base" / "tokenizer")
    star, robot = (tokenizer(word, add_special_tokens=False)["input_ids"] for word in ("*", "robot"))
    assert len(star) == len(robot) == 1
    vico = vico_reference.Vico(source, vico_reference.unet_parameters(WIDTH, MULT, TEXT_WIDTH), text,
                               {"*": star[0], "robot": robot[0]})
    fill(vico.names)
    return vico, tokenizer


def record_unet(vico, tensors):
    generator = torch.Generator().manual_seed(11)
    latent = torch.randn(2, 4, SIDE, SIDE, generator=generator)
    reference = torch.randn(2, 4, SIDE, SIDE, generator=generator)
    noise = torch.randn(2, 4, SIDE, SIDE, generator=generator)
    text = torch.randn(2, TOKENS, TEXT_WIDTH, generator=generator).requires_grad_(True)
    timestep = torch.tensor([981, 301])
    placeholder, end = torch.tensor([4, 3]), torch.tensor([8, 6])
    rows = torch.arange(2)
    with vico.watch() as seen:
        output, reg = vico.unet(latent, reference, timesteps=timestep, context=text,
                                ph_pos=((rows, placeholder), (rows, end)))
    loss = F.mse_loss(output, noise) + REG_WEIGHT * reg
    loss.backward()
    print(len(vico.names), "parameters,", vico.sites, "reg", reg.item(), "loss", loss.item())
    tensors |= {"unet.latent": latent, "unet.reference": reference, "unet.noise": noise, "unet.text": text.detach(),
                "unet.timestep": timestep, "unet.placeholder": placeholder, "unet.end": end, "unet.output": output.detach(),
                "unet.reg": reg.detach(), "unet.loss": loss.detach(), "unet.text_grad": text.grad}
    for i, (site, (maps, mask)) in enumerate(zip(vico.sites, zip(seen["attention"], seen["mask"]))):
        tensors[f"unet.site{i}.attention"] = maps
        tensors[f"unet.site{i}.mask"] = mask
        for leaf in ("attn1.to_v.weight", "attn2.to_q.weight", "attn2.to_k.weight", "ff.net.0.proj.bias", "norm3.weight"):
            tensors[f"unet.site{i}.grad.{leaf}"] = vico.names[f"{site}.image_cross_attention.{leaf}"].grad.clone()
    vico.unet.zero_grad()


def sample(named):
    """Every EVERY-th number, in the order of names."""
    return torch.cat([named[name].detach().flatten() for name in sorted(named)])[::EVERY].clone()


def tokens(tokenizer, prompts):
    return torch.tensor([tokenizer(prompt, padding="max_length", max_length=CONTEXT, truncation=True)["input_ids"]
                         for prompt in prompts])


def record_training(vico, tokenizer, tensors):
    """Five steps with two rows: two pictures, each the reference of the other. Starts from the formula's weights and the
    initial word."""
    generator = torch.Generator().manual_seed(13)
    pictures = torch.randn(2, 4, SIDE, SIDE, generator=generator)
    noise = torch.randn(len(TEMPLATES), 2, 4, SIDE, SIDE, generator=generator)
    timestep = torch.randint(0, 1000, (len(TEMPLATES), 2), generator=generator)
    tensors |= {"train.pictures": pictures, "train.noise": noise, "train.timestep": timestep,
                "train.start": sample(vico.trainable)}
    optimizer = vico.model.configure_optimizers()
    losses = []
    for step, templates in enumerate(TEMPLATES):
        ids = tokens(tokenizer, [template.replace("{}", "*") for template in templates])
        optimizer.zero_grad()
        loss, parts = vico.losses(pictures, pictures.flip(0), ids, timestep[step], noise[step])
        loss.backward()
        losses.append([parts["train/loss_simple"].item(), parts["train/loss_reg"].item() / 5e-4])
        if step == 0:
            tensors["train.grad"] = sample({name: p.grad for name, p in vico.trainable.items()})
            tensors["train.grad.placeholder"] = vico.placeholder.grad[0].clone()
        optimizer.step()
        if step + 1 in (1, 2, 5):
            tensors[f"train.after{step + 1}"] = sample(vico.trainable)
            tensors[f"train.after{step + 1}.placeholder"] = vico.placeholder.detach()[0].clone()
    tensors["train.losses"] = torch.tensor(losses)
    print("losses", losses)
    return {"train.prompts": "\n".join(template.replace("{}", "S*") for step in TEMPLATES for template in step)}


def record_generation(vico, tokenizer, tensors):
    """Ten guided steps with the adapter after five steps of training."""
    generator = torch.Generator().manual_seed(14)
    noise = torch.randn(2, 4, SIDE, SIDE, generator=generator)
    ids, unconditional = tokens(tokenizer, ["a photo of * on the beach"]), tokens(tokenizer, [""])
    latent = vico.generate(ids, unconditional, tensors["train.pictures"][:1], noise, 10, 7.5)
    print("generated, standard deviation", latent.std().item())
    tensors |= {"generate.noise": noise, "generate.latent": latent}


def record_otsu(attention, tensors):
    generator = torch.Generator().manual_seed(12)
    maps = torch.rand(48, 64, generator=generator)
    maps[8:16] = maps[8:16] ** 4
    maps[16:24, :20] += 2
    maps[24:32] = torch.round(maps[24:32] * 10) / 10  # many values equal a candidate threshold
    maps[32:40, 1:] = 0.25
    maps[40] = 0.5  # constant
    tensors["otsu.maps"] = maps
    tensors["otsu.masks"] = attention.otsu(maps.clone()).bool()


def template_facts(source):
    """Records the length, the number of distinct entries and the digest of the list, not the list itself."""
    text = (pathlib.Path(source) / "ldm/data/personalized.py").read_text()
    scope = {}
    start = text.index("imagenet_templates_small = [")
    exec(text[start:text.index("]", start) + 1], scope)
    templates = scope["imagenet_templates_small"]
    digest = hashlib.sha256("\n".join(templates).encode()).hexdigest()
    return {"templates": str(len(templates)), "distinct_templates": str(len(set(templates))), "templates_sha256": digest}


def main():
    source = sys.argv[1]
    vico, tokenizer = build(source)
    tensors = {}
    record_unet(vico, tensors)
    record_otsu(vico.attention, tensors)
    metadata = template_facts(source) | record_training(vico, tokenizer, tensors)
    record_generation(vico, tokenizer, tensors)
    print(metadata)
    save_file({name: value.contiguous() for name, value in tensors.items()}, HERE / "io" / "vico.safetensors", metadata)


if __name__ == "__main__":
    main()
