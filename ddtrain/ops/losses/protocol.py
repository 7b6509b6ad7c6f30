"""What a loss is that a recipe picks by name: a part with options of its own, called with outputs and targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from ddtrain.autodiff import Array
from ddtrain.parts import Part, Range


@dataclass(frozen=True)
class Loss(Part, kind="loss", default="cross_entropy"):
    """The base of losses: ``Loss(name="huber", delta=0.5)`` makes the one of that name.

    Attributes
    ----------
    of_labels : what targets stand for the label k of K classes: the label itself; 1 at k and 0 elsewhere; 1 and -1; or
        None, where the loss is no classifier's. See :func:`ddtrain.ops.losses.classifier_loss`
    """

    of_labels: ClassVar[Literal["label", "one_hot", "signs"] | None] = "label"
    name: str = ""

    def __call__(self, outputs: Array, targets: Array) -> Array:
        """One loss a sample, (N,), never averaged.

        Parameters
        ----------
        outputs : what the model returns
        targets : labels, or what the outputs are compared with
        """
        raise NotImplementedError


@dataclass(frozen=True)
class MarginLoss(Loss):
    """What is zero beyond a margin."""

    margin: float = 1.0
    """Beyond it there is no loss."""

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "margin", self.margin > 0, "a finite number above 0"
