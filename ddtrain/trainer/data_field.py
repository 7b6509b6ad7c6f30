"""The data of a task, typed for what is given as well as for what it is then: a field of a dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

from numpy.typing import NDArray

from ddtrain.data import Dataset

GivenData = Dataset | NDArray[Any] | tuple[NDArray[Any], ...]
GivenSets = GivenData | Mapping[str, GivenData] | None

Got = TypeVar("Got", covariant=True)
Given = TypeVar("Given", contravariant=True)


class DataField(Generic[Got, Given]):
    """Whoever makes the dataclass gives a ``Given``, and whoever reads the attribute has a ``Got``.

    What is given is kept; ``__post_init__`` makes of it what is read. Without a default, the field is required.

    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Kept:
    ...     train: DataField[Dataset, GivenData] = DataField()
    ...     valid: DataField[Dataset | None, GivenData | None] = DataField(None)
    >>> Kept((np.ones(2),))
    Kept(train=(array([1., 1.]),), valid=None)
    >>> Kept()
    Traceback (most recent call last):
    TypeError: Kept.__init__() missing 1 required positional argument: 'train'
    """

    def __init__(self, *default: None) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> Got:
        if instance is not None:
            return cast(Got, vars(instance)[self._name])
        if not self._default:
            raise AttributeError(self._name)  # which a dataclass takes for a field without a default
        return cast(Got, self._default[0])

    def __set__(self, instance: object, given: Given) -> None:
        vars(instance)[self._name] = given
