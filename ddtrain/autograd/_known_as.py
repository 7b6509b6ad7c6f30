"""One module under two names: what makes ``import ddtrain.autograd.scipy.stats.norm`` find ours."""

from __future__ import annotations

import sys
from types import ModuleType


def known_as(package: str, **parts: ModuleType) -> None:
    """Let ``import package.part`` find a module that lies elsewhere, as ``os`` does with ``os.path``.

    >>> import math
    >>> known_as("ddtrain.autograd", numbers=math)
    >>> import ddtrain.autograd.numbers
    >>> del sys.modules["ddtrain.autograd.numbers"]
    """
    for name, module in parts.items():
        sys.modules[f"{package}.{name}"] = module
