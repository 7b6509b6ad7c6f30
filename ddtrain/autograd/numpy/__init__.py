"""Autograd's ``autograd.numpy``: the names of ``ddtrain.numpy``, and Autograd's inner modules that programs import."""

from typing import Any

import ddtrain.numpy
from ddtrain.autograd._known_as import known_as
from ddtrain.autograd.numpy import numpy_boxes, numpy_vjps
from ddtrain.numpy import *  # noqa: F403
from ddtrain.numpy import fft, linalg, random

known_as(__name__, fft=fft, linalg=linalg, random=random)


def __getattr__(name: str) -> Any:
    return getattr(ddtrain.numpy, name)  # also NumPy's unchanged names, and errors for the unsupported ones


def __dir__() -> list[str]:
    return dir(ddtrain.numpy)
