"""The same search, of the same budget, for everything that is compared.

A search that ends on the border of its settings says so, on standard error: a wider one might find a better setting,
and whoever writes the claim should see whether it would say something else then.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    setting : the best of the settings tried
    score : its score, the median over seeds; the lower the better
    scores : all of them, by setting
    on_border : whether it is the first or the last of more than two numbers; other settings have no order
    """

    setting: Any
    score: float
    scores: Mapping[Any, float]
    on_border: bool


def tune(score: Callable[[Any, int], float], settings: Sequence[Any], seeds: Sequence[int]) -> Tuned:
    """Try settings, and keep the one whose median score over seeds is the lowest.

    Parameters
    ----------
    score : of a setting and a seed, the lower the better; infinite or NaN where the run diverged
    settings : in order, such as learning rates from small to large; the same number for everything compared
    seeds : the same for everything compared, and other than those of the comparison itself

    >>> found = tune(lambda rate, seed: abs(math.log(rate / 0.2)) + seed, rates(0.01, 1.0, 5), seeds=(7, 8, 9))
    >>> round(found.setting, 3), found.on_border
    (0.316, False)
    """
    scores = {setting: _median([score(setting, seed) for seed in seeds]) for setting in settings}
    best = min(scores, key=lambda setting: scores[setting])
    in_order = len(settings) > 2 and all(isinstance(setting, int | float) for setting in settings)
    on_border = in_order and best in (settings[0], settings[-1])
    if on_border:
        print(f"a search ends on the border of its settings, {settings[0]} to {settings[-1]}: {best}", file=sys.stderr)
    return Tuned(best, scores[best], scores, on_border)


def rates(low: float, high: float, count: int) -> list[float]:
    """Learning rates with even ratios, both ends included.

    >>> [round(rate, 3) for rate in rates(0.001, 1.0, 4)]
    [0.001, 0.01, 0.1, 1.0]
    """
    return [float(rate) for rate in np.geomspace(low, high, count)]


def _median(scores: Sequence[float]) -> float:
    return float(np.median([score if math.isfinite(score) else math.inf for score in scores]))
