"""What a training run needs from its user: a model, a loss, and data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ddtrain.nn import Module

Loss = Callable[..., tuple[Any, Mapping[str, Any]]]


class Dataset(Protocol):
    """Samples by position."""

    def __len__(self) -> int: ...

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """The samples at ``indices`` (possibly none), as a tuple of arrays whose first axis is the sample."""
        ...


def describe_data(dataset: Dataset | None) -> str:
    """How many samples, and which: the checksum of a data set that offers one, as ``ArrayData.fingerprint`` does."""
    if dataset is None:
        return "none"
    fingerprint = getattr(dataset, "fingerprint", None)
    return f"{len(dataset)} samples" + (f" with checksum {fingerprint()}" if fingerprint else "")


@dataclass(frozen=True)
class Task:
    """A model, its loss and its data.

    Parameters
    ----------
    model : unbound; the trainer draws and binds its values
    loss : ``loss(model, *batch) -> (losses_N, metrics)``: one loss a sample, *not averaged* (the trainer divides by the
        number of samples in the global batch, so ragged and empty shards are exact), and per-sample metrics by name,
        e.g. ``{"accuracy": ops.correct(logits, labels)}``
    train, valid : datasets; ``valid=None`` means no evaluation
    about : a line about the data, shown when the run starts
    derived : further evaluation figures computed from the averages, e.g. ``{"perplexity": lambda m: exp(m["loss"])}``
    """

    model: Module
    loss: Loss
    train: Dataset
    valid: Dataset | None = None
    about: str = ""
    derived: Mapping[str, Callable[[Mapping[str, float]], float]] = field(default_factory=dict)
