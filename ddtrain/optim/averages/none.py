"""No average."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.optim.averages.protocol import Average
from ddtrain.parts import register


@register
@dataclass(frozen=True)
class NoAverage(Average):
    """No average of the weights is kept."""

    name: str = "none"
    """An average of the weights over the steps, kept beside them."""
