"""Specs of trainings and generations from keyword arguments."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from vico._inputs import InputPicture
from vico.v1 import job_pb2


class TrainOptions(TypedDict, total=False):
    """Options of a training. Those that are not given take the defaults of the base model."""

    #: "baseModels/{id}"; not needed if the server has only one.
    base_model: str
    #: The new word; default "S*".
    placeholder: str
    #: The variant of ViCo: the paper's, which is the default, or mmagic's port.
    dialect: Literal["paper", "mmagic"]
    #: 1..5000.
    steps: int
    #: Rows of a step, 1..4.
    batch_size: int
    #: Of the placeholder's embedding, 1e-6..1e-1.
    embedding_learning_rate: float
    #: Of the image attention, 1e-6..1e-1.
    attention_learning_rate: float
    #: Of the attention regularizer, 0..1.
    regularizer_weight: float
    #: Use the Otsu mask on the keys of the reference.
    mask: bool
    #: Steps between two samples; 0: no samples.
    sample_every_steps: int
    #: Default "a photo of {placeholder}".
    sample_prompt: str
    #: At most 4, instead of `sample_prompt`.
    sample_prompts: Sequence[str]
    #: One for each sample prompt.
    sample_seeds: Sequence[int]
    #: Also draw samples before the training.
    sample_first: bool
    #: Of all random draws; default: drawn by the server.
    seed: int
    #: Whether the job may share batches with others or runs alone.
    determinism: Literal["best_effort", "solo"]
    #: 0..100; 0: equal weights of all timesteps (arXiv 2303.09556).
    min_snr_gamma: float
    #: Initial weights of the image attention.
    block_start: Literal["random", "zero", "self_attention"]
    learning_rate_schedule: Literal["constant", "cosine"]
    #: The transformers with image attention, of BaseModel.transformers.
    sites: Sequence[str]
    #: How pictures become square.
    resize: Literal["squeeze", "crop", "pad"]
    #: Devices of one worker that compute the rows of a step, 1..8.
    devices: int
    #: Queue an evaluation of the adapter when the training has succeeded.
    evaluate: bool


class GenerateOptions(TypedDict, total=False):
    """Options of a generation. Those that are not given take the defaults of the base model."""

    #: What the pictures should not show.
    negative_prompt: str
    #: Weight of the prompt, 0..30.
    guidance_scale: float
    #: A name from client.capabilities().schedulers.
    scheduler: str
    #: Sampling steps, 1..100.
    steps: int
    #: Pixels.
    width: int
    #: Pixels.
    height: int
    #: Steps between two previews; 0: no previews.
    preview_every_steps: int
    #: Random part of a DDIM step, 0..1.
    eta: float
    #: Weight of what the adapter adds to its word, 0..2; default 1.
    strength: float
    #: To start from in place of noise: a picture of a concept, a job or an adapter, an upload, or the name of
    #: one. A path, bytes or an image of Pillow is uploaded first.
    init_picture: InputPicture
    #: Share of the steps that run from `init_picture`: above 0, at most 1; default 0.8.
    denoise: float
    #: Light where `init_picture` is drawn anew, dark where it stays.
    mask_picture: InputPicture
    #: Whether the job may share batches with others or runs alone.
    determinism: Literal["best_effort", "solo"]


def train_spec(concept: str, init_word: str, options: Mapping[str, Any]) -> job_pb2.TrainSpec:
    """Raises TypeError for an unknown option or a value of a wrong type, ValueError for an unknown word."""
    spec = job_pb2.TrainSpec(concept_name=concept, init_word=init_word)
    _fill(spec, "train", options, TrainOptions.__annotations__)
    return spec


def generate_spec(
    prompt: str | Sequence[str],
    adapter: str,
    base_model: str,
    n: int,
    seed: int | Sequence[int] | None,
    options: Mapping[str, Any],
) -> job_pb2.GenerateSpec:
    """Raises as train_spec()."""
    spec = job_pb2.GenerateSpec(adapter=adapter, base_model=base_model, picture_count=n)
    if isinstance(prompt, str):
        spec.prompt = prompt
    else:
        spec.prompts.extend(prompt)
    if seed is not None:
        spec.seeds.extend([seed] if isinstance(seed, int) else seed)
    _fill(spec, "generate", options, GenerateOptions.__annotations__)
    return spec


def evaluate_spec(
    adapter: str, prompts: Sequence[str] | None, n: int | None, seed: int | None
) -> job_pb2.EvaluateSpec:
    """Raises TypeError for a value of a wrong type."""
    if isinstance(prompts, str):
        raise TypeError(f'prompts: must be a list, got "{prompts}"')
    return job_pb2.EvaluateSpec(adapter=adapter, prompts=prompts, picture_count=n, seed=seed)


def _fill(
    spec: job_pb2.TrainSpec | job_pb2.GenerateSpec,
    method: str,
    options: Mapping[str, Any],
    known: Mapping[str, Any],
) -> None:
    for name, value in options.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise TypeError(f"{method}() has no option {name}{hint}")
        if value is None:
            continue
        field = spec.DESCRIPTOR.fields_by_name[name]
        if field.enum_type is not None:
            setattr(spec, name, enum_number(field, value))
        elif hasattr(getattr(spec, name), "extend"):  # a repeated field
            if isinstance(value, str):
                raise TypeError(f'{name}: must be a list, got "{value}"')
            getattr(spec, name).extend(value)
        else:
            setattr(spec, name, value)


def enum_number(field: Any, word: str) -> int:
    """ "mmagic" is DIALECT_MMAGIC. Raises ValueError that names the words."""
    words = enum_words(field)
    if word not in words:
        raise ValueError(f'{field.name}: must be one of {", ".join(words)}, got "{word}"')
    return words[word]


def enum_words(field: Any) -> dict[str, int]:
    """The values of an enum by their words, without the unspecified one."""
    values = {value.name: value.number for value in field.enum_type.values}
    prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {name.removeprefix(prefix).lower(): number for name, number in values.items() if number}


def word_of(field: Any, number: int) -> str:
    """ "mmagic" for DIALECT_MMAGIC; "unknown" for a value of a newer server."""
    for word, value in enum_words(field).items():
        if value == number:
            return word
    return "unspecified" if number == 0 else "unknown"
