"""NumPy with derivatives: ``import ddtrain.numpy as np``.

The same names, on the same arrays; a traced value may stand wherever an array may. Every name is here because a line
in one of the families puts it here:

- entry by entry: ``arithmetic elementwise special floats choices comparisons complexes casts``
- along axes: ``reductions scans masked nans statistics differences ranks``
- moving entries: ``shapes arrangements joining indexing index_tricks selections padding``
- products: ``products einsum linalg fft convolutions polynomials interpolation``
- the rest: ``creation random mapping inplace``; and ``ufuncs``, the methods of ufuncs

``_rest`` lists the names of NumPy that are passed on unchanged, and those refused; any other says how to add a rule.

Every name takes NumPy's own calls (``_keywords``), and where nothing is traced it answers as NumPy does.

Importing this package registers the box of arrays (``_box.py``), without which nothing can be traced.
"""

from __future__ import annotations

from typing import Any

import numpy as _np
from numpy import __version__ as __version__

from ddtrain.numpy import fft, linalg, random
from ddtrain.numpy.along_axes.differences import diff, ediff1d, gradient, trapezoid, unwrap
from ddtrain.numpy.along_axes.nan_reductions import (
    nanargmax,
    nanargmin,
    nancumprod,
    nancumsum,
    nanmax,
    nanmean,
    nanmin,
    nanprod,
    nanstd,
    nansum,
    nanvar,
)
from ddtrain.numpy.along_axes.quantiles import median, nanmedian, nanpercentile, nanquantile, percentile, quantile
from ddtrain.numpy.along_axes.reductions import amax, amin, max, mean, min, std, sum, var
from ddtrain.numpy.along_axes.scans import cumprod, cumsum, cumulative_prod, cumulative_sum, prod
from ddtrain.numpy.along_axes.sorting import argpartition, lexsort, partition, sort, sort_complex, unique
from ddtrain.numpy.along_axes.statistics import average, bincount, corrcoef, cov, ptp
from ddtrain.numpy.creation import (
    arange,
    bool_,
    broadcast_shapes,
    complex64,
    complex128,
    dtype,
    e,
    empty,
    empty_like,
    errstate,
    euler_gamma,
    eye,
    finfo,
    float16,
    float32,
    float64,
    floating,
    full,
    full_like,
    geomspace,
    identity,
    iinfo,
    indices,
    inf,
    int8,
    int16,
    int32,
    int64,
    integer,
    isscalar,
    linspace,
    loadtxt,
    logspace,
    nan,
    ndarray,
    newaxis,
    ones,
    ones_like,
    pi,
    printoptions,
    promote_types,
    s_,
    set_printoptions,
    tri,
    tril_indices,
    triu_indices,
    uint8,
    unravel_index,
    zeros,
    zeros_like,
)
from ddtrain.numpy.dispatch.array_box import ArrayBox
from ddtrain.numpy.dispatch.counterparts import take_numpys_words
from ddtrain.numpy.dispatch.missing_rules import missing_name
from ddtrain.numpy.dispatch.unchanged_names import UNCHANGED
from ddtrain.numpy.elementwise.arithmetic import (
    abs,
    absolute,
    add,
    cbrt,
    divide,
    fabs,
    fmod,
    log,
    mod,
    multiply,
    negative,
    positive,
    pow,
    power,
    reciprocal,
    remainder,
    sqrt,
    square,
    subtract,
    true_divide,
)
from ddtrain.numpy.elementwise.casts import astype, iscomplexobj, isrealobj, result_type
from ddtrain.numpy.elementwise.choices import clip, fmax, fmin, maximum, minimum
from ddtrain.numpy.elementwise.choices import where_or_positions as where
from ddtrain.numpy.elementwise.comparisons import (
    all,
    allclose,
    any,
    argmax,
    argmin,
    argsort,
    argwhere,
    around,
    array_equal,
    array_equiv,
    ceil,
    count_nonzero,
    diag_indices_from,
    digitize,
    equal,
    flatnonzero,
    floor,
    floor_divide,
    greater,
    greater_equal,
    isclose,
    iscomplex,
    isfinite,
    isin,
    isinf,
    isnan,
    isneginf,
    isposinf,
    isreal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    nonzero,
    not_equal,
    rint,
    round,
    searchsorted,
    signbit,
    tril_indices_from,
    triu_indices_from,
    trunc,
)
from ddtrain.numpy.elementwise.complex_numbers import angle, conj, conjugate, imag, real, sign
from ddtrain.numpy.elementwise.floating_point import (
    copysign,
    divmod,
    fix,
    float_power,
    frexp,
    ldexp,
    modf,
    nan_to_num,
    nextafter,
    real_if_close,
    spacing,
)
from ddtrain.numpy.elementwise.special import heaviside, i0, sinc
from ddtrain.numpy.elementwise.transcendental import (
    acos,
    acosh,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    deg2rad,
    degrees,
    exp,
    exp2,
    expm1,
    hypot,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    rad2deg,
    radians,
    sin,
    sinh,
    tan,
    tanh,
)
from ddtrain.numpy.inplace import (
    copyto,
    fill_diagonal,
    place,
    put,
    put_along_axis,
    putmask,
)
from ddtrain.numpy.manipulation.arrangements import (
    broadcast_arrays,
    diagflat,
    fliplr,
    flipud,
    ix_,
    make_diagonal,
    meshgrid,
    resize,
    rollaxis,
    rot90,
    trim_zeros,
    unstack,
)
from ddtrain.numpy.manipulation.axes import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    expand_dims,
    matrix_transpose,
    moveaxis,
    repeat,
    squeeze,
    swapaxes,
    tile,
)
from ddtrain.numpy.manipulation.index_tricks import c_, r_
from ddtrain.numpy.manipulation.indexing import diag, diagonal, take, take_along_axis, tril, triu
from ddtrain.numpy.manipulation.joining import (
    append,
    array,
    array_split,
    asanyarray,
    asarray,
    asarray_chkfinite,
    ascontiguousarray,
    asfortranarray,
    block,
    column_stack,
    concat,
    concatenate,
    copy,
    dsplit,
    dstack,
    hsplit,
    hstack,
    row_stack,
    split,
    stack,
    vsplit,
    vstack,
)
from ddtrain.numpy.manipulation.padding import pad
from ddtrain.numpy.manipulation.selections import choose, compress, delete, extract, insert, piecewise, select
from ddtrain.numpy.manipulation.shapes import broadcast_view as broadcast_to
from ddtrain.numpy.manipulation.shapes import flip, ndim, permute_dims, ravel, reshape, roll, shape, size, transpose
from ddtrain.numpy.mapping import (
    apply_along_axis,
    apply_over_axes,
    vectorize,
)
from ddtrain.numpy.products.convolutions import convolve, correlate
from ddtrain.numpy.products.einsum import einsum
from ddtrain.numpy.products.interpolation import interp
from ddtrain.numpy.products.matrix_products import (
    cross,
    dot,
    inner,
    kron,
    matmul,
    matvec,
    outer,
    tensordot,
    trace,
    vdot,
    vecdot,
    vecmat,
)
from ddtrain.numpy.products.polynomials import (
    poly,
    polyadd,
    polyder,
    polyfit,
    polyint,
    polymul,
    polysub,
    polyval,
    roots,
    vander,
)

__all__ = [
    "ArrayBox", "abs", "absolute", "acos", "acosh", "add", "all", "allclose", "amax", "amin", "angle", "any",
    "append", "apply_along_axis", "apply_over_axes", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan",
    "arctan2", "arctanh", "argmax", "argmin", "argpartition", "argsort", "argwhere", "around", "array",
    "array_equal", "array_equiv", "array_split", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray",
    "asfortranarray", "asin", "asinh", "astype", "atan", "atan2", "atanh", "atleast_1d", "atleast_2d",
    "atleast_3d", "average", "bincount", "block", "bool_", "broadcast_arrays", "broadcast_shapes", "broadcast_to",
    "c_", "cbrt", "ceil", "choose", "clip", "column_stack", "complex128", "complex64", "compress", "concat",
    "concatenate", "conj", "conjugate", "convolve", "copy", "copysign", "copyto", "corrcoef", "correlate", "cos",
    "cosh", "count_nonzero", "cov", "cross", "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "deg2rad",
    "degrees", "delete", "diag", "diag_indices_from", "diagflat", "diagonal", "diff", "digitize", "divide",
    "divmod", "dot", "dsplit", "dstack", "dtype", "e", "ediff1d", "einsum", "empty", "empty_like", "equal",
    "errstate", "euler_gamma", "exp", "exp2", "expand_dims", "expm1", "extract", "eye", "fabs", "fft",
    "fill_diagonal", "finfo", "fix", "flatnonzero", "flip", "fliplr", "flipud", "float16", "float32", "float64",
    "float_power", "floating", "floor", "floor_divide", "fmax", "fmin", "fmod", "frexp", "full", "full_like",
    "geomspace", "gradient", "greater", "greater_equal", "heaviside", "hsplit", "hstack", "hypot", "i0",
    "identity", "iinfo", "imag", "indices", "inf", "inner", "insert", "int16", "int32", "int64", "int8", "integer",
    "interp", "isclose", "iscomplex", "iscomplexobj", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf",
    "isreal", "isrealobj", "isscalar", "ix_", "kron", "ldexp", "less", "less_equal", "lexsort", "linalg",
    "linspace", "loadtxt", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logical_and",
    "logical_not", "logical_or", "logical_xor", "logspace", "make_diagonal", "matmul", "matrix_transpose",
    "matvec", "max", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod", "modf", "moveaxis",
    "multiply", "nan", "nan_to_num", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean",
    "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "ndarray",
    "ndim", "negative", "newaxis", "nextafter", "nonzero", "not_equal", "ones", "ones_like", "outer", "pad",
    "partition", "percentile", "permute_dims", "pi", "piecewise", "place", "poly", "polyadd", "polyder", "polyfit",
    "polyint", "polymul", "polysub", "polyval", "positive", "pow", "power", "printoptions", "prod",
    "promote_types", "ptp", "put", "put_along_axis", "putmask", "quantile", "r_", "rad2deg", "radians", "random",
    "ravel", "real", "real_if_close", "reciprocal", "remainder", "repeat", "reshape", "resize", "result_type",
    "rint", "roll", "rollaxis", "roots", "rot90", "round", "row_stack", "s_", "searchsorted", "select",
    "set_printoptions", "shape", "sign", "signbit", "sin", "sinc", "sinh", "size", "sort", "sort_complex",
    "spacing", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "take",
    "take_along_axis", "tan", "tanh", "tensordot", "tile", "trace", "transpose", "trapezoid", "tri", "tril",
    "tril_indices", "tril_indices_from", "trim_zeros", "triu", "triu_indices", "triu_indices_from", "true_divide",
    "trunc", "uint8", "unique", "unravel_index", "unstack", "unwrap", "vander", "var", "vdot", "vecdot", "vecmat",
    "vectorize", "vsplit", "vstack", "where", "zeros", "zeros_like",
]  # fmt: skip

take_numpys_words("", globals(), _np, __all__)
take_numpys_words("linalg.", vars(linalg), _np.linalg, linalg.RULED)
take_numpys_words("fft.", vars(fft), _np.fft, fft.RULED)


def __getattr__(name: str) -> Any:
    if name in UNCHANGED:
        return getattr(_np, name)
    raise missing_name(_np, name)
