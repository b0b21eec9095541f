"""Which prompt a picture of a job is of."""

from __future__ import annotations

from collections.abc import Callable

from vico.v1 import job_pb2

#: The prompt of the picture or sample with an index; empty if it is not known.
PromptOf = Callable[[int], str]


def no_prompt(_index: int) -> str:
    return ""


def prompt_of(job: job_pb2.Job) -> PromptOf:
    """Of a generation, picture i is of prompt i // picture_count; a training has a sample of each prompt."""
    if job.spec.HasField("generate"):
        spec = job.spec.generate
        prompts = tuple(spec.prompts) or (spec.prompt,)
        each = max(spec.picture_count, 1)
        return lambda index: prompts[min(index // each, len(prompts) - 1)]
    train = job.spec.train
    samples = tuple(train.sample_prompts) or (train.sample_prompt,)
    return lambda index: samples[index] if index < len(samples) else ""
