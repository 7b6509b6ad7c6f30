"""Preparing inputs as an option names it: a part, which is fitted to a data set and then transforms batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from ddtrain import part_calls
from ddtrain.comm.protocol import Communicator
from ddtrain.data.dataset import Dataset
from ddtrain.data.fitted import State
from ddtrain.errors import UsageError, quoted
from ddtrain.parts import Part

_PLACE, _EXAMPLE = "--data.inputs", "standardize(per_channel=True)"


class Transform(Protocol):
    """Inputs (N, ...) to inputs of the same number of samples, by numbers that can be stored."""

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]: ...
    def state_dict(self) -> State: ...


@dataclass(frozen=True)
class Inputs(Part, kind="inputs", default="standardize"):
    """The base of preparations: ``Inputs(name="whiten", components=50)`` makes the one of that name."""

    name: str = ""

    def fit(self, dataset: Dataset, dtype: DTypeLike, comm: Communicator | None = None) -> Transform:
        """The transform of a data set, with the same bits on any number of ranks. Collective, where there are ranks."""
        raise NotImplementedError

    def load(self, state: State, dtype: DTypeLike) -> Transform:
        """The transform of which ``state_dict`` was stored."""
        raise NotImplementedError

    def shape(self, sample: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a sample afterwards."""
        return sample


def parse(text: str) -> Inputs | None:
    """The preparation that a text names as a call; None of an empty text.

    Raises
    ------
    UsageError : a name that there is not, with the nearest; an option that is another's; a value of another type or out
        of range; several calls; or what cannot be read

    >>> parse("whiten(components=50)")
    Whitened(name='whiten', components=50, epsilon=0.0, zca=False)
    >>> parse("whitne")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --data.inputs 'whitne': there is no inputs 'whitne'
      Did you mean whiten? There is standardize, ...
    """
    found = part_calls.parse(Inputs, [text], _PLACE, _EXAMPLE)
    if len(found) > 1:
        raise UsageError(f"{_PLACE} {quoted(text)} names {len(found)} of them", remedy=f"Give one: '{_EXAMPLE}'.")
    return found[0] if found else None
