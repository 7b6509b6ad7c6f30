"""Samples that are pictures, with what the model makes of them, as PNG files."""

# N samples, H height, W width, C colours (1 or 3), K classes

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddtrain import png
from ddtrain.callbacks import json_lines
from ddtrain.callbacks.callback import Callback, Watched
from ddtrain.callbacks.sample_pictures import Array, as_pictures, with_bars, with_others
from ddtrain.callbacks.some_samples import batch_for, call_loss
from ddtrain.errors import UsageError
from ddtrain.parts import Range, register

FOLDER, FILE = "pictures", "pictures.jsonl"


@register
@dataclass(frozen=True)
class Pictures(Callback):
    """RUN/pictures/step-00000100.png after each evaluation: a few samples, and what the model makes of them.

    Below each picture stands a bar a class, as long as the softmax of the model's outputs, and a mark below the bar of
    the class that it is of. Where the outputs are as many as the inputs, the picture that the model gives back stands
    there. The numbers are in RUN/pictures.jsonl. The samples are the same ones each time, evenly spread, for validation
    if there are any; the first array of a batch has the pictures, and the second the classes.

    >>> Pictures(samples=8).samples
    8
    """

    name: str = "pictures"
    """A few samples with what the model makes of them, as PNG files in RUN/pictures after each evaluation."""
    samples: int = 8
    """How many are shown."""

    def start(self, run: Watched) -> None:
        if run.directory is not None:
            _looked_at(run, self.samples)  # what is no picture is said before the first step
            json_lines.cut(run.directory / FILE, run.step)

    def evaluation(self, run: Watched) -> None:
        if run.directory is None:
            return
        pixels, figures = _looked_at(run, self.samples)
        path = run.directory / FOLDER / f"step-{run.step:08d}.png"
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(png.encode(pixels))
        except OSError as error:
            raise json_lines.refused(path, error) from error
        json_lines.append(run.directory / FILE, {"step": run.step, **figures})

    def ranges(self) -> Iterator[Range]:
        yield "samples", self.samples >= 1, "a number of at least 1"


def _looked_at(run: Watched, samples: int) -> tuple[Array, dict[str, Any]]:
    """The whole picture, and its numbers."""
    rows, batch = batch_for(run, samples)
    pictures, seen = as_pictures(batch[0]), _Answer()
    call_loss(run, batch, seen)
    outputs_NK = np.reshape([] if seen.output is None else seen.output, (len(rows), -1)).astype(np.float64)
    if outputs_NK.shape[1] == pictures[0].size:
        given_back = outputs_NK.reshape(pictures.shape)
        errors = np.square(given_back - pictures).mean(axis=(1, 2, 3))
        return with_others(pictures, given_back), {"samples": rows.tolist(), "errors": errors.tolist()}
    classes = _classes(batch[1:], outputs_NK.shape[1])
    predictions = outputs_NK.argmax(axis=1).tolist()
    figures = {"samples": rows.tolist(), "classes": classes, "predictions": predictions}
    return with_bars(pictures, _softmax(outputs_NK), classes), figures


def _classes(rest: tuple[Any, ...], outputs: int) -> list[int]:
    """The class of each sample, from what follows the pictures in a batch."""
    labels = np.asarray(rest[0]) if rest else np.empty(0)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not labels.size or labels.max() >= outputs:
        raise UsageError(
            f"--log.to pictures: {outputs} outputs a sample are neither classes of its own nor a picture",
            remedy="It shows classifiers, with batches (pictures, classes), and models that give pictures back.",
        )
    return [int(label) for label in labels]


def _softmax(scores_NK: Array) -> Array:
    weights_NK = np.exp(scores_NK - scores_NK.max(axis=1, keepdims=True))
    return np.asarray(weights_NK / weights_NK.sum(axis=1, keepdims=True))


class _Answer:
    """Keeps what the model as a whole has returned."""

    output: Any = None

    def enter(self, module: Any) -> None:
        """Nothing is known before the module has answered."""

    def leave(self, module: Any, output: Any) -> None:
        if not module._path:
            self.output = output
