"""Every name: what Autograd differentiates is here and tested, and what NumPy has is here, passed on, or refused."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import calls
import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import PRIMITIVES
from ddtrain.numpy.dispatch.missing_rules import REFUSED
from ddtrain.numpy.dispatch.unchanged_names import UNCHANGED

# What HIPS Autograd 1.9.0 on NumPy 2 answers when asked which functions of its namespaces have a VJP
# (autograd.core.primitive_vjps), without its helpers; and those it makes of others.
AUTOGRAD = [
    "abs", "absolute", "acos", "acosh", "add", "amax", "amin", "angle", "append", "arccos", "arccosh", "arcsin",
    "arcsinh", "arctan", "arctan2", "arctanh", "array", "array_split", "asin", "asinh", "astype", "atan", "atan2",
    "atanh", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_to", "clip", "column_stack", "concatenate",
    "conj", "conjugate", "cos", "cosh", "cross", "cumsum", "deg2rad", "degrees", "diag", "diagonal", "diff",
    "divide", "dot", "dsplit", "einsum", "exp", "exp2", "expand_dims", "expm1", "fabs", "fliplr", "flipud", "fmax",
    "fmin", "full", "gradient", "hsplit", "hstack", "hypot", "imag", "inner", "kron", "linspace", "log", "log10",
    "log1p", "log2", "logaddexp", "logaddexp2", "matmul", "max", "maximum", "mean", "min", "minimum", "mod",
    "moveaxis", "multiply", "nan_to_num", "negative", "outer", "pad", "partition", "permute_dims", "pow", "power",
    "prod", "rad2deg", "radians", "ravel", "real", "real_if_close", "reciprocal", "remainder", "repeat", "reshape",
    "roll", "rollaxis", "rot90", "select", "sin", "sinc", "sinh", "sort", "split", "sqrt", "square", "squeeze",
    "stack", "std", "subtract", "sum", "swapaxes", "tan", "tanh", "tensordot", "tile", "trace", "transpose", "tril",
    "triu", "true_divide", "var", "vsplit", "vstack", "where", "linalg.cholesky", "linalg.det", "linalg.eig",
    "linalg.eigh", "linalg.inv", "linalg.norm", "linalg.pinv", "linalg.slogdet", "linalg.solve", "linalg.svd",
    "fft.fft", "fft.fft2", "fft.fftn", "fft.fftshift", "fft.ifft", "fft.ifft2", "fft.ifftn", "fft.ifftshift",
    "fft.irfft", "fft.irfft2", "fft.irfftn", "fft.rfft", "fft.rfft2", "fft.rfftn",
]  # fmt: skip
ALIASES = {"amax": "max", "amin": "min", "concat": "concatenate", "row_stack": "vstack", "permute_dims": "transpose"}
PLAIN = {  # of ours: names that neither take nor make a differentiated array
    "ArrayBox", "arange", "asarray", "bool_", "broadcast_shapes", "complex128", "complex64", "copyto", "dtype",
    "e", "empty", "empty_like", "errstate", "euler_gamma", "eye", "fft", "fill_diagonal", "finfo", "float16",
    "float32", "float64", "floating", "frexp", "identity", "iinfo", "indices", "inf", "int16", "int32", "int64",
    "int8", "integer", "iscomplexobj", "isrealobj", "isscalar", "lexsort", "linalg", "loadtxt", "nan", "ndarray",
    "ndim", "newaxis", "ones", "ones_like", "pi", "place", "printoptions", "promote_types", "put",
    "put_along_axis", "putmask", "random", "result_type", "s_", "set_printoptions", "shape", "size", "tri",
    "tril_indices", "triu_indices", "uint8", "unravel_index", "zeros", "zeros_like",
}  # fmt: skip


def called_by_name() -> set[str]:
    """Every string in the tests beside this one and in their tables of calls."""
    found = set()
    for path in [*Path(__file__).parent.rglob("test_*.py"), Path(calls.__file__)]:
        if path != Path(__file__):
            nodes = ast.walk(ast.parse(path.read_text()))
            found |= {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found


CALLED = called_by_name()


def find(name: str) -> object:
    namespace: object = np
    for part in name.split("."):
        namespace = getattr(namespace, part)
    return namespace


def is_tested(name: str) -> bool:
    short = name.rsplit(".", 1)[-1]
    return any(find(name) is prim for prim in PRIMITIVES) or bool({name, short, ALIASES.get(name)} & CALLED)


@pytest.mark.parametrize("name", AUTOGRAD)
def test_what_autograd_differentiates_is_here_and_tested(name):
    assert is_tested(name)


@pytest.mark.parametrize("name", [n for n in np.__all__ if n not in PLAIN])
def test_every_function_is_a_primitive_or_called_by_a_test(name):
    assert is_tested(name)


@pytest.mark.parametrize("name", [*(f"linalg.{n}" for n in np.linalg.RULED), *(f"fft.{n}" for n in np.fft.RULED)])
def test_every_function_of_the_sub_namespaces_is_tested(name):
    assert is_tested(name)


@pytest.mark.parametrize(
    "name", [*np.__all__, *(f"linalg.{n}" for n in np.linalg.RULED), *(f"fft.{n}" for n in np.fft.RULED)]
)
def test_help_speaks_of_arrays(name):
    space, _, own = name.rpartition(".")
    function = getattr(getattr(np, space) if space else np, own)
    if not callable(function) or isinstance(function, type | onp.ufunc):
        return
    signature = inspect.signature(function)
    if signature.return_annotation is inspect.Signature.empty:
        return  # NumPy's own signature, of one that has NumPy's kernel
    told = str(signature)
    assert signature.return_annotation != "Any", told
    first = next(iter(signature.parameters.values()), None)
    assert first is None or first.name not in ("x", "a", "operands") or first.annotation != "Any", told


def test_every_public_name_of_numpy_has_its_place():
    public = {name for name in dir(onp) if not name.startswith("_")}
    assert public - set(np.__all__) - UNCHANGED - REFUSED.keys() == set()
    assert not UNCHANGED & set(np.__all__)
    assert not REFUSED.keys() & (set(np.__all__) | UNCHANGED)
    for name in sorted(UNCHANGED & public):
        assert getattr(np, name) is getattr(onp, name)
    for module in ("linalg", "fft"):
        theirs = {name for name in dir(getattr(onp, module)) if not name.startswith("_")} - {"test"}
        assert theirs <= {*getattr(np, module).__all__, "linalg"}
    assert np.random.gamma is onp.random.gamma


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_name_says_why_and_what_instead(name):
    reason, remedy = REFUSED[name]
    with pytest.raises(AttributeError) as caught:
        getattr(np, name)
    assert reason in str(caught.value)
    assert remedy in str(caught.value)
