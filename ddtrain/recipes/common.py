"""What several recipes share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ddtrain import nn, ops
from ddtrain.errors import UsageError
from ddtrain.trainer.config.config import Config


def classify(model: Any, x: Any, labels_N: Any) -> tuple[Any, dict[str, Any]]:
    """Cross-entropy of each sample, and whether its most likely class (or next word) is the right one."""
    logits_NK = model(x)
    return ops.cross_entropy(logits_NK, labels_N), {"accuracy": ops.correct(logits_NK, labels_N)}


def perplexity(means: Mapping[str, float]) -> float:
    """exp of the mean loss in nats, infinite where that overflows.

    >>> perplexity({"loss": 0.0}), perplexity({"loss": 1000.0})
    (1.0, inf)
    """
    try:
        return math.exp(means["loss"])
    except OverflowError:
        return math.inf


def check_activation(name: str) -> None:
    """Refuse ``--model.activation`` of one that changes the number of units.

    >>> check_activation("relu")
    >>> check_activation("max")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --model.activation 'max' makes one number of 4
      Choose one that keeps their number, such as relu.
    """
    try:
        nn.unitwise(name)
    except UsageError as error:
        raise UsageError(f"--model.{error.message}", remedy=error.remedy) from None


def embedded_only(settings: Config) -> None:
    """Refuse ``--data.root`` where all data is in the package: an option that nobody reads misleads.

    >>> from ddtrain.trainer.config.config import Data
    >>> embedded_only(Config(data=Data(root="/data")))
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --data.root is not read by this recipe, whose data is in the package
      Leave it out.
    """
    if settings.data.root:
        raise UsageError("--data.root is not read by this recipe, whose data is in the package", remedy="Leave it out.")
