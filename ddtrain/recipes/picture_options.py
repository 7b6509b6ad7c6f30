"""What recipes of pictures can be told: how pixels are prepared, what is held out, and which loss a classifier has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from ddtrain.ops.losses import CrossEntropy
from ddtrain.parts import Range
from ddtrain.trainer.config import config
from ddtrain.trainer.config.field_types import Keys

ActivationName = Annotated[str, Keys("ddtrain.nn", "ACTIVATIONS")]
NormPlace = Literal["before", "after", "none"]


@dataclass(frozen=True)
class PictureData(config.Data):
    """The data."""

    inputs: str = ""
    """How pixels are prepared, as a call, such as 'whiten(components=50)'; --list inputs names all.
    It is fitted to the training samples, over all ranks, and stored in checkpoints. Empty: by two known numbers.
    """
    validation: float = 0.0
    """Fraction of the training samples to evaluate on in place of the test set, of every class alike, by run.seed."""

    def ranges(self) -> Iterator[Range]:
        yield "validation", 0 <= self.validation < 1, "a number from 0 to below 1"


@dataclass(frozen=True)
class ClassData(PictureData):
    """The data."""

    class_weights: Literal["none", "balanced"] = "none"
    """balanced: each class has the same weight in the loss, however many samples it has; of cross_entropy."""


@dataclass(frozen=True)
class PictureConfig(config.Config):
    """A whole run on pictures."""

    data: PictureData = PictureData()

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.data) is config.Data:  # as scripts gave it before there was more to be told
            section = type(type(self).data)  # that of the defaults
            object.__setattr__(self, "data", section(**vars(self.data)))


@dataclass(frozen=True)
class ClassifierConfig(PictureConfig):
    """A whole run of a classifier of pictures."""

    data: ClassData = ClassData()
    loss: config.Loss = CrossEntropy()
