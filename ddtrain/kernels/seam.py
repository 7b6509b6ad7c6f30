"""The seam between a kernel's reference in NumPy and its compiled twin.

``accelerated`` marks a reference that may have a twin; ``twin_of`` gives it one. Whoever calls the kernel calls the
reference's name, and the twin answers where it is at hand and takes the arguments; otherwise the reference does.
References know nothing of compilers: the twins are in ``native/``, which imports the references, never the other way
round.

Note [Twins]
A twin answers ``NotImplemented`` for what it does not take (an odd dtype, a memory layout), from the *shapes, dtypes
and layouts* of its arguments alone, never from their values: so the same call takes the same kernel on every rank, in
every step and after a resume, and the bits stay the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


class Kernel:
    """A reference and, once ``native/`` is imported, its twin.

    Attributes
    ----------
    reference : the function in NumPy
    twin : the compiled one, or None where there is none, or where it was refused
    """

    __slots__ = ("__dict__", "reference", "twin")

    def __init__(self, reference: Callable[..., Any]) -> None:
        self.reference = reference
        self.twin: Callable[..., Any] | None = None
        update_wrapper(self, reference)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.twin is not None:
            answer = self.twin(*args, **kwargs)
            if answer is not NotImplemented:
                return answer
        return self.reference(*args, **kwargs)


def accelerated(reference: F) -> F:
    """A kernel that a compiled twin may stand in for; without one it is the reference.

    >>> double = accelerated(lambda x: 2 * x)
    >>> double(3), double.twin
    (6, None)
    >>> double.twin = lambda x: x + x if type(x) is int else NotImplemented
    >>> double(3), double(1.5)
    (6, 3.0)
    """
    return cast(F, Kernel(reference))


def reference_of(kernel: F) -> F:
    """The reference itself, for those that are made of it: they shall not depend on its twin, which they check.

    >>> double = accelerated(lambda x: 2 * x)
    >>> double.twin = lambda x: 0
    >>> double(3), reference_of(double)(3)
    (0, 6)
    """
    return cast(F, cast(Kernel, kernel).reference)
