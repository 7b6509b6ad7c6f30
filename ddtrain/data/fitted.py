"""What was fitted to data and belongs to a model like its weights: numbers and names that a checkpoint stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

from ddtrain.comm.protocol import Communicator

State: TypeAlias = Mapping[str, NDArray[Any] | str | list[str]]
"""Arrays, texts and lists of texts by name."""


class Fitted(Protocol):
    """What can be stored and taken up again, such as :class:`ddtrain.data.Standardize`.

    One that also has ``fit_over(comm)`` is fitted when a run begins, over all ranks; any other comes fitted.

    >>> import numpy as np
    >>> class Scale:
    ...     unit = "m"
    ...
    ...     def fit_over(self, comm):
    ...         self.largest = np.array(4.0)
    ...
    ...     def state_dict(self):
    ...         return {"largest": self.largest, "unit": self.unit}
    ...
    ...     def load_state_dict(self, state):
    ...         self.largest, self.unit = state["largest"], state["unit"]
    >>> scale = Scale()
    >>> fit_over_ranks({"scale": scale}, None)
    >>> scale.state_dict()
    {'largest': array(4.), 'unit': 'm'}
    """

    def state_dict(self) -> State:
        """What :meth:`load_state_dict` takes up."""
        ...

    def load_state_dict(self, state: State) -> None:
        """Go on with what :meth:`state_dict` has given, whatever this was fitted to."""
        ...


def fit_over_ranks(fitted: Mapping[str, Fitted], comm: Communicator | None) -> None:
    """Fit what is yet to be fitted, in order. Collective.

    Raises
    ------
    DataError, UsageError : on all ranks, of data that it cannot be fitted to
    """
    for each in fitted.values():
        if hasattr(each, "fit_over"):
            each.fit_over(comm)
