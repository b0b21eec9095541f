#!/usr/bin/env python3
"""Records tests/golden/io/img2img.safetensors: what diffusers' pipelines make of a picture with the networks of
tests/golden/base: StableDiffusionImg2ImgPipeline and, with a mask, StableDiffusionInpaintPipeline with a U-Net of 4
channels, for every scheduler that can start from a picture. All noise is injected. Needs what record_models.py needs,
and its networks.
"""
import pathlib

import numpy
import torch
from diffusers import (AutoencoderKL, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline,
                       UNet2DConditionModel)
from diffusers.models.autoencoders import vae as vae_module
from diffusers.pipelines.stable_diffusion import (pipeline_stable_diffusion_img2img, pipeline_stable_diffusion_inpaint)
from diffusers.schedulers import (scheduling_ddim, scheduling_ddpm, scheduling_euler_ancestral_discrete, scheduling_lcm)
from PIL import Image
from safetensors.torch import save_file

from record_diffusion import SCHEDULERS, SD15

HERE = pathlib.Path(__file__).parent
HEIGHT, WIDTH, STEPS, GUIDANCE = 64, 128, 10, 7.5
LATENT = (1, 4, HEIGHT // 8, WIDTH // 8)
SHARES = {"some": 0.6, "all": 1.0}  # of the steps


class Recorder:
    def __init__(self):
        generator = torch.Generator().manual_seed(31)
        draw = numpy.random.default_rng(31)
        self.unet = UNet2DConditionModel.from_pretrained(HERE / "base" / "unet").float().eval()
        self.vae = AutoencoderKL.from_pretrained(HERE / "base" / "vae").float().eval()
        self.text = torch.randn(2, 7, self.unet.config.cross_attention_dim, generator=generator)
        self.noise = torch.randn(LATENT, generator=generator)
        self.posterior = torch.randn(LATENT, generator=generator)
        self.noises = torch.randn((2 * STEPS, *LATENT), generator=generator)  # heun calls twice a step
        self.picture = draw.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(numpy.uint8)
        # Grey and coloured pixels on both sides of the threshold.
        self.mask = draw.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(numpy.uint8)
        self.mask[:, : WIDTH // 2] = self.mask[:, : WIDTH // 2, :1]
        self.mask[:8, :16] = numpy.arange(120, 136, dtype=numpy.uint8)[None, :, None]

    def tensors(self):
        return {"text": self.text, "noise": self.noise, "posterior": self.posterior, "noises": self.noises,
                "picture": torch.from_numpy(self.picture), "mask": torch.from_numpy(self.mask)}

    def inject(self, scheduler, share):
        """Makes every draw of a run a recorded one."""
        vae_module.randn_tensor = lambda *_, **__: self.posterior
        for module in [pipeline_stable_diffusion_img2img, pipeline_stable_diffusion_inpaint]:
            module.randn_tensor = lambda *_, **__: self.noise
        call = (STEPS - int(STEPS * share)) * scheduler.order - 1

        def count(*_):
            nonlocal call
            call += 1

        for module in [scheduling_ddim, scheduling_ddpm, scheduling_euler_ancestral_discrete, scheduling_lcm]:
            module.randn_tensor = lambda *_, **__: self.noises[call]
        return self.unet.register_forward_pre_hook(count)

    def run(self, name, share, masked):
        maker, chosen, step_arguments = SCHEDULERS[name]
        scheduler = maker.from_config(SD15, **chosen)
        pipeline_class = StableDiffusionInpaintPipeline if masked else StableDiffusionImg2ImgPipeline
        pipeline = pipeline_class(vae=self.vae, text_encoder=None, tokenizer=None, unet=self.unet, scheduler=scheduler,
                                  safety_checker=None, feature_extractor=None, requires_safety_checker=False)
        pipeline.set_progress_bar_config(disable=True)
        mask = {"mask_image": Image.fromarray(self.mask), "height": HEIGHT, "width": WIDTH} if masked else {}
        hook = self.inject(scheduler, share)
        latent = pipeline(image=Image.fromarray(self.picture), strength=share, num_inference_steps=STEPS,
                          guidance_scale=GUIDANCE, prompt_embeds=self.text[1:], negative_prompt_embeds=self.text[:1],
                          output_type="latent", **step_arguments, **mask).images
        hook.remove()
        return latent

    def redrawn(self):
        """The mask as the pipeline uses it: of the picture, and of the latent."""
        scheduler = SCHEDULERS["ddim"][0].from_config(SD15)
        pipeline = StableDiffusionInpaintPipeline(
            vae=self.vae, text_encoder=None, tokenizer=None, unet=self.unet, scheduler=scheduler, safety_checker=None,
            feature_extractor=None, requires_safety_checker=False)
        pixels = pipeline.mask_processor.preprocess(Image.fromarray(self.mask), height=HEIGHT, width=WIDTH)
        latent, _ = pipeline.prepare_mask_latents(pixels, torch.zeros(1, 3, HEIGHT, WIDTH), 1, HEIGHT, WIDTH,
                                                  torch.float32, "cpu", None, False)
        return {"redrawn.pixels": pixels[0, 0], "redrawn.latent": latent[0, 0]}


def main():
    recorder = Recorder()
    tensors = recorder.tensors()
    with torch.no_grad():
        tensors |= recorder.redrawn()
        for name in SCHEDULERS:
            if name == "pndm":  # does not start from a picture: common/schedulers.def
                continue
            for share in SHARES:
                for masked in [False, True]:
                    case = f"{name}.{share}.{'masked' if masked else 'whole'}"
                    tensors[case] = recorder.run(name, SHARES[share], masked)
    save_file({name: value.contiguous() for name, value in tensors.items()}, HERE / "io" / "img2img.safetensors")


if __name__ == "__main__":
    main()
