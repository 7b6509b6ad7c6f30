"""Other initial values than a model declares, by rules over the paths of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain import part_calls
from ddtrain.errors import UsageError, quoted
from ddtrain.nn.init.functions import Init
from ddtrain.nn.init.initializer import Initializer
from ddtrain.nn.module import OTHER_INITS, Module

Rules = str | Init | Mapping[str, str | Init]


def reinitialized(model: Module, rules: Rules, seed: int = 0, dtype: DTypeLike = np.float32) -> dict[str, NDArray[Any]]:
    """The initial values of a model, its weights by rules: ``{"*.weight": "he_normal"}``.

    Weights are parameters of two axes or more. Biases, and scales and shifts of norms, have one, and begin as they are
    declared. Each value is drawn from (seed, path), as in :meth:`Module.init`, so that what no rule matches is as it
    would be without. A module with values of its own, by an ``init`` of its own, keeps them: saved weights, the padding
    row of an embedding.

    Parameters
    ----------
    rules : by pattern of a path, in which ``*`` stands for anything: an initializer, or the name of one. The first that
        matches a path counts. A single initializer, or name, is for all weights

    Returns
    -------
    As :meth:`Module.init`. What is tied goes by its first path.

    Raises
    ------
    UsageError : there is no initializer of the name; a pattern matches no weight; an initializer has no value of the
        shape, naming the path

    >>> from ddtrain import nn
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.relu(), nn.Linear(2, 1))
    >>> values = reinitialized(model, {"0.*": "identity", "2.*": "zeros"})
    >>> values["0.weight"]
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    >>> bool((values["0.bias"] == model.init()["0.bias"]).all())
    True
    """
    table = {pattern: _initializer(rule) for pattern, rule in _table(rules).items()}
    weights = {path: d for path, d in model.declarations().items() if d.trained and len(d.shape) >= 2}
    for pattern in table:
        if not any(fnmatchcase(path, pattern) for path in weights):
            shown = ", ".join([*weights][:4]) or "none"
            raise UsageError(
                f"init: no weight's path matches {pattern!r}",
                remedy=f"Weights have two axes or more; the model's are {shown}{' ...' if len(weights) > 4 else ''}.",
            )
    chosen: dict[int, Init] = {}
    for path, declaration in weights.items():
        for pattern, initializer in table.items():
            if fnmatchcase(path, pattern):
                chosen[id(declaration)] = initializer
                break
    token = OTHER_INITS.set(chosen)
    try:
        return model.init(seed, dtype)
    finally:
        OTHER_INITS.reset(token)


def _table(rules: Rules) -> Mapping[str, str | Init]:
    return rules if isinstance(rules, Mapping) else {"*": rules}


def parse_rules(text: str) -> Rules:
    """Rules as one line of text: an initializer for all weights, or patterns, each with one, and semicolons between.

    Raises
    ------
    UsageError : a rule without an initializer

    >>> parse_rules("he_normal")
    'he_normal'
    >>> parse_rules("conv*: he_normal(gain=2.0); head.weight: zeros")
    {'conv*': 'he_normal(gain=2.0)', 'head.weight': 'zeros'}
    """
    if ":" not in text:
        return text.strip()
    pairs = [rule.partition(":") for rule in text.split(";") if rule.strip()]
    if not all(colon and pattern.strip() and init.strip() for pattern, colon, init in pairs):
        raise UsageError(
            f"--init.weights {quoted(text)} is no list of rules", remedy="Write 'conv*: he_normal; head.*: zeros'."
        )
    return {pattern.strip(): init.strip() for pattern, _, init in pairs}


def _initializer(rule: str | Init) -> Init:
    if not isinstance(rule, str):
        return rule
    found: list[Init] = [*part_calls.parse(Initializer, [rule], "init", "he_normal")]
    if len(found) != 1:
        raise UsageError(f"init: {quoted(rule)} is not one initializer", remedy="Write he_normal, or normal(std=0.1).")
    return found[0]
