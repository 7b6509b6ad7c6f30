"""NumPy with derivatives: ``import ddtrain.numpy as np``.

The same names, on the same arrays; a traced value may stand wherever an array may. A name is here because one of the
families has it in its ``__all__``:

- ``elementwise/``, entry by entry: ``arithmetic transcendental special floating_point choices comparisons
  complex_numbers casts``
- ``along_axes/``: ``reductions scans masked_reductions nan_reductions statistics differences sorting quantiles``
- ``manipulation/``, moving entries: ``shapes axes arrangements joining indexing index_tricks selections padding``
- ``products/``: ``matrix_products einsum convolutions polynomials interpolation``
- ``linalg/``, ``fft`` and ``random``: NumPy's namespaces of these names
- the rest: ``creation mapping inplace``

To add a function, write its paragraph in the family it belongs to, and its name in that file's ``__all__``.

``dispatch/`` is where NumPy and these functions meet: every name takes NumPy's own calls, and where nothing is traced
it answers as NumPy does. NumPy's other names are passed on unchanged, or say how to add a rule. Importing this package
registers the traced array (``dispatch/array_box.py``), without which nothing can be traced.
"""
# ruff: noqa: F403 -- every family says in __all__ what it gives

from __future__ import annotations

import types as _types
from typing import Any

import numpy as _np
from numpy import __version__ as __version__

from ddtrain.numpy import (
    along_axes,
    creation,
    elementwise,
    fft,
    inplace,
    linalg,
    manipulation,
    mapping,
    products,
    random,
)
from ddtrain.numpy.along_axes.differences import *
from ddtrain.numpy.along_axes.nan_reductions import *
from ddtrain.numpy.along_axes.quantiles import *
from ddtrain.numpy.along_axes.reductions import *
from ddtrain.numpy.along_axes.scans import *
from ddtrain.numpy.along_axes.sorting import *
from ddtrain.numpy.along_axes.statistics import *
from ddtrain.numpy.creation import *
from ddtrain.numpy.dispatch.array_box import ArrayBox
from ddtrain.numpy.dispatch.counterparts import take_numpys_words
from ddtrain.numpy.dispatch.missing_rules import missing_name
from ddtrain.numpy.dispatch.unchanged_names import UNCHANGED
from ddtrain.numpy.elementwise.arithmetic import *
from ddtrain.numpy.elementwise.casts import *
from ddtrain.numpy.elementwise.choices import *
from ddtrain.numpy.elementwise.comparisons import *
from ddtrain.numpy.elementwise.complex_numbers import *
from ddtrain.numpy.elementwise.floating_point import *
from ddtrain.numpy.elementwise.special import *
from ddtrain.numpy.elementwise.transcendental import *
from ddtrain.numpy.inplace import *
from ddtrain.numpy.manipulation.arrangements import *
from ddtrain.numpy.manipulation.axes import *
from ddtrain.numpy.manipulation.index_tricks import *
from ddtrain.numpy.manipulation.indexing import *
from ddtrain.numpy.manipulation.joining import *
from ddtrain.numpy.manipulation.padding import *
from ddtrain.numpy.manipulation.selections import *
from ddtrain.numpy.manipulation.shapes import *
from ddtrain.numpy.mapping import *
from ddtrain.numpy.products.convolutions import *
from ddtrain.numpy.products.einsum import *
from ddtrain.numpy.products.interpolation import *
from ddtrain.numpy.products.matrix_products import *
from ddtrain.numpy.products.polynomials import *

_ROOMS = (along_axes, elementwise, manipulation, products)
_IN_ROOMS = [family for room in _ROOMS for family in vars(room).values() if isinstance(family, _types.ModuleType)]
__all__ = ["ArrayBox", "fft", "linalg", "random"]
for _family in (creation, inplace, mapping, *_IN_ROOMS):
    __all__ += getattr(_family, "__all__", [])
__all__.sort()

take_numpys_words("", globals(), _np, __all__)
take_numpys_words("linalg.", vars(linalg), _np.linalg, linalg.RULED)
take_numpys_words("fft.", vars(fft), _np.fft, fft.RULED)


def __getattr__(name: str) -> Any:
    if name in UNCHANGED:
        return getattr(_np, name)
    raise missing_name(_np, name)
