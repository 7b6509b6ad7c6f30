"""Names that Autograd has and we do not: asking for one says why, and what to use instead."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn


def absent(module: str, instead: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """``__getattr__`` for ``module``; ``instead`` holds a sentence for each name that Autograd has there.

    Of an AttributeError an import statement tells only that the name is missing, so it is given an ImportError.

    >>> absent("ddtrain.autograd.tracer", {"Node": "use the tape"})("Node")
    Traceback (most recent call last):
    AttributeError: Autograd's 'Node' has no counterpart in ddtrain.autograd.tracer: use the tape
    """

    def get(name: str) -> NoReturn:
        if name not in instead:
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
        message = f"Autograd's {name!r} has no counterpart in {module}: {instead[name]}"
        asking = sys._getframe(1)
        if dis.opname[asking.f_code.co_code[asking.f_lasti]] == "IMPORT_FROM":
            raise ImportError(message, name=module)
        raise AttributeError(message, name=name)

    return get


def of_every(names: str, why: str) -> dict[str, Any]:
    """The same sentence for each of ``names``, which stand in one string."""
    return dict.fromkeys(names.split(), why)
