"""Losses that several recipes share."""

from __future__ import annotations

from typing import Any

from ddtrain import ops


def classify(model: Any, x: Any, labels_N: Any) -> tuple[Any, dict[str, Any]]:
    """Cross-entropy of each sample, and whether its most likely class (or next word) is the right one."""
    logits_NK = model(x)
    return ops.cross_entropy(logits_NK, labels_N), {"accuracy": ops.correct(logits_NK, labels_N)}
