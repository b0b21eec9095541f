#!/usr/bin/env python3
"""Records what transformers computes with small random CLIP and DINO models: tests/golden/towers (directories that
this library reads), and pictures, texts and their embeddings in tests/golden/io. The pictures go through the Pillow
variants of its image processors. Needs what record_models.py needs, its vocabulary, and Pillow before version 13, which
resizes the portrait in another order.

  python3 record_towers.py
  python3 record_towers.py --full FOLDER   models of the published sizes with random weights, 1.8 GB, into FOLDER
"""
import argparse
import json
import pathlib
import shutil

import numpy
import torch
from safetensors.torch import save_file
from transformers import (CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer, ViTConfig, ViTImageProcessorPil,
                          ViTModel)

from record_models import randomise, save, strip

HERE = pathlib.Path(__file__).parent
VOCABULARY = HERE / "tokenizer"
WORDS = len(json.loads((VOCABULARY / "vocab.json").read_text()))
TEXTS = ["a photo of a dog on the beach", "robot"]  # also in towers_test.cc
SIZES = {"landscape": (45, 30), "portrait": (29, 64)}  # width, height: one is enlarged, one reduced
CLIP_COLOURS = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
IMAGENET_COLOURS = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}

# The files of openai/clip-vit-* and facebook/dino-vits16, and those of newer versions of transformers.
CLIP_OLD = {"crop_size": 32, "do_center_crop": True, "do_normalize": True, "do_resize": True,
            "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3, "size": 32, **CLIP_COLOURS}
CLIP_NEW = {"crop_size": {"height": 30, "width": 30}, "do_center_crop": True, "do_convert_rgb": True,
            "do_normalize": True, "do_rescale": True, "do_resize": True, "image_processor_type": "CLIPImageProcessor",
            "resample": 3, "rescale_factor": 1 / 255, "size": {"shortest_edge": 37}, **CLIP_COLOURS}
VIT_OLD = {"do_normalize": True, "do_resize": True, "feature_extractor_type": "ViTFeatureExtractor", "resample": 2,
           "size": 32, **IMAGENET_COLOURS}
# Papers on personalisation resize to 256 and crop 224.
VIT_CROPPED = {**CLIP_NEW, "crop_size": {"height": 32, "width": 32}, "size": {"shortest_edge": 36}, **IMAGENET_COLOURS}


def scaled(config, side):
    """The same for pictures of the published size."""
    return {**config, "size": side, **({"crop_size": side} if "crop_size" in config else {})}


def pictures(seed):
    """Smooth shapes and noise, [height, width, 3] bytes."""
    random = numpy.random.default_rng(seed)
    result = {}
    for name, (width, height) in SIZES.items():
        y, x = numpy.mgrid[0:height, 0:width]
        waves = [numpy.sin(x / random.uniform(2, 9) + y / random.uniform(2, 9)) for _ in range(3)]
        picture = 128 + 90 * numpy.stack(waves, -1) + random.normal(0, 30, (height, width, 3))
        result[name] = picture.clip(0, 255).astype(numpy.uint8)
    return result


def prepare(processor, folder, config, seed):
    """Writes preprocessor_config.json -> what to record, and a batch for the model."""
    (folder / "preprocessor_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    processor = processor.from_pretrained(folder)
    tensors, batch = {}, []
    for name, picture in pictures(seed).items():
        values = processor(picture, input_data_format="channels_last", return_tensors="pt")["pixel_values"]
        tensors["picture_" + name] = torch.from_numpy(picture)
        tensors["prepared_" + name] = values[0]
        batch.append(values[0])
    return tensors, torch.stack(batch)


def write(path, tensors):
    path.parent.mkdir(exist_ok=True)
    save_file({name: t.contiguous() for name, t in tensors.items()}, path)


def record_clip(folder, io, seed, preprocessor, eos, text, vision, **arguments):
    text = {"vocab_size": WORDS, "eos_token_id": eos, "bos_token_id": WORDS - 2, "pad_token_id": WORDS - 1, **text}
    model = randomise(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, **arguments)), seed)
    save(model, folder)
    strip(folder)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(VOCABULARY / name, folder / name)
    tensors, batch = prepare(CLIPImageProcessorPil, folder, preprocessor, seed + 1)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    length = model.config.text_config.max_position_embeddings
    words = tokenizer(TEXTS, padding="max_length", max_length=length, return_tensors="pt").input_ids
    # Rows where the two rules for the end differ: end tokens before the highest id, and more than one.
    generator = torch.Generator().manual_seed(seed + 2)
    ids = torch.randint(3, WORDS - 2, (3, length), generator=generator)
    ids[0, 9] = eos
    ids[1, 4] = ids[1, 12] = eos
    ids[2, 0] = eos
    with torch.no_grad():
        output = model(input_ids=torch.cat([words, ids]), pixel_values=batch)
    write(io, {**tensors, "word_ids": words, "ids": ids, "image_embedding": output.image_embeds,
               "word_embedding": output.text_embeds[:2], "text_embedding": output.text_embeds[2:]})


def record_dino(folder, io, seed, processor, preprocessor, **arguments):
    model = randomise(ViTModel(ViTConfig(**arguments)), seed)
    save(model, folder)
    strip(folder)
    tensors, batch = prepare(processor, folder, preprocessor, seed + 1)
    with torch.no_grad():
        state = model(batch).last_hidden_state
    write(io, {**tensors, "features": state[:, 0]})


def record_small():
    towers = HERE / "towers"
    shutil.rmtree(towers, ignore_errors=True)
    io = HERE / "io"
    small = dict(num_hidden_layers=2, hidden_size=12, num_attention_heads=3, intermediate_size=20)
    text = dict(small, max_position_embeddings=16)
    record_clip(towers / "clip", io / "clip.safetensors", 10, CLIP_OLD, 2, text,
                dict(small, hidden_size=16, num_attention_heads=2, image_size=32, patch_size=8), projection_dim=10)
    # The exact gelu, the newer rule for the end of a text, and patches that leave a border.
    gelu = {"hidden_act": "gelu"}
    record_clip(towers / "clip_gelu", io / "clip_gelu.safetensors", 20, CLIP_NEW, WORDS - 1, {**text, **gelu},
                dict(small, image_size=30, patch_size=8, layer_norm_eps=1e-4, **gelu), projection_dim=6)
    vision = dict(small, image_size=32, patch_size=8)
    record_dino(towers / "dino", io / "dino.safetensors", 30, ViTImageProcessorPil, VIT_OLD, **vision)
    record_dino(towers / "dino_cropped", io / "dino_cropped.safetensors", 40, CLIPImageProcessorPil, VIT_CROPPED,
                qkv_bias=False, **vision)


def record_full(folder):
    record_clip(folder / "clip", folder / "clip.safetensors", 50, scaled(CLIP_OLD, 224), 2,
                dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12, vocab_size=49408),
                dict(hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=24,
                     patch_size=14), projection_dim=768)
    record_clip(folder / "clip_gelu", folder / "clip_gelu.safetensors", 60, scaled(CLIP_OLD, 224), WORDS - 1,
                dict(vocab_size=49408, hidden_act="gelu"), dict(hidden_act="gelu"))
    record_dino(folder / "dino", folder / "dino.safetensors", 70, ViTImageProcessorPil, scaled(VIT_OLD, 224),
                hidden_size=384, intermediate_size=1536, num_attention_heads=6)
    record_dino(folder / "dino_cropped", folder / "dino_cropped.safetensors", 80, CLIPImageProcessorPil,
                {**VIT_CROPPED, "size": {"shortest_edge": 256}, "crop_size": 224}, hidden_size=384,
                intermediate_size=1536, num_attention_heads=6)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", type=pathlib.Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.full:
        arguments.full.mkdir(parents=True, exist_ok=True)
        record_full(arguments.full)
    else:
        record_small()


if __name__ == "__main__":
    main()
