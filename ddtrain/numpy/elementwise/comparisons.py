"""Functions that are constant almost everywhere: comparisons, rounding, positions. Their derivative is zero.

Derivative traces do not see them, so their results are plain arrays: fit for masks, indices and branches.
"""

from __future__ import annotations

import numpy as np

from ddtrain.autodiff import nondifferentiable

__all__ = [
    "all", "allclose", "any", "argmax", "argmin", "argsort", "argwhere", "around", "array_equal", "array_equiv", "ceil",
    "count_nonzero", "diag_indices_from", "digitize", "equal", "flatnonzero", "floor", "floor_divide", "greater",
    "greater_equal", "isclose", "iscomplex", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal",
    "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "nonzero", "not_equal", "rint",
    "round", "searchsorted", "signbit", "tril_indices_from", "triu_indices_from", "trunc",
]  # fmt: skip

equal = nondifferentiable(np.equal)
not_equal = nondifferentiable(np.not_equal)
less = nondifferentiable(np.less)
less_equal = nondifferentiable(np.less_equal)
greater = nondifferentiable(np.greater)
greater_equal = nondifferentiable(np.greater_equal)
logical_and = nondifferentiable(np.logical_and)
logical_or = nondifferentiable(np.logical_or)
logical_xor = nondifferentiable(np.logical_xor)
logical_not = nondifferentiable(np.logical_not)

isnan = nondifferentiable(np.isnan)
isinf = nondifferentiable(np.isinf)
isfinite = nondifferentiable(np.isfinite)
isclose = nondifferentiable(np.isclose)
allclose = nondifferentiable(np.allclose)
array_equal = nondifferentiable(np.array_equal)
all = nondifferentiable(np.all)
any = nondifferentiable(np.any)

sign = nondifferentiable(np.sign)
signbit = nondifferentiable(np.signbit)
floor = nondifferentiable(np.floor)
ceil = nondifferentiable(np.ceil)
trunc = nondifferentiable(np.trunc)
rint = nondifferentiable(np.rint)
round = nondifferentiable(np.round)
around = round
floor_divide = nondifferentiable(np.floor_divide)

argmax = nondifferentiable(np.argmax)
argmin = nondifferentiable(np.argmin)
argsort = nondifferentiable(np.argsort)
argwhere = nondifferentiable(np.argwhere)
nonzero = nondifferentiable(np.nonzero)
flatnonzero = nondifferentiable(np.flatnonzero)
count_nonzero = nondifferentiable(np.count_nonzero)
searchsorted = nondifferentiable(np.searchsorted)
digitize = nondifferentiable(np.digitize)
occurrences = nondifferentiable(np.bincount, name="bincount")  # statistics.bincount uses it if there are no weights
isin = nondifferentiable(np.isin)
array_equiv = nondifferentiable(np.array_equiv)
iscomplex = nondifferentiable(np.iscomplex)
isreal = nondifferentiable(np.isreal)
isneginf = nondifferentiable(np.isneginf)
isposinf = nondifferentiable(np.isposinf)

diag_indices_from = nondifferentiable(np.diag_indices_from)
tril_indices_from = nondifferentiable(np.tril_indices_from)
triu_indices_from = nondifferentiable(np.triu_indices_from)
