"""``--list KIND``: everything of a kind that a run can pick by name, with one line each."""

from __future__ import annotations

from collections.abc import Mapping

from ddtrain import nn
from ddtrain.callbacks import Callback
from ddtrain.data.augment import Augment
from ddtrain.data.inputs import Inputs
from ddtrain.errors import UsageError, quoted
from ddtrain.nn.init.initializer import Initializer
from ddtrain.ops.losses import Loss
from ddtrain.optim import Average, Optim
from ddtrain.optim.schedules import Schedule
from ddtrain.parts import Part
from ddtrain.suggestions import did_you_mean

PARTS: dict[str, type[Part]] = {
    kind.kind: kind for kind in (Optim, Schedule, Average, Initializer, Loss, Inputs, Augment, Callback)
}
KINDS = [*PARTS, "activation", "layer", "recipe"]


def listing(kind: str, recipes: Mapping[str, str]) -> str:
    """A table of names and what they are.

    Parameters
    ----------
    kind : of the parts in ``PARTS``, or ``activation``, ``layer`` or ``recipe``
    recipes : by name, a line on each

    Raises
    ------
    UsageError : there is no such kind

    >>> print(listing("recipe", {"mlp": "a perceptron"}))
    mlp  a perceptron
    """
    if kind not in KINDS:
        hint, known = did_you_mean(kind, KINDS), f"There is {', '.join(KINDS)}."
        raise UsageError(f"--list {quoted(kind)}: there is no such kind", remedy=f"{hint} {known}".lstrip())
    if kind in PARTS:
        lines = {name: part.about() for name, part in PARTS[kind].parts.items()}
    else:
        lines = dict(recipes) if kind == "recipe" else _layers() if kind == "layer" else _activations()
    wide = max(map(len, lines))
    return "\n".join(f"{name:{wide}}  {about}" for name, about in lines.items())


def _activations() -> dict[str, str]:
    """Of those in the table that a run picks by name, the first line on each."""
    return {name: (kind.__doc__ or "").strip().split("\n")[0] for name, kind in nn.ACTIVATIONS.items()}


def _layers() -> dict[str, str]:
    found = {name: getattr(nn, name) for name in nn.__all__}
    layers = {name: cls for name, cls in found.items() if isinstance(cls, type) and issubclass(cls, nn.Module)}
    return {name: (cls.__doc__ or "").strip().split("\n")[0] for name, cls in layers.items() if cls is not nn.Module}
