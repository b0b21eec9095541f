"""What an evaluation of an adapter has measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vico.events import utc
from vico.v1 import adapter_pb2


@dataclass(frozen=True)
class Figure:
    """A measured number."""

    #: "clip_i", "clip_t", "dino" and others; docs/evaluation.md explains them.
    name: str
    #: The network that it was measured with.
    measured_with: str
    #: Of the pictures of the base model alone.
    before: float
    #: Of the pictures with the adapter.
    after: float
    #: `after` for the pictures of each prompt, in the order of Report.prompts; NaN where the figure says
    #: nothing of them.
    after_by_prompt: tuple[float, ...]


@dataclass(frozen=True)
class Report:
    """The report of an adapter's newest evaluation."""

    #: As the server sends it.
    message: adapter_pb2.AdapterReport
    #: Empty if the worker has no network to measure with.
    figures: tuple[Figure, ...]

    @property
    def adapter_name(self) -> str:
        """ "adapters/{id}"."""
        return self.message.adapter

    @property
    def job_name(self) -> str:
        """The evaluation, "jobs/{id}"."""
        return self.message.job

    @property
    def create_time(self) -> datetime | None:
        """When the evaluation succeeded."""
        return utc(self.message.create_time)

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(self.message.prompts)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of each prompt's pictures."""
        return tuple(self.message.seeds)

    @property
    def mask_coverage(self) -> float:
        """Share of foreground in the learned masks of the concept's pictures, 0..1: mean."""
        return self.message.mask_coverage

    @property
    def mask_stability(self) -> float:
        """How much the masks of one picture agree over timesteps, 0..1."""
        return self.message.mask_stability

    @property
    def losses(self) -> tuple[float, ...]:
        """Of the training, smoothed: at most 100, evenly spaced over its steps."""
        return tuple(self.message.losses)

    def __getitem__(self, name: str) -> Figure:
        """The first figure of this name. Raises KeyError."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name} {f.before:.3f} -> {f.after:.3f}" for f in self.figures)
        return f"<Report {self.adapter_name} {shown or 'without figures'}>"


def report_of(message: adapter_pb2.AdapterReport) -> Report:
    figures = tuple(
        Figure(f.name, f.measured_with, f.before, f.after, tuple(f.after_by_prompt))
        for f in message.figures
    )
    return Report(message, figures)
