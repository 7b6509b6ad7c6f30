"""A transform that an option names: fitted when a run begins, or taken from a checkpoint."""

from __future__ import annotations

from typing import Any

from numpy.typing import DTypeLike, NDArray

from ddtrain import part_calls
from ddtrain.comm.protocol import Communicator
from ddtrain.data.dataset import Dataset
from ddtrain.data.fitted import State
from ddtrain.data.inputs.protocol import Inputs, Transform, parse
from ddtrain.errors import DataError, UsageError, quoted

_CALL = "call"


class PreparedInputs:
    """The transform of :class:`ddtrain.data.ArrayData` that a part fits; one of a task's ``fitted``.

    Used before anybody has fitted it or loaded its numbers, it is fitted by this rank alone: to the same bits, as all
    ranks have the same data (Note [Blocks of samples]).

    Parameters
    ----------
    inputs : the part
    dataset : the training data, before any transform
    dtype : of the result

    >>> import numpy as np
    >>> from ddtrain.data import ArrayData
    >>> x = np.array([[1.0], [3.0]])
    >>> prepared = PreparedInputs(Inputs(name="standardize"), ArrayData(x), np.float64)
    >>> prepared(x).ravel(), prepared.state_dict()["call"]
    (array([-1.,  1.]), 'standardize(per_channel=False)')
    """

    def __init__(self, inputs: Inputs, dataset: Dataset, dtype: DTypeLike) -> None:
        self.inputs, self.dataset, self.dtype = inputs, dataset, dtype
        self._transform: Transform | None = None

    def fit_over(self, comm: Communicator | None) -> None:
        """Fit it over all ranks. Collective.

        Raises
        ------
        DataError, UsageError : on all ranks, of data that the part cannot be fitted to
        """
        try:
            self._transform = self.inputs.fit(self.dataset, self.dtype, comm)
        except (DataError, UsageError) as error:
            told = f"--data.inputs {quoted(part_calls.written(self.inputs))}: {error.message}"
            raise type(error)(told, remedy=error.remedy, **error.place) from None

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """The inputs of a batch, prepared."""
        return self._fitted()(x)

    def state_dict(self) -> State:
        """The transform's numbers, and the part with its options as a call."""
        return {_CALL: part_calls.written(self.inputs), **self._fitted().state_dict()}

    def load_state_dict(self, state: State) -> None:
        """Go on with stored numbers.

        Raises
        ------
        UsageError : they are of another part, or of other options
        """
        call = state.get(_CALL)
        if not isinstance(call, str) or parse(call) != self.inputs:
            raise UsageError(
                f"the stored numbers are of {quoted(call)}, not of {part_calls.written(self.inputs)}",
                remedy="Give --data.inputs as it was.",
            )
        self._transform = self.inputs.load(state, self.dtype)

    def _fitted(self) -> Transform:
        if self._transform is None:
            self.fit_over(None)
        assert self._transform is not None, "fitted"
        return self._transform
