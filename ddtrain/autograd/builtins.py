"""Autograd's ``builtins``: ``isinstance`` and ``type`` that see the value in a box; ``dict``, ``list``, ``tuple``.

Autograd boxes containers, and so needs containers of its own. Here a container is a plain one that holds boxes:
whatever a traced function builds, indexes or appends to, is taken apart when it is returned. ``DictBox`` and
``SequenceBox`` are there for programs that name them in annotations, and nothing is an instance of them.
"""

from __future__ import annotations

import builtins
from builtins import dict, list, tuple  # noqa: UP029  # the names this module is imported for
from typing import Any

from ddtrain.autodiff import Box, value_of
from ddtrain.autograd._absent import absent, of_every

__all__ = [
    "DictBox", "SequenceBox", "dict", "dict_", "isinstance", "isinstance_", "list", "list_", "tuple", "tuple_", "type",
    "type_",
]  # fmt: skip

dict_, isinstance_, list_, tuple_, type_ = dict, builtins.isinstance, list, tuple, builtins.type

_PLAIN = "containers are not boxed here, a plain one may hold boxes: use the plain dict, list and tuple"
__getattr__ = absent(
    __name__,
    of_every("DictMeta ListMeta TupleMeta", _PLAIN)
    | of_every("make_sequence sequence_extend_left sequence_extend_right container_take container_untake", _PLAIN)
    | of_every("fwd_grad_make_sequence grad_container_take grad_sequence_extend_left", _PLAIN)
    | of_every("grad_sequence_extend_right", _PLAIN)
    | of_every(
        "ContainerVSpace SequenceVSpace DictVSpace ListVSpace TupleVSpace NamedTupleVSpace", "use extend.VSpace"
    ),
)


class DictBox(Box):
    """What a traced dict is in Autograd."""

    __slots__ = ()


class SequenceBox(Box):
    """What a traced list or tuple is in Autograd."""

    __slots__ = ()


def isinstance(x: Any, classes: Any) -> bool:
    """Whether ``x``, or the value under trace in it, is of one of the classes; a traced number is a float, no array.

    >>> from ddtrain import grad
    >>> grad(lambda x: x * 2 if isinstance(x, float) else x)(1.0)
    array(2.)
    """
    return builtins.isinstance(x, classes) or builtins.isinstance(_plain(x), classes)


def type(x: Any) -> Any:
    """The type of ``x``, or of the value under trace in it.

    >>> type(1.0)
    <class 'float'>
    """
    return builtins.type(_plain(x))


def _plain(x: Any) -> Any:
    """What would be here without a trace: for a 0-d array a NumPy scalar, see Note [0-d arrays] of the tracer."""
    value = value_of(x)
    return value[()] if value is not x and value.shape == () else value
