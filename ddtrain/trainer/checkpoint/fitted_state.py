"""What a task has fitted to data, as the tensors of a checkpoint, and back.

An array of ``fitted["inputs"]`` is the tensor ``inputs/mean``. A text, or a list of texts, is a tensor of the bytes of
its JSON, ``inputs/call.json``: one file holds them all, and any reader of safetensors sees what they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data import Fitted
from ddtrain.errors import CheckpointError, DdtrainError, UsageError, first_line, kind_of, quoted
from ddtrain.trainer.file_names import FITTED

_JSON = ".json"
_KINDS = "biuf"  # what both NumPy and safetensors have: booleans, integers and real numbers


def tensors_of(fitted: Mapping[str, Fitted]) -> dict[str, NDArray[Any]]:
    """What is stored of all that a task has fitted, as ``NAME/KEY``.

    Raises
    ------
    UsageError : a state that is no dict of arrays, texts and lists of texts

    >>> from ddtrain.data import Standardize
    >>> sorted(tensors_of({"inputs": Standardize(np.zeros(2), np.ones(2))}))
    ['inputs/mean', 'inputs/std']
    """
    return {name: x for task_name, each in fitted.items() for name, x in _tensors(task_name, each.state_dict())}


def _tensors(name: str, state: Mapping[str, Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    if not isinstance(state, Mapping):
        raise UsageError(
            f"Task: fitted {quoted(name)}: state_dict() returned {kind_of(state)}", remedy="Return a dict."
        )
    for key, value in state.items():
        place = f"{name}/{key}"
        if not isinstance(key, str) or "/" in key or key.endswith(_JSON):
            raise UsageError(f"Task: fitted {quoted(name)} has the key {quoted(key)}", remedy="Give it another name.")
        if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS and value.dtype != np.longdouble:
            yield place, value
        elif isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            yield place + _JSON, np.frombuffer(json.dumps(value).encode(), np.uint8)
        else:
            kind = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else kind_of(value)
            raise UsageError(
                f"Task: fitted {place} is {kind}, which a checkpoint does not hold",
                remedy="Give arrays of numbers, texts, and lists of texts.",
            )


def load(fitted: Mapping[str, Fitted], saved: Mapping[str, NDArray[Any]], place: str) -> None:
    """Let all that a task has fitted go on with what was stored of it.

    Parameters
    ----------
    saved : what :func:`tensors_of` made
    place : where that is from, for messages

    Raises
    ------
    CheckpointError : it is of other things, or they cannot take it up
    """
    states = states_of(saved)
    if set(states) != {name for name, each in fitted.items() if name in states or each.state_dict()}:
        there, wanted = (", ".join(names) or "nothing" for names in (states, fitted))
        raise CheckpointError(
            f"{place} does not fit: it holds what was fitted for {there}, and the task has {wanted}",
            remedy="Give the configuration it was made with, or another --run.dir.",
        )
    for name, state in states.items():
        try:
            fitted[name].load_state_dict(state)
        except DdtrainError as error:
            raise CheckpointError(f"{place} does not fit: {name}: {error.message}", remedy=error.remedy) from None
        except (LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{place}: foreign: its {FITTED} is not what {quoted(name)} stores ({first_line(error)})"
            ) from error


def states_of(saved: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Any]]:
    """What each thing that a task has fitted had stored, by name: the inverse of :func:`tensors_of`.

    >>> from ddtrain.data import Names
    >>> states_of(tensors_of({"classes": Names(["cat", "dog"])}))
    {'classes': {'names': ['cat', 'dog']}}
    """
    states: dict[str, dict[str, Any]] = {}
    for place, x in saved.items():
        name, _, key = place.partition("/")
        is_text = key.endswith(_JSON)
        states.setdefault(name, {})[key.removesuffix(_JSON)] = _text(place, x) if is_text else x
    return states


def _text(place: str, x: NDArray[Any]) -> Any:
    try:
        return json.loads(x.tobytes())
    except (ValueError, RecursionError):
        raise CheckpointError(f"{FITTED}: foreign: {quoted(place)} is not JSON") from None
