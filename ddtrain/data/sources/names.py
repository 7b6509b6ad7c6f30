"""Names that belong to a model as its weights do: of classes, or of a table's columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import UsageError, quoted


class Names(Sequence[str]):
    """Names by number, stored in a run's checkpoints as one of a task's ``fitted``.

    Parameters
    ----------
    names : in the order of their numbers; none for those that a checkpoint stores

    >>> classes = Names(["cat", "dog"])
    >>> classes.encode(["dog", "cat"]), classes.decode(np.array([1, 1]))
    (array([1, 0]), ['dog', 'dog'])
    >>> later = Names()
    >>> later.load_state_dict(classes.state_dict())
    >>> list(later)
    ['cat', 'dog']
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._take([str(name) for name in names])

    def _take(self, names: list[str]) -> None:
        self._names, self._numbers = names, {name: k for k, name in enumerate(names)}
        if len(self._numbers) < len(names):
            twice = next(name for k, name in enumerate(names) if self._numbers[name] != k)
            raise UsageError(f"names: {quoted(twice)} occurs twice", remedy="Give each name once.")

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The names of which :meth:`state_dict` was stored."""
        return cls(state["names"])

    def encode(self, names: Iterable[str]) -> NDArray[np.int64]:
        """The numbers of some names.

        Raises
        ------
        UsageError : a name that there is not
        """
        try:
            return np.array([self._numbers[name] for name in names], np.int64)
        except KeyError as error:
            raise UsageError(
                f"names: there is no {quoted(error.args[0])}", remedy=f"There is {quoted(self._names)}."
            ) from None

    def decode(self, numbers: Any) -> list[str]:
        """The names of some numbers, such as ``scores.argmax(axis=1)``."""
        return [self._names[int(number)] for number in np.asarray(numbers).ravel()]

    def state_dict(self) -> dict[str, list[str]]:
        """What :meth:`load_state_dict` takes up."""
        return {"names": list(self._names)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with stored names.

        Raises
        ------
        UsageError : there are other names here, so that the model's outputs would mean something else
        """
        stored = list(state["names"])
        if self._names and stored != self._names:
            raise UsageError(
                f"the stored names are {quoted(stored)}, here they are {quoted(self._names)}",
                remedy="Give the data of the run, or its names.",
            )
        self._take(stored)

    def __getitem__(self, k: Any) -> Any:
        return self._names[k]

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Names | list | tuple) and self._names == list(other)

    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have none either

    def __repr__(self) -> str:
        return f"Names({self._names!r})"
