"""Shows how far a job is: with tqdm if it is installed, else with a line of text; nothing without a
terminal or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Union

from vico import events

#: True: a progress bar if there is somebody to see it. A function is called with each event.
Progress = Union[bool, Callable[[events.Event], None]]


class Display:
    """Takes the events of one job."""

    def __init__(self, label: str, progress: Progress) -> None:
        self._label = label
        self._take = progress if callable(progress) else None
        self._bar = _bar() if progress is True and _is_watched() else None

    def take(self, event: events.Event) -> None:
        if self._take is not None:
            self._take(event)
        if self._bar is None:
            return
        if isinstance(event, events.Progress):
            figures = {"loss": f"{event.loss:.4f}"} if event.loss else {}
            self._bar.show(self._label, event.step, event.total_steps, figures)
        elif isinstance(event, (events.Queued, events.Position)):
            waits = "no worker serves its base model" if _is_stuck(event) else f"{event.position} before it"
            self._bar.show(f"queued, {waits}", 0, 0, {})
        elif isinstance(event, events.Started):
            self._bar.show(f"starting on {event.worker}", 0, 0, {})

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _is_stuck(event: events.Event) -> bool:
    return isinstance(event, events.Position) and event.base_model_unavailable


def _is_watched() -> bool:
    return sys.stderr is not None and (sys.stderr.isatty() or "ipykernel" in sys.modules)


def _bar() -> _TextBar | _TqdmBar:
    try:
        import tqdm.auto
    except ImportError:
        return _TextBar()
    return _TqdmBar(tqdm.auto.tqdm)


class _TextBar:
    def show(self, label: str, step: int, total: int, figures: dict[str, str]) -> None:
        steps = f"  {step}/{total}" if total else ""
        rest = "".join(f"  {name} {value}" for name, value in figures.items())
        sys.stderr.write(f"\r\x1b[K{label}{steps}{rest}")
        sys.stderr.flush()

    def close(self) -> None:
        sys.stderr.write("\n")


class _TqdmBar:
    def __init__(self, tqdm: Any) -> None:
        self._bar = tqdm(total=None, unit="step")

    def show(self, label: str, step: int, total: int, figures: dict[str, str]) -> None:
        if total and self._bar.total != total:
            self._bar.reset(total=total)
        self._bar.set_description_str(label, refresh=False)
        self._bar.set_postfix(figures, refresh=False)
        # After another attempt the job may be at an earlier step.
        self._bar.n = step
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()
