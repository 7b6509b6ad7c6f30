"""The samples with the largest and the smallest losses, as RUN/samples.json shows them.

    {"step": 12, "worst": [SAMPLE, ...], "best": [SAMPLE, ...]}, of the validation data that decisions watch;
    SAMPLE: {"index": 7, "loss": 2.5, "label": 3, "output": 8, "picture": [[0, 255, ...], ...]}

``index`` is the place in the data set; ``label`` the target and ``output`` what the model says: the class of each, by
name if the task has names, or numbers. ``picture`` has rows of grey values from 0 to 255, or of [red, green, blue];
``text`` stands in its place for a text. What a task cannot tell is left out.
"""

# N samples, S of them shown, H height, W width

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data import batch_of
from ddtrain.errors import ShapeError, kind_of
from ddtrain.ops import use_communicator
from ddtrain.param_store import ParamStore
from ddtrain.trainer.task import Task, first_and_second

_MOST = 16  # numbers of an output that are shown
_SIDE = 256  # largest height and width of a picture


def worst_and_best(task: Task, store: ParamStore, losses_N: NDArray[Any], count: int) -> dict[str, Any]:
    """Samples by loss, as the file has them: the worst first, and the best first; a loss that is no number is worst.

    Parameters
    ----------
    losses_N : of all validation samples
    count : how many of each, at most
    """
    order = np.argsort(-np.where(np.isnan(losses_N), np.inf, losses_N), kind="stable")
    places_S = np.concatenate([order[:count], order[::-1][:count]])
    shown = _shown(task, store, places_S)
    for sample, place in zip(shown, places_S.tolist(), strict=True):
        sample |= {"index": place, "loss": float(losses_N[place])}
    half = len(shown) // 2
    return {"worst": shown[:half], "best": shown[half:]}


def _shown(task: Task, store: ParamStore, places_S: NDArray[Any]) -> list[dict[str, Any]]:
    assert task.valid is not None, "a task without validation data has no losses of it"
    batch = batch_of(task.valid, places_S, store.dtype)
    samples: list[dict[str, Any]] = [{} for _ in places_S]
    if len(batch) > 1 or task.outputs is not first_and_second:
        with use_communicator(None), np.errstate(all="ignore"):
            outputs, targets = task.outputs(task.model.bind(store.tensors), *batch)
        whole = np.asarray(targets).dtype.kind in "iub"
        for sample, output, target in zip(samples, np.asarray(outputs), np.asarray(targets), strict=True):
            sample["label"] = _told(task, target)
            scores = whole and np.ndim(output) == np.ndim(target) + 1 and np.shape(output)[-1] > 1
            sample["output"] = _told(task, np.argmax(output, axis=-1) if scores else output)
    if task.show is not None:
        for sample, look in zip(samples, task.show(*batch), strict=True):
            sample |= {"text": look} if isinstance(look, str) else {"picture": _picture(look)}
    return samples


def _told(task: Task, value: Any) -> Any:
    """A class by its name, or numbers, of which not too many are told."""
    x = np.asarray(value)
    x = x[0] if x.shape == (1,) else x
    if x.ndim == 0 and x.dtype.kind in "iub" and 0 <= x < len(task.class_names):
        return str(task.class_names[int(x)])
    return x.item() if x.ndim == 0 else x.reshape(-1)[:_MOST].tolist()


def _picture(look: Any) -> list[Any]:
    x = np.asarray(look)
    if x.dtype != np.uint8 or not (x.ndim == 2 or (x.ndim == 3 and x.shape[2] == 3)) or max(x.shape) > _SIDE:
        given = f"an array of shape {x.shape}, {x.dtype}" if isinstance(look, np.ndarray) else kind_of(look)
        raise ShapeError(
            f"Task: show gave {given} where a text or a picture is wanted",
            remedy=f"Give (H, W) or (H, W, 3) of uint8, of at most {_SIDE} each; grey_pictures makes them.",
        )
    found: list[Any] = x.tolist()
    return found


def grey_pictures(x_NHW: Any) -> NDArray[np.uint8]:
    """Numbers as grey values, each sample from its smallest, black, to its largest, white: (N, H, W) or (N, H, W, 1).

    >>> grey_pictures(np.array([[[-1.0, 0.0, 1.0]]]))
    array([[[  0, 127, 255]]], dtype=uint8)
    """
    x = np.asarray(x_NHW, np.float64)
    x = x[..., 0] if x.ndim == 4 else x
    low, high = (bound(x, axis=(1, 2), keepdims=True) for bound in (np.min, np.max))
    grey: NDArray[np.uint8] = (255 * (x - low) / np.where(high > low, high - low, 1.0)).astype(np.uint8)
    return grey
