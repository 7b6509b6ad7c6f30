"""Figures as TensorBoard's event files, written by tensorboardX of the extra ``tensorboard``."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ddtrain.callbacks.callback import Callback, Watched
from ddtrain.callbacks.json_lines import refused
from ddtrain.errors import UsageError
from ddtrain.parts import Range, register

FOLDER = "tensorboard"


@register
@dataclass(frozen=True)
class TensorBoard(Callback):
    """RUN/tensorboard/: figures of steps (train/loss, ...) and evaluations (evaluation/valid_loss, ...), and norms.

    ``tensorboard --logdir runs`` shows them. A run that is resumed tells TensorBoard to forget what came after its
    checkpoint, so that no step is shown twice. Figures are handed over at every evaluation and checkpoint.

    >>> TensorBoard(norms_every=100).norms_every
    100
    """

    name: str = "tensorboard"
    """Figures as event files for TensorBoard, in RUN/tensorboard; needs the extra tensorboard."""
    norms_every: int = 0  # type: ignore[misc]  # most callbacks have a number, this one an option
    """Steps between those at which norms of every parameter and gradient are added; 0: never."""

    @cached_property
    def _writers(self) -> list[Any]:
        """The writer, between start and end, on rank 0."""
        return []

    def require(self) -> None:
        if importlib.util.find_spec("tensorboardX") is None:
            raise UsageError("--log.to tensorboard needs tensorboardX", remedy="pip install 'ddtrain[tensorboard]'")

    def start(self, run: Watched) -> None:
        self._writers.clear()
        if run.directory is not None:
            self._writers.append(_writer(run.directory / FOLDER, run.step))

    def step(self, run: Watched) -> None:
        self._add(run, {f"train/{name}": value for name, value in run.figures.items()})
        if self.norms_every and run.step % self.norms_every == 0:
            for kind in ("value", "gradient"):
                self._add(run, {f"{kind}/{path}": getattr(norms, kind) for path, norms in run.norms.items()})

    def evaluation(self, run: Watched) -> None:
        self._add(run, {f"evaluation/{name}": value for name, value in run.figures.items()})
        self._flush()

    def checkpoint(self, run: Watched, path: Path) -> None:
        self._flush()

    def end(self, run: Watched) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def ranges(self) -> Iterator[Range]:
        yield "norms_every", self.norms_every >= 0, "a number of at least 0"

    def _add(self, run: Watched, figures: Mapping[str, float]) -> None:
        for writer in self._writers:
            for name, value in figures.items():
                writer.add_scalar(name, value, run.step)

    def _flush(self) -> None:
        for writer in self._writers:
            writer.flush()


def _writer(folder: Path, step: int) -> Any:
    from tensorboardX import SummaryWriter

    try:
        # The suffix keeps apart the files of two starts in one second, which would have one name.
        return SummaryWriter(str(folder), purge_step=step + 1 if step else None, filename_suffix=f".{step:08d}")
    except OSError as error:
        raise refused(folder, error) from error
