"""What is wrong with a model's layers: gradients that vanish or explode, and from which layer on; dead and saturated
units; updates too large or too small. Each with what to try.

Note [Where it begins]
Gradients come from the loss, so they are followed from the last layer to the first. A gradient vanishes where it has
fallen to less than a thousandth of the largest on the way so far, and that begins at the layer nearest to the loss from
which on all are below a tenth of what they were before. Explosions are the same upside down.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

FACTOR = 1e3  # between the gradients of layers, from which on they vanish or explode
_BEGINS = 10.0  # the factor that counts as the beginning of it
SHARE = 0.5  # of units that are dead, or of outputs that are saturated, from which on it is said
LARGEST, SMALLEST = 0.1, 1e-7  # of an update beside the values; 1/1000 is usual

_VANISHING = (
    "Try ReLU or GELU in place of sigmoid and tanh, --init.weights he_normal (glorot_normal with tanh), batch-norm or "
    "layer-norm, residual connections."
)
_EXPLODING = "Try --clip.norm 1, a lower --optim.lr, --init.weights glorot_normal, batch-norm or layer-norm."
_DEAD = "Try a lower --optim.lr, a warm-up, leaky ReLU, or --init.weights he_normal."
_SATURATED = "Try inputs of mean 0 and deviation 1, --init.weights glorot_normal, batch-norm before it, or ReLU."
_LARGE = "Try a lower --optim.lr, a warm-up, or --clip.norm 1."
_SMALL = "Try a higher --optim.lr, and see whether a gradient reaches it at all."


@dataclass(frozen=True)
class Verdict:
    """What is wrong, where, and what to try.

    >>> print(Verdict("dead", "layers.1", "80% of its units are 0 for all samples", "Try leaky ReLU."))
    layers.1: 80% of its units are 0 for all samples. Try leaky ReLU.
    """

    kind: str
    layer: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.text}. {self.remedy}"


def verdicts(
    outputs: Mapping[str, Mapping[str, float]],
    gradients: Mapping[str, float],
    updates: Mapping[str, float] | None = None,
) -> list[Verdict]:
    """What is wrong with the layers of a model; nothing, as a rule.

    Parameters
    ----------
    outputs : by layer, statistics as :meth:`Statistics.as_dict` has them
    gradients : by layer, from the first to the last that is called, the norm of what comes back to it
    updates : by parameter, the length of a step beside that of the values

    >>> gradients = {"first": 1e-6, "second": 1e-4, "third": 0.01, "last": 0.02}
    >>> [(found.kind, found.layer) for found in verdicts({}, gradients)]
    [('vanishing', 'second')]
    """
    along = [*of_gradients(gradients), *_of_outputs(outputs)]
    vanishing = any(found.kind == "vanishing" for found in along)  # which explains small updates
    return [*along, *of_units(outputs), *_of_updates(updates or {}, small=not vanishing)]


def of_gradients(gradients: Mapping[str, float]) -> Iterator[Verdict]:
    """Whether gradients vanish or explode on their way back (Note [Where it begins])."""
    back = [(path, g) for path, g in reversed(list(gradients.items())) if math.isfinite(g)]
    yield from _along(back, "vanishing", "the gradient falls from here on towards the input", _VANISHING)
    yield from _along(back, "exploding", "the gradient grows from here on towards the input", _EXPLODING, upward=True)


def _of_outputs(outputs: Mapping[str, Mapping[str, float]]) -> Iterator[Verdict]:
    """The same of the deviations of outputs, on their way from the first layer to the last."""
    ahead = [(path, seen["std"]) for path, seen in outputs.items() if math.isfinite(seen["std"])]
    yield from _along(ahead, "vanishing outputs", "outputs fall from here on", _VANISHING)
    yield from _along(ahead, "exploding outputs", "outputs grow from here on", _EXPLODING, upward=True)


def _along(way: Sequence[tuple[str, float]], kind: str, text: str, remedy: str, upward: bool = False) -> list[Verdict]:
    """A verdict where values fall, or rise, for good."""
    if upward:
        way = [(path, value) for path, value in way if value]
    begin = _begin([1 / value if upward else value for _, value in way])
    if begin is None:
        return []
    (before, first), (path, _), (end, last) = way[begin - 1], way[begin], way[-1]
    return [Verdict(kind, path, f"{text}, from {first:.2g} at {before} to {last:.2g} at {end}", remedy)]


def _begin(sizes: Sequence[float]) -> int | None:
    """Where a sequence begins to fall for good, if it falls by :data:`FACTOR` in all.

    >>> _begin([1.0, 0.5, 0.01, 1e-5]), _begin([1.0, 1e-5, 1.0]), _begin([1.0, 0.1])
    (2, None, None)
    """
    peaks = [max(sizes[: k + 1]) for k in range(len(sizes))]
    if not sizes or peaks[-1] == 0 or not sizes[-1] * FACTOR <= peaks[-1]:
        return None
    begin = len(sizes) - 1
    while begin > 1 and sizes[begin - 1] * _BEGINS <= peaks[-1]:
        begin -= 1
    return begin


def of_units(outputs: Mapping[str, Mapping[str, float]]) -> Iterator[Verdict]:
    """Layers of which half or more is dead or saturated."""
    for path, seen in outputs.items():
        dead, saturated = seen.get("dead", 0.0), seen.get("saturated", 0.0)
        if dead >= SHARE:
            yield Verdict("dead", path, f"{dead:.0%} of its units are 0 for all samples", _DEAD)
        if saturated >= SHARE:
            yield Verdict("saturated", path, f"{saturated:.0%} of its outputs are saturated", _SATURATED)


def _of_updates(updates: Mapping[str, float], small: bool) -> Iterator[Verdict]:
    for path, ratio in updates.items():
        if ratio > LARGEST:
            yield Verdict("large update", path, f"a step changes it by {ratio:.2g} of its length", _LARGE)
        elif small and ratio < SMALLEST:
            yield Verdict("small update", path, f"a step changes it by no more than {ratio:.2g} of its length", _SMALL)
