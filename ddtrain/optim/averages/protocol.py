"""What an average of weights is: a part that says with which weight the values after each update enter it."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.parts import Part

AVERAGE = "average"  # the vector's name among those that the optimizer remembers


@dataclass(frozen=True)
class Average(Part, kind="average", default="none"):
    """The base of averages: ``Average(name="ema", decay=0.99)`` makes the one of that name.

    >>> from ddtrain.optim.averages import Average
    >>> Average(name="ema", decay=0.99).keep(count=7)
    0.99
    """

    name: str = ""

    def keep(self, count: int) -> float | None:
        """The weight of the average so far when the values after update ``count``, from 1, enter; None: they do not."""
        return None

    def begun(self, count: int) -> bool:
        """Whether any values have entered in ``count`` updates."""
        return False

    def recomputes_statistics(self) -> bool:
        """Whether batch-norm's running statistics are computed anew for the average; else they stay the weights'."""
        return False

    def misfit(self, steps: int) -> str:
        """What is odd about it in a run that ends after ``steps`` steps, in one line; empty: nothing."""
        return ""

    def laid_over(self, steps: int) -> Average:
        """The same for a run that is planned to take ``steps`` steps, with what depends on it in updates."""
        return self


@dataclass(frozen=True)
class WeightAverage(Average):
    """The base of averages that are kept."""

    evaluate: bool = False
    """Evaluate the average instead of the weights themselves, once it has begun; where there is batch-norm, swa takes a
    pass over the training data before each evaluation.
    """
    export: bool = False
    """Write the average to RUN/average.safetensors at the end, by PyTorch's names and layouts."""
